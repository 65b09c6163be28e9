/** Stops what was scheduled; calling it again does nothing. */
export type Cancel = () => void;

/** Time, handed in: pure code takes this instead of reading the machine's clock. */
export interface Clock {
  /** Milliseconds that never go back; only differences mean something. Deadlines use this one. */
  monotonicMs(): number;
  /** Milliseconds since 1970 by the machine's clock; it may jump. */
  unixMs(): number;
  /** Calls `fn` once after `delayMs`. */
  after(delayMs: number, fn: () => void): Cancel;
  /** Calls `fn` every `periodMs` until cancelled. */
  every(periodMs: number, fn: () => void): Cancel;
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  unixMs: () => Date.now(),
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs).unref();
    return () => clearTimeout(timer);
  },
  every(periodMs, fn) {
    const timer = setInterval(fn, periodMs).unref();
    return () => clearInterval(timer);
  },
};
