import type { Clock, Logger } from '@breakwater/service-kit';
import type { BufferScaler, ScaleDecision, ScaledProcess } from '../../domain/autoscaler.ts';
import type { Fleet } from '../../domain/liveness.ts';
import { isOff, marksFor, RETIRED_COST } from '../../domain/pod-marks.ts';
import type { Pod, PodBook } from '../../domain/pods.ts';
import type { Cluster, PatchOutcome } from './cluster.ts';
import type { Scale } from './pod-messages.ts';

/** Patches of one pass: the rest come with the next. */
const MAX_PATCHES = 20;

export interface KeeperParts {
  readonly cluster: Cluster;
  readonly book: PodBook;
  readonly fleet: Pick<Fleet, 'live'>;
  /** `undefined`: the Deployment is somebody else's to scale. */
  readonly scaler: BufferScaler | undefined;
  readonly isLeader: () => boolean;
  /** The book is not older than what a decision to take pods away may rest on. */
  readonly isFresh: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Marks of one pod are written at most this often, ms. */
  readonly marksMs: number;
  readonly onPatch: (outcome: PatchOutcome | 'failed') => void;
  readonly onDecision: (decision: ScaleDecision, replicas: number) => void;
}

/** What the leader keeps true in the cluster: annotations that follow the load, cordons, the size of the buffer. */
export class PodKeeper {
  readonly #parts: KeeperParts;
  readonly #markedMs = new Map<string, number>();
  #patches = 0;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** One pass. */
  async run(): Promise<void> {
    const { isLeader, scaler } = this.#parts;
    if (!isLeader()) {
      scaler?.reset();
      this.#markedMs.clear();
      return;
    }
    this.#patches = 0;
    const processes = this.#processes();
    const retire = scaler === undefined ? [] : await this.#scale(scaler, processes);
    if (scaler === undefined) await this.#liftAll();
    await this.#mark(processes, new Set(retire));
  }

  #processes(): ScaledProcess[] {
    return this.#parts.fleet.live().map(({ status, handedOut }) => {
      const pod = this.#parts.book.get(status.pod);
      return {
        pod: status.pod,
        games: status.games + handedOut,
        maxGames: status.maxGames,
        isDraining: status.isDraining || status.isLeaving || pod?.isTerminating === true,
        cordonedBy: pod?.cordonedBy,
        isRetired: pod?.deletionCost === RETIRED_COST,
      };
    });
  }

  /** Returns the pods that are to be marked as the first to go. */
  async #scale(scaler: BufferScaler, processes: readonly ScaledProcess[]): Promise<readonly string[]> {
    const { cluster, clock, isLeader, onDecision, log } = this.#parts;
    const scale = await cluster.scale();
    if (scale === undefined) return [];
    const decision = scaler.decide({
      nowMs: clock.monotonicMs(),
      replicas: scale.wanted,
      isSettled: this.#isSettled(scale, processes),
      processes,
    });
    onDecision(decision, scale.wanted);
    for (const pod of decision.uncordon) await this.#patch(pod, () => cluster.cordon(pod, false));
    if (decision.replicas !== undefined && isLeader()) {
      log.info(
        { from: scale.wanted, to: decision.replicas, freeSlots: decision.freeSlots },
        'the simulation is scaled',
      );
      await cluster.setScale(scale, decision.replicas);
    }
    for (const pod of decision.cordon) await this.#patch(pod, () => cluster.cordon(pod, true));
    return decision.retire;
  }

  #isSettled(scale: Scale, processes: readonly ScaledProcess[]): boolean {
    const { book, isFresh } = this.#parts;
    const heard = new Set(processes.filter(({ isDraining }) => !isDraining).map(({ pod }) => pod));
    const pods = [...book.pods()].filter(({ isTerminating, isOver }) => !isTerminating && !isOver);
    const isWhole = pods.length === scale.wanted && heard.size === pods.length;
    const isUp = pods.every(({ name, isReady }) => isReady && heard.has(name));
    return isFresh() && scale.present === scale.wanted && isWhole && isUp;
  }

  /** The buffer was switched off: nobody else would give back what it had cordoned. */
  async #liftAll(): Promise<void> {
    const { book, cluster } = this.#parts;
    for (const { name, cordonedBy } of [...book.pods()])
      if (cordonedBy === 'buffer') await this.#patch(name, () => cluster.cordon(name, false));
  }

  async #mark(processes: readonly ScaledProcess[], retire: ReadonlySet<string>): Promise<void> {
    const { book, clock, cluster, marksMs } = this.#parts;
    const nowMs = clock.monotonicMs();
    for (const process of processes) {
      const pod = book.get(process.pod);
      if (pod === undefined || pod.isTerminating) continue;
      const isRetired = retire.has(pod.name) || isStillRetired(pod, process);
      const marks = marksFor(process.games, isRetired);
      // One that was given back must not stay the first to go.
      const isUrgent = isRetired !== (pod.deletionCost === RETIRED_COST);
      const isDue = nowMs - (this.#markedMs.get(pod.name) ?? Number.NEGATIVE_INFINITY) >= marksMs;
      if (!isOff(pod, marks) || !(isDue || isUrgent)) continue;
      if (await this.#patch(pod.name, () => cluster.mark(pod.name, marks)))
        this.#markedMs.set(pod.name, nowMs);
    }
    for (const name of this.#markedMs.keys()) if (book.get(name) === undefined) this.#markedMs.delete(name);
  }

  /** Returns whether it was tried. A pod that is gone is forgotten; another failure is for the next pass. */
  async #patch(pod: string, work: () => Promise<PatchOutcome>): Promise<boolean> {
    const { book, isLeader, onPatch, log } = this.#parts;
    if (this.#patches >= MAX_PATCHES || !isLeader()) return false;
    this.#patches += 1;
    try {
      const outcome = await work();
      onPatch(outcome);
      if (outcome === 'gone') book.forget(pod);
    } catch (error) {
      onPatch('failed');
      log.debug({ err: error, pod }, 'a simulation pod could not be annotated');
    }
    return true;
  }
}

function isStillRetired(pod: Pod, { games, cordonedBy }: ScaledProcess): boolean {
  return pod.deletionCost === RETIRED_COST && cordonedBy === 'buffer' && games === 0;
}
