/** When the silence of a feed is to be looked into. */
export interface SilenceRule {
  /** Silence after which somebody is asked for the first time, ms. */
  readonly silenceMs: number;
  /** Bound of the pauses between further questions, ms. */
  readonly longestPauseMs: number;
}

const FIRST_PAUSE_SHARE = 1 / 3;
const SPREAD_SHARE = 1 / 4;

/** Decides when to ask what became of a source that is never silent while all is well. Edges must not ask as one. */
export class SilenceWatch {
  readonly #rule: SilenceRule;
  readonly #random: () => number;
  #dueMs: number;
  #pauseMs: number;

  /** @param random uniform from 0 (included) to 1 (excluded) */
  constructor(rule: SilenceRule, random: () => number, nowMs: number) {
    this.#rule = rule;
    this.#random = random;
    this.#pauseMs = rule.silenceMs * FIRST_PAUSE_SHARE;
    this.#dueMs = nowMs + this.#spread(rule.silenceMs);
  }

  /** The source lives, or its silence means nothing. */
  heard(nowMs: number): void {
    this.#pauseMs = this.#rule.silenceMs * FIRST_PAUSE_SHARE;
    this.#dueMs = nowMs + this.#spread(this.#rule.silenceMs);
  }

  /** @returns true when it is time to ask; the next time comes after a pause that grows */
  take(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    this.#dueMs = nowMs + this.#spread(this.#pauseMs);
    this.#pauseMs = Math.min(this.#rule.longestPauseMs, this.#pauseMs * 2);
    return true;
  }

  #spread(ms: number): number {
    return ms * (1 + this.#random() * SPREAD_SHARE);
  }
}
