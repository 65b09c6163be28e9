/** Delays between attempts: full jitter under a bound that doubles after each round. */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  readonly #attemptsPerRound: number;
  #failures = 0;

  constructor(firstMs: number, maxMs: number, random: () => number, attemptsPerRound = 1) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#random = random;
    this.#attemptsPerRound = attemptsPerRound;
  }

  /** Delays given since the last `reset`. */
  get failures(): number {
    return this.#failures;
  }

  /** Uniform between 0 and the bound, in ms; the bound of the next round is twice as large. */
  nextMs(): number {
    const round = Math.floor(this.#failures / this.#attemptsPerRound);
    const bound = Math.min(this.#maxMs, this.#firstMs * 2 ** Math.min(round, 30));
    this.#failures++;
    return this.#random() * bound;
  }

  reset(): void {
    this.#failures = 0;
  }
}
