/** Keeps what goes out below the rate at which a server begins to refuse, in order; what is above it waits. */

export interface PacerRule {
  readonly framesPerSecond: number;
  /** Frames that may go out at once. */
  readonly burst: number;
}

/** Frames that wait at most; more than that is refused. */
const MAX_WAITING = 2_000;

export class Pacer {
  readonly #rule: PacerRule;
  #tokens: number;
  #filledAtMs: number;
  #waiting: string[] = [];

  constructor(rule: PacerRule, nowMs: number) {
    this.#rule = rule;
    this.#tokens = rule.burst;
    this.#filledAtMs = nowMs;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** False when too much waits already. */
  push(text: string): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(text);
    return true;
  }

  /** What may go out now, in order. */
  take(nowMs: number): string[] {
    this.#fill(nowMs);
    const out = this.#waiting.splice(0, Math.floor(this.#tokens));
    this.#tokens -= out.length;
    return out;
  }

  /** Something went out past the queue. */
  spend(): void {
    this.#tokens -= 1;
  }

  /** How long until the next frame may go out, in ms. */
  get delayMs(): number {
    return Math.max(1, Math.ceil(((1 - this.#tokens) * 1_000) / this.#rule.framesPerSecond));
  }

  #fill(nowMs: number): void {
    const earned = ((nowMs - this.#filledAtMs) * this.#rule.framesPerSecond) / 1_000;
    this.#tokens = Math.min(this.#rule.burst, this.#tokens + earned);
    this.#filledAtMs = nowMs;
  }
}
