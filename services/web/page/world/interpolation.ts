/** Where others are: 100 ms behind the newest state, between the two states around that moment. */

/** How far behind the newest state others are drawn, in ms: two ticks, so one late delta does not show. */
export const DELAY_MS = 100;
const KEPT = 8;
/** A leap beyond this in one step is a respawn: no gliding across the map. In map units. */
const LEAP = 160;

interface Sample {
  readonly timeMs: number;
  readonly x: number;
  readonly y: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** One thing's recent positions. */
export class Track {
  readonly #samples: Sample[] = [];

  add(timeMs: number, x: number, y: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && (timeMs <= last.timeMs || Math.hypot(x - last.x, y - last.y) > LEAP))
      this.#samples.length = 0;
    this.#samples.push({ timeMs, x, y });
    if (this.#samples.length > KEPT) this.#samples.shift();
  }

  /** Position at `timeMs`; before the first sample the first, after the last the last: nobody is guessed forward. */
  at(timeMs: number): Point {
    const samples = this.#samples;
    for (let index = samples.length - 1; index > 0; index--) {
      const from = samples[index - 1]!;
      const to = samples[index]!;
      if (timeMs >= to.timeMs) return to;
      if (timeMs >= from.timeMs) {
        const share = (timeMs - from.timeMs) / (to.timeMs - from.timeMs);
        return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
      }
    }
    return samples[0] ?? { x: 0, y: 0 };
  }
}

/** Maps ticks to local time: the smallest delay seen lately is the truth, the rest is jitter. */
export class TickClock {
  readonly #tickMs: number;
  #offsetMs = Number.POSITIVE_INFINITY;

  constructor(tickHz: number) {
    this.#tickMs = 1_000 / tickHz;
  }

  /** Takes note that the state of `tick` came at `nowMs`; the offset forgets slowly, for clocks that drift. */
  arrived(tick: number, nowMs: number): void {
    const offset = nowMs - tick * this.#tickMs;
    this.#offsetMs = offset < this.#offsetMs ? offset : this.#offsetMs + (offset - this.#offsetMs) * 0.01;
    if (offset - this.#offsetMs > 1_000) this.#offsetMs = offset;
  }

  timeOf(tick: number): number {
    return tick * this.#tickMs + this.#offsetMs;
  }
}
