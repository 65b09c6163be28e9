/** Draws one frame: ground, objects, players, and what has just happened. Everything in canvas pixels at the device's ratio. */

import { MAP } from '@breakwater/game-world/view';
import type { Camera } from './camera.ts';
import type { Point } from './interpolation.ts';
import { BREAK_MS, HIT_MS, type WorldModel, type WorldObject, type WorldPlayer } from './model.ts';
import { type Palette, playerColour } from './palette.ts';

const DOT_SPACING = 50;
const PLAYER_RADIUS = 13;

interface Shape {
  readonly outline: Path2D;
  readonly detail: Path2D;
  /** Each one lies another way. */
  readonly turns: boolean;
}

/** In a circle of radius 1. A crate is square with planks, a rock has facets, a crystal is tall: told apart without colour. */
const SHAPES: { readonly [kind: string]: Shape } = {
  crate: {
    outline: new Path2D('M-.86-.86H.86V.86H-.86Z'),
    detail: new Path2D('M-.86-.3H.86M-.86.3H.86M-.86.86 .86-.86'),
    turns: false,
  },
  rock: {
    outline: new Path2D('M-.95.1-.7-.7 0-1 .75-.68 1 .15 .55.88-.5.9Z'),
    detail: new Path2D('M-.7-.7-.2-.2 0-1M-.2-.2 .45.1 .75-.68M.45.1 .55.88M-.2-.2-.5.9'),
    turns: true,
  },
  crystal: {
    outline: new Path2D('M0-1.35 .62-.45 .5.75 0 1.2-.5.75-.62-.45Z'),
    detail: new Path2D('M0-1.35-.18-.3 0 1.2M-.62-.45-.18-.3 .62-.45'),
    turns: false,
  },
};

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
  const shape = SHAPES[object.kind.name] ?? SHAPES.rock!;
  const colour = colours.kinds[object.kind.name] ?? colours.kinds.rock!;
  const isFlashing = nowMs - object.hitAtMs < HIT_MS;
  context.save();
  context.translate(at.x, at.y);
  drawShadow(context, radius, colours);
  context.rotate(shape.turns ? (object.id % 12) * 0.52 : 0);
  context.scale(radius * (isFlashing ? 1.12 : 1), radius * (isFlashing ? 1.12 : 1));
  context.lineWidth = 1.6 / object.kind.radius;
  context.lineJoin = 'round';
  context.fillStyle = isFlashing ? colours.flash : colour.fill;
  context.strokeStyle = colour.line;
  context.fill(shape.outline);
  context.stroke(shape.detail);
  context.lineWidth = 2.4 / object.kind.radius;
  context.stroke(shape.outline);
  context.restore();
  if (object === scene.target) drawTarget(context, at, radius, scene);
  if (object.hp < object.kind.hp || object === scene.target)
    drawHitPoints(context, object, at, radius, scene);
}

function drawShadow(context: Context, radius: number, colours: Palette): void {
  context.beginPath();
  context.ellipse(radius * 0.12, radius * 0.55, radius * 0.95, radius * 0.55, 0, 0, Math.PI * 2);
  context.fillStyle = colours.shadow;
  context.fill();
}

function drawTarget(context: Context, at: Point, radius: number, { camera, colours }: Scene): void {
  context.beginPath();
  context.arc(at.x, at.y, radius + 7 * camera.scale, 0, Math.PI * 2);
  context.strokeStyle = colours.accent;
  context.lineWidth = 2.5 * camera.scale;
  context.stroke();
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
  drawHeading(context, player, at, radius);
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

/** A wedge towards where the player walks. */
function drawHeading(context: Context, player: WorldPlayer, at: Point, radius: number): void {
  const { dx, dy } = player.velocity;
  if (dx === 0 && dy === 0) return;
  const angle = Math.atan2(dy, dx);
  context.beginPath();
  context.moveTo(at.x + Math.cos(angle) * radius * 1.75, at.y + Math.sin(angle) * radius * 1.75);
  context.arc(at.x, at.y, radius * 1.1, angle + 0.6, angle - 0.6, true);
  context.closePath();
  context.fillStyle = playerColour(player.pid);
  context.fill();
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
