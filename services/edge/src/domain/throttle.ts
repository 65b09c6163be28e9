/** How much somebody may go on after being told that it is too fast. */
export interface ThrottleRule {
  /** Time to hear of it and slow down, ms; a quiet time as long as this forgets everything. */
  readonly graceMs: number;
  /** Frames over the rate after that time; each good one in between makes up for one. */
  readonly maxLate: number;
  /** Frames over the rate, those of the grace time included. */
  readonly maxTotal: number;
}

/**
 * Tells a client that sent too much at once, and stops when told, from one that does not care. It knows no clock and
 * no rule, so that thousands stay small.
 */
export class Throttle {
  #sinceMs: number;
  #lastMs: number;
  #total = 0;
  #late = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#lastMs = nowMs;
  }

  /** A frame was over the rate. @returns true when the connection is to be closed */
  over({ graceMs, maxLate, maxTotal }: ThrottleRule, nowMs: number): boolean {
    if (nowMs - this.#lastMs >= graceMs) {
      this.#sinceMs = nowMs;
      this.#total = 0;
      this.#late = 0;
    }
    this.#lastMs = nowMs;
    this.#total += 1;
    if (nowMs - this.#sinceMs >= graceMs) this.#late += 1;
    return this.#late > maxLate || this.#total > maxTotal;
  }

  /** A frame was within the rate. */
  within(): void {
    if (this.#total > 0) this.#total -= 1;
    if (this.#late > 0) this.#late -= 1;
  }
}
