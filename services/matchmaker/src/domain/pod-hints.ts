import type { Fleet } from './liveness.ts';
import type { SimPort, Time } from './ports.ts';

/** Hints that are looked into at one time; those above it are left to the heartbeats. */
const MAX_QUESTIONS = 64;
/** So often a process is asked that nobody listens for and that was heard too lately to be taken for gone. */
const MAX_TRIES = 4;

/** `away`: nobody listens for it, and it goes on being heard in between. */
export type HintOutcome = 'gone' | 'away' | 'answered' | 'silent';

export interface HintParts {
  readonly fleet: Fleet;
  readonly sims: Pick<SimPort, 'list'>;
  readonly time: Pick<Time, 'after'>;
  /** Between two questions to one process. */
  readonly heartbeatMs: number;
  /** Nobody answered for the process, which is gone by that. */
  readonly onGone: (pod: string) => void;
  readonly onOutcome: (outcome: HintOutcome) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Looks into hints that a process may be gone. The hint itself decides nothing: only when the bus says that nobody
 * listens for the process any more, and it was silent for a heartbeat, is it gone before all of them are missed.
 */
export class PodHints {
  readonly #parts: HintParts;
  readonly #asking = new Set<string>();

  constructor(parts: HintParts) {
    this.#parts = parts;
  }

  check(pods: readonly string[]): void {
    for (const pod of pods) {
      const isKnown = this.#parts.fleet.isLive(pod) && !this.#asking.has(pod);
      if (isKnown && this.#asking.size < MAX_QUESTIONS) void this.#ask(pod);
    }
  }

  async #ask(pod: string): Promise<void> {
    const { onOutcome, onError } = this.#parts;
    this.#asking.add(pod);
    try {
      onOutcome(await this.#outcomeOf(pod));
    } catch (error) {
      onError(error);
    } finally {
      this.#asking.delete(pod);
    }
  }

  async #outcomeOf(pod: string): Promise<HintOutcome> {
    const { fleet, sims, time, heartbeatMs, onGone } = this.#parts;
    for (let tries = 1; ; tries++) {
      const answer = await sims.list(pod);
      if (typeof answer === 'object') return 'answered';
      if (answer === 'silent') return 'silent';
      if (!fleet.isLive(pod)) return 'gone';
      if (fleet.unanswered(pod)) {
        onGone(pod);
        return 'gone';
      }
      if (tries === MAX_TRIES) return 'away';
      await new Promise<void>((resolve) => time.after(heartbeatMs, resolve));
    }
  }
}
