/** Time in the model: whole milliseconds that pass when told, and processes for which it can stand still. */

type Cancel = () => void;
type Due = () => void;

/** What is due in the same millisecond runs in the order in which it was set. */
export class ModelClock {
  #nowMs = 0;
  readonly #byMs = new Map<number, Set<Due>>();

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fn: () => void): Cancel {
    const dueMs = this.#nowMs + Math.max(0, Math.round(delayMs));
    const due = this.#byMs.get(dueMs) ?? new Set<Due>();
    this.#byMs.set(dueMs, due);
    const entry = () => fn();
    due.add(entry);
    return () => void due.delete(entry);
  }

  /** Lets time pass, with promises settled between any two milliseconds in which something is due. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settlePromises();
    for (; ; this.#nowMs += 1) {
      for (let due = this.#take(); due !== undefined; due = this.#take()) {
        for (const fn of due) {
          due.delete(fn);
          fn();
        }
        await settlePromises();
      }
      if (this.#nowMs >= untilMs) return;
    }
  }

  #take(): Set<Due> | undefined {
    const due = this.#byMs.get(this.#nowMs);
    this.#byMs.delete(this.#nowMs);
    return due;
  }
}

/** The clock of one process: while the process is paused nothing fires, and what became due fires when it goes on. */
export class ProcessClock {
  readonly #clock: ModelClock;
  readonly #overdue: (() => void)[] = [];
  #pending = 0;
  #state: 'running' | 'paused' | 'dead' = 'running';

  constructor(clock: ModelClock) {
    this.#clock = clock;
  }

  /** Timers that are set and neither fired nor were cancelled. */
  get pending(): number {
    return this.#pending;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  after(delayMs: number, fn: () => void): Cancel {
    let isOpen = true;
    const close = () => {
      if (!isOpen) return false;
      isOpen = false;
      this.#pending -= 1;
      return true;
    };
    const fire = () => {
      if (this.#state === 'paused') this.#overdue.push(fire);
      else if (this.#state === 'running' && close()) fn();
    };
    this.#pending += 1;
    const cancel = this.#clock.after(delayMs, fire);
    return () => {
      if (close()) cancel();
    };
  }

  /** What a pause has put off happens once, as with timers of Node. */
  every(periodMs: number, fn: () => void): Cancel {
    let cancel: Cancel = () => undefined;
    const again = () => {
      cancel = this.after(periodMs, () => {
        again();
        fn();
      });
    };
    again();
    return () => cancel();
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    for (const fire of this.#overdue.splice(0)) fire();
  }

  die(): void {
    this.#state = 'dead';
    this.#overdue.length = 0;
  }
}

function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
