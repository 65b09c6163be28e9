/** How fast a bucket fills and how much it holds. */
export interface BucketRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Counts what somebody may still do now. It knows neither its rate nor a clock, so that thousands stay small. */
export class TokenBucket {
  #tokens: number;
  #filledMs: number;

  constructor(rate: BucketRate, nowMs: number) {
    this.#tokens = rate.burst;
    this.#filledMs = nowMs;
  }

  /** Takes one token; 0, or how many ms until there is one. `nowMs` never goes back. */
  take(rate: BucketRate, nowMs: number): number {
    this.#tokens = Math.min(rate.burst, this.#tokens + ((nowMs - this.#filledMs) * rate.perSecond) / 1_000);
    this.#filledMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.ceil(((1 - this.#tokens) * 1_000) / rate.perSecond);
  }
}
