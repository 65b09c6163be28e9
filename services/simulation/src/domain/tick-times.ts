/** Durations of the latest ticks, for a percentile. */
export class TickTimes {
  readonly #ring: Float64Array;
  #next = 0;
  #count = 0;

  constructor(capacity = 512) {
    this.#ring = new Float64Array(capacity);
  }

  record(ms: number): void {
    this.#ring[this.#next] = ms;
    this.#next = (this.#next + 1) % this.#ring.length;
    this.#count = Math.min(this.#count + 1, this.#ring.length);
  }

  /** 0 before the first tick. */
  p99Ms(): number {
    if (this.#count === 0) return 0;
    const sorted = this.#ring.slice(0, this.#count).sort();
    return sorted[Math.min(this.#count - 1, Math.floor(this.#count * 0.99))]!;
  }
}
