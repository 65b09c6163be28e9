/** Draws one frame: ground, objects, players, and what has just happened. Everything in canvas pixels at the device's ratio. */

import { MAP } from '@breakwater/game-world/view';
import type { Camera } from './camera.ts';
import type { Point } from './interpolation.ts';
import { BREAK_MS, HIT_MS, type WorldModel, type WorldObject, type WorldPlayer } from './model.ts';
import { type Palette, playerColour } from './palette.ts';

const DOT_SPACING = 50;
const PLAYER_RADIUS = 13;

export interface Scene {
  readonly model: WorldModel;
  readonly camera: Camera;
  readonly colours: Palette;
  /** Where to draw each player in this frame. */
  placeOf(player: WorldPlayer): Point;
  /** The object that a hit would go to. */
  readonly target: WorldObject | undefined;
  readonly nowMs: number;
}

type Context = CanvasRenderingContext2D;

export function drawScene(context: Context, width: number, height: number, scene: Scene): void {
  drawGround(context, width, height, scene);
  for (const object of scene.model.objects.values()) drawObject(context, object, scene);
  for (const player of scene.model.players.values()) {
    if (player.pid !== scene.model.ownPid) drawPlayer(context, player, scene);
  }
  const own = scene.model.players.get(scene.model.ownPid ?? 0);
  if (own !== undefined) drawPlayer(context, own, scene);
  drawBreaks(context, scene);
}

function drawGround(context: Context, width: number, height: number, { camera, colours }: Scene): void {
  context.fillStyle = colours.beyond;
  context.fillRect(0, 0, width, height);
  const corner = camera.toScreen({ x: 0, y: 0 });
  context.fillStyle = colours.ground;
  context.fillRect(corner.x, corner.y, MAP.width * camera.scale, MAP.height * camera.scale);
  const from = camera.toMap({ x: 0, y: 0 });
  const to = camera.toMap({ x: width, y: height });
  const size = Math.max(1.5, 2.4 * camera.scale);
  context.fillStyle = colours.dots;
  for (let x = firstDot(from.x); x < Math.min(to.x, MAP.width); x += DOT_SPACING) {
    for (let y = firstDot(from.y); y < Math.min(to.y, MAP.height); y += DOT_SPACING) {
      const dot = camera.toScreen({ x, y });
      context.fillRect(dot.x, dot.y, size, size);
    }
  }
}

function firstDot(from: number): number {
  return Math.max(DOT_SPACING / 2, Math.floor(from / DOT_SPACING) * DOT_SPACING + DOT_SPACING / 2);
}

function drawObject(context: Context, object: WorldObject, scene: Scene): void {
  const { camera, colours, nowMs } = scene;
  const at = camera.toScreen(object.position);
  if (object.hp === 0 || !camera.isVisible(at, 60)) return;
  const radius = object.kind.radius * camera.scale;
  const colour = colours.kinds[object.kind.name] ?? colours.kinds.rock!;
  const isFlashing = nowMs - object.hitAtMs < HIT_MS;
  tracePolygon(context, at, isFlashing ? radius * 1.12 : radius, object);
  context.fillStyle = isFlashing ? colours.flash : colour.fill;
  context.fill();
  context.lineWidth = 2 * camera.scale;
  context.strokeStyle = colour.line;
  context.stroke();
  if (object === scene.target) drawTarget(context, at, radius, scene);
  if (object.hp < object.kind.hp || object === scene.target)
    drawHitPoints(context, object, at, radius, scene);
}

function drawTarget(context: Context, at: Point, radius: number, { camera, colours }: Scene): void {
  context.beginPath();
  context.arc(at.x, at.y, radius + 7 * camera.scale, 0, Math.PI * 2);
  context.strokeStyle = colours.accent;
  context.lineWidth = 2.5 * camera.scale;
  context.stroke();
}

/** Crates are square, rocks have seven sides, crystals are tall: told apart without colour. */
function tracePolygon(context: Context, at: Point, radius: number, object: WorldObject): void {
  const sides = object.kind.name === 'crate' ? 4 : object.kind.name === 'rock' ? 7 : 4;
  const turn = object.kind.name === 'crate' ? Math.PI / 4 : (object.id % 7) * 0.3;
  const isCrystal = object.kind.name === 'crystal';
  context.beginPath();
  for (let side = 0; side < sides; side++) {
    const angle = (isCrystal ? Math.PI / 2 : turn) + (side * Math.PI * 2) / sides;
    const narrow = isCrystal && side % 2 === 1 ? 0.62 : 1.15;
    context.lineTo(at.x + Math.cos(angle) * radius * narrow, at.y + Math.sin(angle) * radius * narrow);
  }
  context.closePath();
}

function drawHitPoints(context: Context, object: WorldObject, at: Point, radius: number, scene: Scene): void {
  const { camera, colours } = scene;
  const width = 34 * camera.scale;
  const height = Math.max(3, 4 * camera.scale);
  const left = at.x - width / 2;
  const top = at.y + radius + 8 * camera.scale;
  context.fillStyle = colours.hpBack;
  context.fillRect(left, top, width, height);
  context.fillStyle = colours.hp;
  context.fillRect(left, top, (width * object.hp) / object.kind.hp, height);
  if (object !== scene.target) return;
  label(
    context,
    `${object.kind.name} ${object.hp}/${object.kind.hp}`,
    { x: at.x, y: top + 16 * camera.scale },
    11,
    scene,
  );
}

function drawPlayer(context: Context, player: WorldPlayer, scene: Scene): void {
  const { camera, colours, model } = scene;
  const at = camera.toScreen(scene.placeOf(player));
  if (!camera.isVisible(at, 80)) return;
  const isOwn = player.pid === model.ownPid;
  const radius = PLAYER_RADIUS * camera.scale;
  context.globalAlpha = player.isConnected ? 1 : 0.4;
  context.beginPath();
  context.arc(at.x, at.y, radius, 0, Math.PI * 2);
  context.fillStyle = playerColour(player.pid);
  context.fill();
  context.lineWidth = (isOwn ? 3.5 : 2) * camera.scale;
  context.strokeStyle = isOwn ? colours.text : colours.halo;
  context.stroke();
  label(context, player.name, { x: at.x, y: at.y - radius - 7 * camera.scale }, isOwn ? 13 : 12, scene);
  context.globalAlpha = 1;
}

function drawBreaks(context: Context, scene: Scene): void {
  for (const event of scene.model.breaks) {
    const age = (scene.nowMs - event.atMs) / BREAK_MS;
    if (age >= 1) continue;
    const at = scene.camera.toScreen(event.position);
    context.globalAlpha = 1 - age * age;
    label(
      context,
      `${event.name} +${event.xp}`,
      { x: at.x, y: at.y - age * 34 * scene.camera.scale },
      14,
      scene,
    );
    context.globalAlpha = 1;
  }
}

function label(context: Context, text: string, at: Point, size: number, { camera, colours }: Scene): void {
  context.font = `600 ${Math.max(10, size * Math.min(1.3, camera.scale))}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineWidth = 3;
  context.strokeStyle = colours.halo;
  context.strokeText(text, at.x, at.y);
  context.fillStyle = colours.text;
  context.fillText(text, at.x, at.y);
}
