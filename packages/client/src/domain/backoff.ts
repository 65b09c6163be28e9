/** Delays between attempts: full jitter under a bound that doubles. */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(firstMs: number, maxMs: number, random: () => number) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Delays given since the last `reset`. */
  get failures(): number {
    return this.#failures;
  }

  /** Uniform between 0 and the bound, in ms; the next bound is twice as large. */
  nextMs(): number {
    const bound = Math.min(this.#maxMs, this.#firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return this.#random() * bound;
  }

  reset(): void {
    this.#failures = 0;
  }
}
