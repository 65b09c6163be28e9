import type { Clock, Logger } from '@breakwater/service-kit';
import { KubeError } from './kube-error.ts';

export interface PermissionParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly retryMs: number;
}

/** One thing that the API may forbid: that is said once, and tried rarely from then on. */
export class Permission {
  readonly #what: string;
  readonly #parts: PermissionParts;
  #isForbidden = false;
  #againMs = 0;

  /** @param what completes "the matchmaker may not …" */
  constructor(what: string, parts: PermissionParts) {
    this.#what = what;
    this.#parts = parts;
  }

  /**
   * Runs it if it is not known to be forbidden. `undefined` when it is.
   * @throws what the work throws for another reason
   */
  async use<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { clock, log, retryMs } = this.#parts;
    if (this.#isForbidden && clock.monotonicMs() < this.#againMs) return undefined;
    try {
      const result = await work();
      if (this.#isForbidden) log.info(`the matchmaker may ${this.#what} now`);
      this.#isForbidden = false;
      return result;
    } catch (error) {
      if (!(error instanceof KubeError && error.failure === 'forbidden')) throw error;
      if (!this.#isForbidden)
        log.warn({ err: error }, `the matchmaker may not ${this.#what}, and goes on without`);
      this.#isForbidden = true;
      this.#againMs = clock.monotonicMs() + retryMs;
      return undefined;
    }
  }
}
