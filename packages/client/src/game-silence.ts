/** Notices that nothing comes for a game although its owner would say something every second. */

import type { ClientClock } from './options.ts';

export class GameSilence {
  readonly #clock: ClientClock;
  readonly #limitMs: number;
  readonly #onSilence: () => void;
  #heardAtMs = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: ClientClock, limitMs: number, onSilence: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
  }

  /** Begins to listen, or goes on as if something had just been heard. */
  watch(): void {
    this.heard();
    if (this.#cancel === undefined) this.#wait(this.#limitMs);
  }

  heard(): void {
    this.#heardAtMs = this.#clock.monotonicMs();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  // One timer for many frames: it looks when it fires whether there was one.
  #wait(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined;
      const leftMs = this.#heardAtMs + this.#limitMs - this.#clock.monotonicMs();
      if (leftMs > 0) this.#wait(leftMs);
      else this.#onSilence();
    });
  }
}
