/** Allows a bounded number of restarts in any window of time. */
export class RestartBudget {
  readonly #max: number;
  readonly #windowMs: number;
  #timesMs: number[] = [];

  constructor(max: number, windowMs: number) {
    this.#max = max;
    this.#windowMs = windowMs;
  }

  /** True, and counted, while the window has room. */
  take(nowMs: number): boolean {
    this.#timesMs = this.#timesMs.filter((timeMs) => nowMs - timeMs < this.#windowMs);
    if (this.#timesMs.length >= this.#max) return false;
    this.#timesMs.push(nowMs);
    return true;
  }
}
