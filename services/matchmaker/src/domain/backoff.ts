export interface BackoffLimits {
  /** Upper bound of the first pause, ms. */
  readonly firstMs: number;
  /** Upper bound of every pause, ms. */
  readonly longestMs: number;
}

/** Pauses with full jitter: each is random below a bound that doubles, so that many never come back together. */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #boundMs: number;

  /** @param random 0 to 1 */
  constructor(limits: BackoffLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
    this.#boundMs = limits.firstMs;
  }

  /** The next pause, ms. */
  next(): number {
    const boundMs = Math.min(this.#boundMs, this.#limits.longestMs);
    this.#boundMs = Math.min(boundMs * 2, this.#limits.longestMs);
    return boundMs * this.#random();
  }

  /** It went well: the next trouble begins with a short pause. */
  reset(): void {
    this.#boundMs = this.#limits.firstMs;
  }
}
