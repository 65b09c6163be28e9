/** Token buckets for many keys, in bounded memory: the key that was used longest ago is forgotten first. */
export class TokenBuckets {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(options: { perSecond: number; burst: number; maxKeys: number }) {
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#maxKeys = options.maxKeys;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one token: 0, or how many ms until the key has one. @param nowMs a clock that never goes back */
  take(key: string, nowMs: number): number {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, atMs: nowMs };
    const refill = ((nowMs - bucket.atMs) / 1000) * this.#perSecond;
    const tokens = Math.min(this.#burst, bucket.tokens + refill);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs });
    this.#forgetOldest();
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * 1_000) / this.#perSecond);
  }

  #forgetOldest(): void {
    if (this.#buckets.size <= this.#maxKeys) return;
    const oldest = this.#buckets.keys().next();
    if (!oldest.done) this.#buckets.delete(oldest.value);
  }
}
