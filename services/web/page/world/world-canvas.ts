/** Runs the World on a canvas: takes states in, turns input into commands, draws each frame. Rests while hidden. */

import { COOLDOWN_TICKS, isInReach, MAP, REACH, TICK_HZ, type Velocity } from '@breakwater/game-world/view';
import { Camera } from './camera.ts';
import { drawScene, type Scene } from './draw.ts';
import { Input } from './input.ts';
import { DELAY_MS, type Point } from './interpolation.ts';
import { WorldModel, type WorldObject, type WorldPlayer } from './model.ts';
import { palette } from './palette.ts';
import { Prediction } from './prediction.ts';
import type { ShownGame } from './shown-game.ts';

const HIT_PERIOD_MS = (COOLDOWN_TICKS * 1_000) / TICK_HZ;
/** A held pointer closer than this does not move the player, in map units. */
const POINTER_DEAD_ZONE = 18;

export interface WorldCanvasOptions {
  readonly canvas: HTMLCanvasElement;
  readonly game: ShownGame;
  readonly roundTripMs: () => number;
  /** Called after each committed state. */
  readonly onState: (model: WorldModel) => void;
}

export class WorldCanvas {
  readonly model: WorldModel;
  readonly #options: WorldCanvasOptions;
  readonly #input: Input;
  readonly #camera = new Camera(MAP.width, MAP.height);
  readonly #prediction = new Prediction();
  readonly #offs: (() => void)[] = [];
  #steered: Velocity = { dx: 0, dy: 0 };
  #lastHitMs = 0;
  #lastFrameMs = 0;
  #frame = 0;

  constructor(options: WorldCanvasOptions) {
    this.#options = options;
    const { game, canvas } = options;
    this.model = new WorldModel(game);
    this.#input = new Input(canvas);
    const resize = new ResizeObserver(() => this.#resize());
    resize.observe(canvas);
    this.#offs.push(
      () => resize.disconnect(),
      game.on('state', () => this.#update(true)),
      game.on('delta', () => this.#update(false)),
    );
    this.#resize();
    this.#update(true);
    this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    this.#input.dispose();
    for (const off of this.#offs) off();
  }

  #update(isWhole: boolean): void {
    const now = performance.now();
    this.model.update(now, isWhole);
    const own = this.#own();
    if (own !== undefined) this.#prediction.committed(own.position, now - this.#options.roundTripMs());
    this.#options.onState(this.model);
  }

  #own(): WorldPlayer | undefined {
    return this.model.players.get(this.model.ownPid ?? 0);
  }

  #resize(): void {
    const { canvas } = this.#options;
    const ratio = devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    this.#camera.resize(canvas.clientWidth, canvas.clientHeight);
  }

  #draw(now: number): void {
    const frameMs = Math.min(100, now - this.#lastFrameMs);
    this.#lastFrameMs = now;
    const own = this.#own();
    const ownPlace =
      own === undefined ? { x: MAP.width / 2, y: MAP.height / 2 } : this.#prediction.frame(now, frameMs);
    this.#camera.follow(ownPlace);
    const target = own === undefined ? undefined : this.#target(ownPlace);
    if (own !== undefined) this.#act(now, ownPlace, target);
    this.#paint(now, ownPlace, target);
    this.#frame = requestAnimationFrame((next) => this.#draw(next));
  }

  #paint(now: number, ownPlace: Point, target: WorldObject | undefined): void {
    const { canvas } = this.#options;
    const context = canvas.getContext('2d')!;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    const scene: Scene = {
      model: this.model,
      camera: this.#camera,
      colours: palette(),
      placeOf: (player) => (player.pid === this.model.ownPid ? ownPlace : player.track.at(now - DELAY_MS)),
      target,
      nowMs: now,
    };
    drawScene(context, canvas.clientWidth, canvas.clientHeight, scene);
  }

  /** The object under the pressed pointer if it is in reach, else the nearest one in reach. */
  #target(from: Point): WorldObject | undefined {
    const { pointer } = this.#input;
    const aim = pointer === undefined ? from : this.#camera.toMap(pointer);
    let best: WorldObject | undefined;
    let bestDistance = REACH;
    for (const object of this.model.objects.values()) {
      if (object.hp === 0 || !isInReach(from, object.position)) continue;
      const distance = Math.hypot(object.position.x - aim.x, object.position.y - aim.y);
      if (best !== undefined && distance >= bestDistance) continue;
      best = object;
      bestDistance = distance;
    }
    return best;
  }

  #act(now: number, from: Point, target: WorldObject | undefined): void {
    const { pointer } = this.#input;
    const aim = pointer === undefined ? undefined : this.#camera.toMap(pointer);
    const toPointer = aim === undefined ? undefined : { x: aim.x - from.x, y: aim.y - from.y };
    this.#steer(this.#input.velocity(toPointer, POINTER_DEAD_ZONE), now);
    if (this.#input.wantsHit && target !== undefined && now - this.#lastHitMs >= HIT_PERIOD_MS) {
      this.#lastHitMs = now;
      this.#command('hit', { object: target.id });
    }
  }

  #steer(velocity: Velocity, now: number): void {
    const isSmallTurn = Math.hypot(velocity.dx - this.#steered.dx, velocity.dy - this.#steered.dy) < 1;
    const isStop = velocity.dx === 0 && velocity.dy === 0;
    const wasStopped = this.#steered.dx === 0 && this.#steered.dy === 0;
    if (isSmallTurn && isStop === wasStopped) return;
    this.#steered = velocity;
    this.#prediction.steer(velocity, now);
    this.#command('steer', { dx: velocity.dx, dy: velocity.dy });
  }

  /** A rejected hit (somebody was faster) shows in the state; there is nothing else to do about it. */
  #command(name: string, args: Readonly<Record<string, number>>): void {
    try {
      this.#options.game.command(name, args).applied.catch(() => undefined);
    } catch {
      this.#steered = { dx: Number.NaN, dy: Number.NaN };
    }
  }
}
