/** Since when nothing has happened to whom: what a rule may ask of somebody depends on it. */

import type { ModelClock } from '@breakwater/testkit';

export class Calm {
  readonly #clock: ModelClock;
  readonly #troubles = new Map<string, number>();
  readonly #sinceMs = new Map<string, number>();

  constructor(clock: ModelClock) {
    this.#clock = clock;
  }

  /** Something happens to it, until `end`. */
  begin(who: string): void {
    this.#troubles.set(who, (this.#troubles.get(who) ?? 0) + 1);
  }

  end(who: string): void {
    this.#troubles.set(who, (this.#troubles.get(who) ?? 1) - 1);
    this.touch(who);
  }

  /** Something has happened to it; its effects are over in `forMs`. */
  touch(who: string, forMs = 0): void {
    const sinceMs = this.#clock.monotonicMs() + forMs;
    this.#sinceMs.set(who, Math.max(sinceMs, this.#sinceMs.get(who) ?? 0));
  }

  /** For so long nothing has happened to any of them, ms. */
  forMs(...who: readonly string[]): number {
    return Math.min(...who.map((each) => this.#calmMs(each)));
  }

  #calmMs(who: string): number {
    if ((this.#troubles.get(who) ?? 0) > 0) return 0;
    return Math.max(0, this.#clock.monotonicMs() - (this.#sinceMs.get(who) ?? 0));
  }
}
