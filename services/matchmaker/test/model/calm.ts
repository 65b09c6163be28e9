/** Since when nothing has happened to whom: what a rule may ask of somebody depends on it. */

import type { ModelClock } from '@breakwater/testkit';

export class Calm {
  readonly #clock: ModelClock;
  readonly #troubles = new Map<string, number>();
  readonly #sinceMs = new Map<string, number>();
  /** Troubles that are over, from and to. */
  readonly #past = new Map<string, { readonly fromMs: number; readonly toMs: number }[]>();
  readonly #beganMs = new Map<string, number>();

  constructor(clock: ModelClock) {
    this.#clock = clock;
  }

  /** Something happens to it, until `end`. */
  begin(who: string): void {
    const troubles = this.#troubles.get(who) ?? 0;
    if (troubles === 0) this.#beganMs.set(who, this.#clock.monotonicMs());
    this.#troubles.set(who, troubles + 1);
  }

  end(who: string): void {
    const troubles = (this.#troubles.get(who) ?? 1) - 1;
    this.#troubles.set(who, troubles);
    this.touch(who);
    if (troubles > 0) return;
    const past = this.#past.get(who) ?? [];
    past.push({ fromMs: this.#beganMs.get(who) ?? 0, toMs: this.#clock.monotonicMs() });
    this.#past.set(who, past);
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

  /** As `forMs` of `who`, without the time in which one of the others was in trouble: nobody heard of it then. */
  audibleMs(who: string, ...others: readonly string[]): number {
    const nowMs = this.#clock.monotonicMs();
    const calmMs = this.#calmMs(who);
    const troubles = others.flatMap((other) => {
      const isOn = (this.#troubles.get(other) ?? 0) > 0;
      const now = isOn ? [{ fromMs: this.#beganMs.get(other) ?? 0, toMs: nowMs }] : [];
      return [...(this.#past.get(other) ?? []), ...now];
    });
    const overlaps = troubles.map(({ fromMs, toMs }) => Math.max(0, toMs - Math.max(fromMs, nowMs - calmMs)));
    return calmMs - overlaps.reduce((sum, ms) => sum + ms, 0);
  }

  #calmMs(who: string): number {
    if ((this.#troubles.get(who) ?? 0) > 0) return 0;
    return Math.max(0, this.#clock.monotonicMs() - (this.#sinceMs.get(who) ?? 0));
  }
}
