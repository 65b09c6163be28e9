/** Lets things happen at most so often: a bucket that holds one second's worth (at least one) and fills steadily. */
export class Pace {
  readonly #perSecond: number;
  readonly #capacity: number;
  #tokens: number;
  #atMs: number | undefined;

  /** @param capacity what may happen at once after a quiet time */
  constructor(perSecond: number, capacity = Math.max(1, perSecond)) {
    this.#perSecond = perSecond;
    this.#capacity = capacity;
    this.#tokens = capacity;
  }

  /** True, and one less left, when it may happen now. */
  take(monotonicMs: number): boolean {
    const pastMs = monotonicMs - (this.#atMs ?? monotonicMs);
    this.#atMs = monotonicMs;
    this.#tokens = Math.min(this.#capacity, this.#tokens + (pastMs / 1_000) * this.#perSecond);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
