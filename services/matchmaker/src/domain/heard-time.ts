/**
 * Time that passes only while our own heartbeat comes back through the broker. When it does not, silence of the
 * others says nothing about them: the broker, the network or this very process may be what stands still.
 */
export class HeardTime {
  readonly #intervalMs: number;
  #heardMs = 0;
  #lastEchoMs: number | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Milliseconds so far; only differences mean something. */
  get nowMs(): number {
    return this.#heardMs;
  }

  /** Our heartbeat came back at `monotonicMs`. One that is late counts as a single interval. */
  echo(monotonicMs: number): void {
    const gapMs = this.#lastEchoMs === undefined ? 0 : monotonicMs - this.#lastEchoMs;
    const isInTime = gapMs <= this.#intervalMs * 2;
    this.#heardMs += isInTime ? gapMs : this.#intervalMs;
    this.#lastEchoMs = monotonicMs;
  }
}
