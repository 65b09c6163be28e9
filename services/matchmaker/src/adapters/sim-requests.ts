import {
  podId,
  type SimGames,
  type SimHost,
  type SimHosted,
  type Subjects,
  simGames,
  simHosted,
} from '@breakwater/bus';
import { BusError, type NatsBus } from '@breakwater/service-kit';
import type { SimPort } from '../domain/ports.ts';

export interface SimRequestLimits {
  /** Hosting includes loading a game from its snapshot and log, ms. */
  readonly hostTimeoutMs: number;
  readonly listTimeoutMs: number;
}

/** Asks simulation processes over NATS; questions for the same list share one request. */
export class SimRequests implements SimPort {
  readonly #bus: NatsBus;
  readonly #subjects: Subjects;
  readonly #limits: SimRequestLimits;
  readonly #lists = new Map<string, Promise<SimGames | 'gone' | 'silent'>>();

  constructor(bus: NatsBus, subjects: Subjects, limits: SimRequestLimits) {
    this.#bus = bus;
    this.#subjects = subjects;
    this.#limits = limits;
  }

  host(pod: string, request: SimHost): Promise<SimHosted | 'gone' | 'silent'> {
    const subject = this.#subjects.sim(podId(pod), 'host');
    const timeoutMs = this.#limits.hostTimeoutMs;
    return orAbsent(this.#bus.request(subject, request, { decode: simHosted, timeoutMs }));
  }

  list(pod: string): Promise<SimGames | 'gone' | 'silent'> {
    const running = this.#lists.get(pod);
    if (running !== undefined) return running;
    const subject = this.#subjects.sim(podId(pod), 'list');
    const timeoutMs = this.#limits.listTimeoutMs;
    const asked = orAbsent(this.#bus.request(subject, {}, { decode: simGames, timeoutMs })).finally(() =>
      this.#lists.delete(pod),
    );
    this.#lists.set(pod, asked);
    return asked;
  }
}

/** An error answer counts as silence: the process may have acted, and says nothing that could be used. */
async function orAbsent<T>(answer: Promise<T>): Promise<T | 'gone' | 'silent'> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
    return error.code === 'no_responders' ? 'gone' : 'silent';
  }
}
