/** One's own player, drawn where it will be: the held direction applied at once, the server's word worked in smoothly. */

import { moveStep, type Velocity } from '@breakwater/game-world/view';
import type { Point } from './interpolation.ts';

const TICK_MS = 50;
/** Share of the remaining error that is taken out in a frame of 16 ms. */
const CORRECTION = 0.12;
/** An error beyond this is not smoothed but taken over. In map units. */
const SNAP = 120;
const HISTORY = 40;

interface Step {
  readonly timeMs: number;
  readonly velocity: Velocity;
}

export class Prediction {
  #position: Point | undefined;
  #truth: Point | undefined;
  #truthTimeMs = 0;
  #velocity: Velocity = { dx: 0, dy: 0 };
  readonly #history: Step[] = [];

  steer(velocity: Velocity, nowMs: number): void {
    this.#velocity = velocity;
    this.#history.push({ timeMs: nowMs, velocity });
    if (this.#history.length > HISTORY) this.#history.shift();
  }

  /** The committed position as of `timeMs`: when commands sent at that time had taken effect, by the round trip. */
  committed(position: Point, timeMs: number): void {
    this.#truth = position;
    this.#truthTimeMs = timeMs;
  }

  /** Where to draw the player in this frame. */
  frame(nowMs: number, frameMs: number): Point {
    if (this.#truth === undefined) return { x: 0, y: 0 };
    const expected = this.#replay(nowMs);
    const moved = glide(this.#position ?? expected, this.#velocity, frameMs);
    const errorX = expected.x - moved.x;
    const errorY = expected.y - moved.y;
    const share = Math.hypot(errorX, errorY) > SNAP ? 1 : Math.min(1, (CORRECTION * frameMs) / 16);
    this.#position = { x: moved.x + errorX * share, y: moved.y + errorY * share };
    return this.#position;
  }

  /** From the committed position on, with what was steered since. */
  #replay(nowMs: number): Point {
    let position = this.#truth!;
    let velocity = this.#velocityAt(this.#truthTimeMs);
    let timeMs = this.#truthTimeMs;
    for (const step of this.#history) {
      if (step.timeMs <= timeMs) continue;
      position = glide(position, velocity, step.timeMs - timeMs);
      velocity = step.velocity;
      timeMs = step.timeMs;
    }
    return glide(position, velocity, Math.min(1_000, Math.max(0, nowMs - timeMs)));
  }

  #velocityAt(timeMs: number): Velocity {
    return this.#history.findLast((step) => step.timeMs <= timeMs)?.velocity ?? { dx: 0, dy: 0 };
  }
}

/** The game's own movement rule, stretched over a part of a tick. */
function glide(from: Point, velocity: Velocity, ms: number): Point {
  const ticks = ms / TICK_MS;
  return moveStep(from, { dx: velocity.dx * ticks, dy: velocity.dy * ticks });
}
