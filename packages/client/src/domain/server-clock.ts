/** Round trip and the server's clock, learned from `welcome` and pongs. */

const SAMPLES = 8;
const SMOOTHING = 0.3;

interface Sample {
  readonly roundTripMs: number;
  readonly offsetMs: number;
}

export class ServerClock {
  #samples: Sample[] = [];
  #offsetMs = 0;
  #roundTripMs: number | undefined;

  /** Smoothed, in ms. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** Server's Unix ms minus ours. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** A new connection, perhaps to another edge: `welcome` is off by its way here until the first pong. */
  welcomed(serverMs: number, nowUnixMs: number): void {
    this.#samples = [];
    this.#offsetMs = serverMs - nowUnixMs;
  }

  /** The sample with the shortest way tells the offset best. */
  ponged(serverMs: number, roundTripMs: number, nowUnixMs: number): void {
    this.#samples.push({ roundTripMs, offsetMs: serverMs + roundTripMs / 2 - nowUnixMs });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    const best = this.#samples.reduce((a, b) => (b.roundTripMs < a.roundTripMs ? b : a));
    this.#offsetMs = best.offsetMs;
    const before = this.#roundTripMs ?? roundTripMs;
    this.#roundTripMs = before + (roundTripMs - before) * SMOOTHING;
  }

  /** Whole Unix ms by the server's clock. */
  serverMs(nowUnixMs: number): number {
    return Math.round(nowUnixMs + this.#offsetMs);
  }
}
