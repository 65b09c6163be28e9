const PERIOD_MS = 50;
const WINDOW_MS = 5_000;

/**
 * Longest event-loop delay of the last five to ten seconds, seen by a timer.
 * Node's own delay histogram loses the very sample that matters when it is reset during a long block.
 */
export class EventLoopLag implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #windowEndsMs = this.#lastMs + WINDOW_MS;
  #previousMaxMs = 0;
  #maxMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.#tick(), PERIOD_MS).unref();
  }

  #tick(): void {
    const now = performance.now();
    this.#maxMs = Math.max(this.#maxMs, now - this.#lastMs - PERIOD_MS);
    this.#lastMs = now;
    if (now < this.#windowEndsMs) return;
    this.#previousMaxMs = this.#maxMs;
    this.#maxMs = 0;
    this.#windowEndsMs = now + WINDOW_MS;
  }

  lagMs(): number {
    const sinceTickMs = performance.now() - this.#lastMs - PERIOD_MS;
    return Math.max(0, this.#previousMaxMs, this.#maxMs, sinceTickMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
