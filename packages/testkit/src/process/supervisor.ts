import type { ExitStatus, StopOptions } from './managed-process.ts';

/** Something that runs as one process and can be started again after it ended. */
export interface SupervisedUnit {
  readonly name: string;
  /** Process id of what runs now. */
  readonly pid: number;
  /** Settles when what runs now has ended; only read after a start that succeeded. */
  readonly exited: Promise<ExitStatus>;
  /** Resolves when it is ready; rejects when it ended before that. */
  start(): Promise<void>;
  /** Ends what runs or is about to; resolves at once when nothing does. */
  stop(options: StopOptions): Promise<unknown>;
}

export type SupervisorEvent =
  | { kind: 'ready'; unit: SupervisedUnit; restarts: number }
  | { kind: 'exited'; unit: SupervisedUnit; status: ExitStatus; retryMs: number }
  | { kind: 'failed'; unit: SupervisedUnit; error: Error; retryMs: number };

export interface SupervisorOptions {
  /** Wait before the first restart, default 250 ms; doubled with each further one. */
  firstRetryMs?: number;
  /** Longest wait, default 10 000 ms. Restarts go on at this pace for ever, as a person may be mending the cause. */
  maxRetryMs?: number;
  /** A process that lived this long has its first retry again, default 30 000 ms. */
  settledAfterMs?: number;
  onEvent?: (event: SupervisorEvent) => void;
}

/** Keeps units running: started stage by stage, restarted with a growing wait, stopped in reverse order. */
export class Supervisor {
  readonly #stages: SupervisedUnit[][] = [];
  readonly #firstRetryMs: number;
  readonly #maxRetryMs: number;
  readonly #settledAfterMs: number;
  readonly #onEvent: (event: SupervisorEvent) => void;
  readonly #stopping = new AbortController();

  constructor(options: SupervisorOptions = {}) {
    this.#firstRetryMs = options.firstRetryMs ?? 250;
    this.#maxRetryMs = options.maxRetryMs ?? 10_000;
    this.#settledAfterMs = options.settledAfterMs ?? 30_000;
    this.#onEvent = options.onEvent ?? (() => undefined);
  }

  /** True from the first call of `stop` on. */
  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /**
   * Starts units together and waits until each is ready; from then on they are kept running.
   *
   * @throws Error of the first unit that did not come up; nothing is retried then. Also once a stop has begun
   */
  async startStage(units: readonly SupervisedUnit[]): Promise<void> {
    if (this.isStopping) throw new Error('nothing is started during a stop');
    this.#stages.push([...units]);
    await Promise.all(units.map((unit) => unit.start()));
    for (const unit of units) void this.#keep(unit);
  }

  /**
   * Stops everything, last stage first. Each stage is asked with `signal` and killed when it takes too long,
   * so that all of it ends within `deadlineMs`.
   */
  async stop(signal: NodeJS.Signals, deadlineMs = 5_000): Promise<void> {
    this.#stopping.abort();
    // A tenth is kept for what has to be killed.
    const endMs = performance.now() + deadlineMs * 0.9;
    for (const stage of this.#stages.toReversed()) {
      // One deaf stage must not use up the time of those after it.
      const timeoutMs = Math.max(50, (endMs - performance.now()) * 0.6);
      await Promise.all(stage.map((unit) => unit.stop({ signal, timeoutMs })));
    }
  }

  async #keep(unit: SupervisedUnit): Promise<void> {
    let retryMs = this.#firstRetryMs;
    let restarts = 0;
    this.#onEvent({ kind: 'ready', unit, restarts });
    while (!this.isStopping) {
      const readySinceMs = performance.now();
      const status = await unit.exited;
      if (this.isStopping) return;
      if (performance.now() - readySinceMs >= this.#settledAfterMs) retryMs = this.#firstRetryMs;
      this.#onEvent({ kind: 'exited', unit, status, retryMs });
      retryMs = await this.#bringBack(unit, retryMs);
      if (this.isStopping) return;
      restarts += 1;
      this.#onEvent({ kind: 'ready', unit, restarts });
    }
  }

  /** Starts a unit until that works; returns the wait that its next restart begins with. */
  async #bringBack(unit: SupervisedUnit, firstRetryMs: number): Promise<number> {
    let retryMs = firstRetryMs;
    for (;;) {
      await this.#pause(retryMs);
      if (this.isStopping) return retryMs;
      retryMs = Math.min(this.#maxRetryMs, retryMs * 2);
      try {
        await unit.start();
        return retryMs;
      } catch (cause) {
        if (this.isStopping) return retryMs;
        const error = cause instanceof Error ? cause : new Error(String(cause));
        this.#onEvent({ kind: 'failed', unit, error, retryMs });
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, delayMs);
      signal.addEventListener('abort', finish);
    });
  }
}
