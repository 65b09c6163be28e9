/**
 * Time that passes only while our own heartbeat comes back through the broker. When it does not, silence of the
 * others says nothing about them: the broker, the network or this very process may be what stands still.
 */
export class HeardTime {
  readonly #intervalMs: number;
  #heardMs = 0;
  #lastEchoMs: number | undefined;
  #settledAtMs = 0;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Milliseconds so far; only differences mean something. */
  get nowMs(): number {
    return this.#heardMs;
  }

  /** Enough was heard since our own connection began to take somebody's silence for more than a delay. */
  get isSettled(): boolean {
    return this.#heardMs >= this.#settledAtMs;
  }

  /** Our own connection began (anew): what is not heard in the next `graceMs` of heard time proves nothing. */
  unsettle(graceMs: number): void {
    this.#lastEchoMs = undefined;
    this.#settledAtMs = this.#heardMs + graceMs;
  }

  /** Our heartbeat came back at `monotonicMs`. One that is late counts as a single interval. */
  echo(monotonicMs: number): void {
    const gapMs = this.#lastEchoMs === undefined ? 0 : monotonicMs - this.#lastEchoMs;
    const isInTime = gapMs <= this.#intervalMs * 2;
    this.#heardMs += isInTime ? gapMs : this.#intervalMs;
    this.#lastEchoMs = monotonicMs;
  }
}
