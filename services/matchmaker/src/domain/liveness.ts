import type { SimStatus } from '@breakwater/bus';
import { Cordons } from './cordons.ts';
import type { HeardTime } from './heard-time.ts';

export interface FleetLimits {
  /** Between two heartbeats of a process, ms. */
  readonly heartbeatMs: number;
  /** This many missed: the process is taken for gone. */
  readonly missedHeartbeats: number;
  /** After our own connection came back silence does not count for this long: others may still be on their way, ms. */
  readonly reconnectGraceMs: number;
  /** Processes that are remembered. */
  readonly maxProcesses: number;
}

/** Heartbeats in which every process that is well has been heard. */
const FIRST_HEARTBEATS = 3;

/**
 * Heartbeats of silence after which a missing answer counts. Silence is known only to the interval: above one, at least
 * one whole interval has passed without a word.
 */
const SILENT_HEARTBEATS = 1.5;

/** A simulation process as last heard. */
export interface SimProcess {
  readonly status: SimStatus;
  /** Games handed to it since that status. */
  readonly handedOut: number;
  /** It gets no further games, because it is about to be scaled away. */
  readonly isCordoned: boolean;
  /** Its games are to be moved to others, whether it says so itself or not. */
  readonly isToEmpty: boolean;
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
  readonly #onGone = new Map<string, Set<() => void>>();
  readonly #onAnyGone = new Set<(pod: string) => void>();

  constructor(limits: FleetLimits, time: HeardTime, cordons = new Cordons()) {
    this.#limits = limits;
    this.#cordons = cordons;
    this.#time = time;
    time.unsettle(limits.heartbeatMs * FIRST_HEARTBEATS);
  }

  /** Who is not known has been listened for long enough to be taken for gone. */
  get isSettled(): boolean {
    return this.#time.isSettled;
  }

  /** Our own heartbeat came back. Returns the pods that are taken for gone by it, and forgets them. */
  echo(monotonicMs: number): string[] {
    this.#time.echo(monotonicMs);
    const silent = [...this.#byPod].filter(([, known]) => this.#silenceMs(known) > this.#patienceMs);
    // Most of them at once: rather the network or the broker than they.
    const isMass = silent.length > 1 && silent.length * 2 > this.#byPod.size;
    const limitMs = this.#patienceMs + (isMass ? this.#limits.heartbeatMs : 0);
    const gone = silent.filter(([, known]) => this.#silenceMs(known) > limitMs).map(([pod]) => pod);
    for (const pod of gone) this.gone(pod);
    return gone;
  }

  /** Our own connection came back: nobody is silent yet, until it was heard since or the grace is over. */
  reconnected(): void {
    const { reconnectGraceMs } = this.#limits;
    this.#time.unsettle(reconnectGraceMs);
    for (const known of this.#byPod.values()) known.heardMs = this.#time.nowMs + reconnectGraceMs;
  }

  /** `new`: not heard before, or another start of it. `refused`: more processes than are remembered. */
  heard(status: SimStatus): Sighting {
    const known = this.#byPod.get(status.pod);
    if (known === undefined && this.#byPod.size >= this.#limits.maxProcesses) return 'refused';
    this.#byPod.set(status.pod, { status, heardMs: this.#time.nowMs, handedOut: 0 });
    if (known?.status.incarnation !== status.incarnation) return 'new';
    return status.n === known.status.n + 1 ? 'known' : 'gap';
  }

  /** The process said that it leaves, or somebody who knows says that it is no more. */
  gone(pod: string): void {
    if (!this.#byPod.delete(pod)) return;
    for (const listener of [...(this.#onGone.get(pod) ?? [])]) listener();
    for (const listener of this.#onAnyGone) listener(pod);
  }

  /**
   * Nobody answers on the process's subject. It is gone, unless it was heard within the last heartbeat, or our own
   * connection came back just now: a process that is well is on its way back to NATS then. False in these cases.
   */
  unanswered(pod: string): boolean {
    const known = this.#byPod.get(pod);
    const enoughMs = this.#limits.heartbeatMs * SILENT_HEARTBEATS;
    if (known !== undefined && this.#silenceMs(known) < enoughMs) return false;
    this.gone(pod);
    return true;
  }

  /** Calls `listener` with each process that is taken for gone from now on. */
  onAnyGone(listener: (pod: string) => void): void {
    this.#onAnyGone.add(listener);
  }

  /** Calls `listener` when the process is taken for gone, until cancelled. */
  onGone(pod: string, listener: () => void): () => void {
    const listeners = this.#onGone.get(pod) ?? new Set();
    this.#onGone.set(pod, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#onGone.get(pod) === listeners) this.#onGone.delete(pod);
    };
  }

  /** A game is handed to this process: it counts until its next status. */
  handOut(pod: string): void {
    const known = this.#byPod.get(pod);
    if (known !== undefined) known.handedOut += 1;
  }

  /** Not taken for gone. */
  isLive(pod: string): boolean {
    return this.#byPod.has(pod);
  }

  /** The Kubernetes node that the process runs on, where it says so. */
  nodeOf(pod: string): string | undefined {
    return this.#byPod.get(pod)?.status.node;
  }

  /** Processes that were heard in time. */
  live(): SimProcess[] {
    return [...this.#byPod]
      .filter(([, known]) => this.#silenceMs(known) <= this.#patienceMs)
      .map(([pod, { status, handedOut }]) => ({
        status,
        handedOut,
        isCordoned: this.#cordons.has(pod),
        isToEmpty: status.isDraining || this.#cordons.isToEmpty(pod),
      }));
  }

  /** Types that some live process hosts, sorted. */
  types(): string[] {
    const types = this.live().flatMap(({ status }) => status.types.map(({ type }) => type));
    return [...new Set(types)].sort();
  }

  get #patienceMs(): number {
    return this.#limits.heartbeatMs * this.#limits.missedHeartbeats;
  }

  #silenceMs(known: Heard): number {
    return this.#time.nowMs - known.heardMs;
  }
}
