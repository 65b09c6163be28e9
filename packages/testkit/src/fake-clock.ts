interface Timer {
  dueMs: number;
  periodMs: number | undefined;
  fn: () => void;
}

/**
 * A clock that moves only when told, for code that is handed its time. It has the shape of service-kit's `Clock`.
 * Due timers run in the order of their times, those of one time in the order they were set.
 */
export class FakeClock {
  #monotonicMs = 0;
  #unixOffsetMs: number;
  readonly #timers = new Set<Timer>();

  /** @param unixMs what `unixMs()` says at the beginning, default 2026-01-01 */
  constructor(unixMs = Date.UTC(2026, 0, 1)) {
    this.#unixOffsetMs = unixMs;
  }

  readonly monotonicMs = (): number => this.#monotonicMs;
  readonly unixMs = (): number => this.#unixOffsetMs + this.#monotonicMs;

  /** Timers that are set and did not run yet. */
  get pending(): number {
    return this.#timers.size;
  }

  readonly after = (delayMs: number, fn: () => void): (() => void) => this.#add(delayMs, undefined, fn);

  readonly every = (periodMs: number, fn: () => void): (() => void) => {
    if (!(periodMs > 0)) throw new RangeError(`a period of ${periodMs} ms would never let the clock move on`);
    return this.#add(periodMs, periodMs, fn);
  };

  /** Moves on and runs what becomes due, also what that sets in turn. */
  advance(ms: number): void {
    const untilMs = this.#monotonicMs + ms;
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) this.#fire(timer);
    this.#monotonicMs = untilMs;
  }

  /** As `advance`, but lets promises settle before, between and after the timers. */
  async advanceAsync(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await settlePromises();
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) {
      this.#fire(timer);
      await settlePromises();
    }
    this.#monotonicMs = untilMs;
    await settlePromises();
  }

  /** Steps the machine's date, as an administrator or NTP may do; timers and `monotonicMs` do not notice. */
  stepUnix(ms: number): void {
    this.#unixOffsetMs += ms;
  }

  #add(delayMs: number, periodMs: number | undefined, fn: () => void): () => void {
    const timer: Timer = { dueMs: this.#monotonicMs + Math.max(0, delayMs), periodMs, fn };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }

  #fire(timer: Timer): void {
    this.#monotonicMs = Math.max(this.#monotonicMs, timer.dueMs);
    this.#timers.delete(timer);
    if (timer.periodMs !== undefined) {
      timer.dueMs += timer.periodMs;
      this.#timers.add(timer);
    }
    timer.fn();
  }
}

function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
