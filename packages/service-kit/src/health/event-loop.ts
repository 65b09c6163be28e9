import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const WINDOW_MS = 5_000;

/** Longest event-loop delay of the last five to ten seconds. */
export class EventLoopLag implements Disposable {
  readonly #histogram: ReturnType<typeof monitorEventLoopDelay>;
  readonly #timer: NodeJS.Timeout;
  #previousMaxMs = 0;

  constructor() {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
    this.#timer = setInterval(() => this.#turn(), WINDOW_MS).unref();
  }

  #currentMaxMs(): number {
    return Math.max(0, this.#histogram.max / 1e6 - RESOLUTION_MS);
  }

  #turn(): void {
    this.#previousMaxMs = this.#currentMaxMs();
    this.#histogram.reset();
  }

  lagMs(): number {
    return Math.max(this.#previousMaxMs, this.#currentMaxMs());
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }
}
