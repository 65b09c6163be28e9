/** Plays a recorded game at some speed, by the ticks that its frames show. */

import { Observable } from '../state/observable.ts';
import type { RecordedGame } from './recorded-game.ts';

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8] as const;
/** Frames shown in one turn at most: who plays faster than the page can show sees fewer of them a second. */
const MAX_STEPS = 40;

export class Player extends Observable {
  readonly game: RecordedGame;
  isPlaying = false;
  speed = 1;
  #frame = 0;
  #atMs = 0;
  /** Ticks that are due and not shown yet. */
  #dueTicks = 0;

  constructor(game: RecordedGame) {
    super();
    this.game = game;
  }

  play(): void {
    if (this.isPlaying) return;
    if (this.game.index + 1 >= this.game.length) this.game.seek(0);
    this.isPlaying = true;
    this.#dueTicks = 0;
    this.#atMs = performance.now();
    this.#frame = requestAnimationFrame((now) => this.#turn(now));
    this.changed();
  }

  pause(): void {
    cancelAnimationFrame(this.#frame);
    this.isPlaying = false;
    this.changed();
  }

  toggle(): void {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    this.changed();
  }

  seek(index: number): void {
    this.#dueTicks = 0;
    this.game.seek(index);
    this.changed();
  }

  #turn(now: number): void {
    const { game } = this;
    this.#dueTicks += (Math.max(0, now - this.#atMs) / 1_000) * game.tickHz * this.speed;
    this.#atMs = now;
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const next = game.recording.frames[game.index + 1];
      if (next === undefined) {
        this.pause();
        return;
      }
      const ticks = Math.max(0, next.tick - game.replica.tick);
      if (ticks > this.#dueTicks) break;
      this.#dueTicks -= ticks;
      game.step();
    }
    this.#dueTicks = Math.min(this.#dueTicks, game.tickHz * this.speed);
    this.changed();
    this.#frame = requestAnimationFrame((next) => this.#turn(next));
  }
}
