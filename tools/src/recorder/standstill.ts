import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** Told when this process has done nothing for `ms`, right after it. */
export type StandstillListener = (ms: number) => void;

const TICK_MS = 50;
/** What is shorter is usual in a busy process, and no player sees it, ms. */
const MIN_STANDSTILL_MS = 250;
const RESOLUTION_MS = 10;

/** Notices when this process stood still: it was busy with one thing, was paused, or got no time from the machine. */
export class StandstillWatch implements Disposable {
  readonly #listeners = new Set<StandstillListener>();
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();

  constructor() {
    this.#delay.enable();
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** The longest time that the event loop stood still since the beginning, ms. */
  get longestMs(): number {
    return Math.max(0, this.#delay.max / 1e6 - RESOLUTION_MS);
  }

  /** @returns what ends it */
  on(listener: StandstillListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#delay.disable();
    this.#listeners.clear();
  }

  #tick(): void {
    const nowMs = performance.now();
    const stillMs = Math.round(nowMs - this.#lastMs - TICK_MS);
    this.#lastMs = nowMs;
    if (stillMs < MIN_STANDSTILL_MS) return;
    for (const listener of [...this.#listeners]) listener(stillMs);
  }
}
