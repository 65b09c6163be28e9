import type { Clock } from '@breakwater/service-kit';

export interface RepeaterOptions {
  readonly clock: Clock;
  readonly periodMs: number;
  readonly run: () => Promise<unknown> | undefined;
  readonly onError: (error: unknown) => void;
}

/** Runs a task every so often, never twice at once; a stop waits for the one that runs. */
export class Repeater {
  readonly #options: RepeaterOptions;
  #cancel: (() => void) | undefined;
  #running: Promise<unknown> | undefined;

  constructor(options: RepeaterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.clock.every(this.#options.periodMs, () => this.#tick());
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#running;
  }

  #tick(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#options
      .run()
      ?.catch(this.#options.onError)
      .finally(() => {
        this.#running = undefined;
      });
  }
}
