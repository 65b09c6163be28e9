import {
  podId,
  type SimGames,
  type SimHost,
  type SimHosted,
  type SimRelease,
  type SimReleased,
  type SimWarm,
  type SimWarmed,
  type Subjects,
  simGames,
  simHosted,
  simReleased,
  simWarmed,
} from '@breakwater/bus';
import { BusError, type NatsBus } from '@breakwater/service-kit';
import type { SimPort } from '../domain/ports.ts';

export interface SimRequestLimits {
  /** Hosting includes loading a game from its snapshot and log, ms. */
  readonly hostTimeoutMs: number;
  readonly listTimeoutMs: number;
  /** Warming includes loading as well, ms. */
  readonly warmTimeoutMs: number;
  readonly releaseTimeoutMs: number;
}

type ListAnswer = SimGames | 'gone' | 'silent';

/** At most one question is on its way to a process, and one waits for it to come back. */
interface Lists {
  readonly running: Promise<ListAnswer>;
  next?: Promise<ListAnswer>;
}

/** Asks simulation processes over NATS; questions for the same list share one request. */
export class SimRequests implements SimPort {
  readonly #bus: NatsBus;
  readonly #subjects: Subjects;
  readonly #limits: SimRequestLimits;
  readonly #lists = new Map<string, Lists>();

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

  warm(pod: string, request: SimWarm): Promise<SimWarmed | 'gone' | 'silent'> {
    const subject = this.#subjects.sim(podId(pod), 'warm');
    const timeoutMs = this.#limits.warmTimeoutMs;
    return orAbsent(this.#bus.request(subject, request, { decode: simWarmed, timeoutMs }));
  }

  async release(pod: string, request: SimRelease): Promise<SimReleased | 'gone' | 'silent' | 'refused'> {
    const subject = this.#subjects.sim(podId(pod), 'release');
    const timeoutMs = this.#limits.releaseTimeoutMs;
    try {
      return await this.#bus.request(subject, request, { decode: simReleased, timeoutMs });
    } catch (error) {
      if (error instanceof BusError && error.code === 'remote') return 'refused';
      return orAbsent(Promise.reject(error));
    }
  }

  /** An answer that was asked for before this call may be older than what the caller knows: it gets the next. */
  list(pod: string): Promise<ListAnswer> {
    const lists = this.#lists.get(pod);
    if (lists === undefined) return this.#ask(pod);
    lists.next ??= lists.running.then(
      () => this.#ask(pod),
      () => this.#ask(pod),
    );
    return lists.next;
  }

  #ask(pod: string): Promise<ListAnswer> {
    const subject = this.#subjects.sim(podId(pod), 'list');
    const timeoutMs = this.#limits.listTimeoutMs;
    const running = orAbsent(this.#bus.request(subject, {}, { decode: simGames, timeoutMs }));
    const lists: Lists = { running };
    this.#lists.set(pod, lists);
    const settle = () => {
      if (this.#lists.get(pod) === lists && lists.next === undefined) this.#lists.delete(pod);
    };
    running.then(settle, settle);
    return running;
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
