import type { SimStatus } from '@breakwater/bus';
import { Cordons } from './cordons.ts';
import type { HeardTime } from './heard-time.ts';

export interface FleetLimits {
  /** Between two heartbeats of a process, ms. */
  readonly heartbeatMs: number;
  /** This many missed: the process is taken for gone. */
  readonly missedHeartbeats: number;
  /** Processes that are remembered. */
  readonly maxProcesses: number;
}

/** A simulation process as last heard. */
export interface SimProcess {
  readonly status: SimStatus;
  /** Games handed to it since that status. */
  readonly handedOut: number;
  /** It gets no further games, because it is about to be scaled away. */
  readonly isCordoned: boolean;
}

interface Heard {
  status: SimStatus;
  heardMs: number;
  handedOut: number;
}

/** What a status told about the process that sent it; `gap`: the one before it was lost, and its changes with it. */
export type Sighting = 'known' | 'gap' | 'new' | 'refused';

/** The simulation processes that are there, by their heartbeats. */
export class Fleet {
  readonly #limits: FleetLimits;
  readonly #time: HeardTime;
  readonly #cordons: Cordons;
  readonly #byPod = new Map<string, Heard>();

  constructor(limits: FleetLimits, time: HeardTime, cordons = new Cordons()) {
    this.#limits = limits;
    this.#cordons = cordons;
    this.#time = time;
  }

  /** Our own heartbeat came back. Returns the pods that are taken for gone by it, and forgets them. */
  echo(monotonicMs: number): string[] {
    this.#time.echo(monotonicMs);
    const gone = [...this.#byPod.keys()].filter((pod) => !this.#isLive(this.#byPod.get(pod)));
    for (const pod of gone) this.#byPod.delete(pod);
    return gone;
  }

  /** `new`: not heard before, or another start of it. `refused`: more processes than are remembered. */
  heard(status: SimStatus): Sighting {
    const known = this.#byPod.get(status.pod);
    if (known === undefined && this.#byPod.size >= this.#limits.maxProcesses) return 'refused';
    this.#byPod.set(status.pod, { status, heardMs: this.#time.nowMs, handedOut: 0 });
    if (known?.status.incarnation !== status.incarnation) return 'new';
    return status.n === known.status.n + 1 ? 'known' : 'gap';
  }

  /** The process said that it leaves, or nobody answers on its subject. */
  gone(pod: string): void {
    this.#byPod.delete(pod);
  }

  /** A game is handed to this process: it counts until its next status. */
  handOut(pod: string): void {
    const known = this.#byPod.get(pod);
    if (known !== undefined) known.handedOut += 1;
  }

  isLive(pod: string): boolean {
    return this.#isLive(this.#byPod.get(pod));
  }

  live(): SimProcess[] {
    return [...this.#byPod]
      .filter(([, known]) => this.#isLive(known))
      .map(([pod, { status, handedOut }]) => ({ status, handedOut, isCordoned: this.#cordons.has(pod) }));
  }

  /** Types that some live process hosts, sorted. */
  types(): string[] {
    const types = this.live().flatMap(({ status }) => status.types.map(({ type }) => type));
    return [...new Set(types)].sort();
  }

  #isLive(known: Heard | undefined): boolean {
    if (known === undefined) return false;
    const silenceMs = this.#time.nowMs - known.heardMs;
    return silenceMs <= this.#limits.heartbeatMs * this.#limits.missedHeartbeats;
  }
}
