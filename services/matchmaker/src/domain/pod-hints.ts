import type { Fleet } from './liveness.ts';
import type { SimPort } from './ports.ts';

/** Questions to processes at one time; hints above it are left to the heartbeats. */
const MAX_QUESTIONS = 64;

export type HintOutcome = 'gone' | 'answered' | 'silent';

export interface HintParts {
  readonly fleet: Fleet;
  readonly sims: Pick<SimPort, 'list'>;
  /** Nobody answers for the process any more. */
  readonly onGone: (pod: string) => void;
  readonly onOutcome: (outcome: HintOutcome) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Looks into hints that a process may be gone. The hint itself decides nothing: only when the bus says that nobody
 * listens for the process any more is it gone before its heartbeats are missed.
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
    const { sims, onGone, onOutcome, onError } = this.#parts;
    this.#asking.add(pod);
    try {
      const answer = await sims.list(pod);
      const outcome = typeof answer === 'string' ? answer : 'answered';
      onOutcome(outcome);
      if (outcome === 'gone') onGone(pod);
    } catch (error) {
      onError(error);
    } finally {
      this.#asking.delete(pod);
    }
  }
}
