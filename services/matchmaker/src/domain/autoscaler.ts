/** Keeps free places for games by saying how many simulation processes there should be, and which may go. */

export interface BufferRule {
  /** Games that can be taken in without a new process. */
  readonly freeSlots: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Free places above `freeSlots` that must remain when a process is chosen to go. */
  readonly hysteresisSlots: number;
  /** How long there must have been too many free places, ms. */
  readonly stableMs: number;
  /**
   * How long a cordoned process must have been empty, ms: every replica has to know that it gets no more games. As
   * long after a change of size nothing is taken away: what is seen may be from before.
   */
  readonly settleMs: number;
  /** Games of a cordoned process are moved: they will take places elsewhere. */
  readonly movesGames: boolean;
}

export interface ScaledProcess {
  readonly pod: string;
  /** Those handed out since its last status included. */
  readonly games: number;
  readonly maxGames: number;
  /** It stops: whatever is free there counts no more. */
  readonly isDraining: boolean;
  /** `person`: gets no games, and is not the buffer's to take away or give back. */
  readonly cordonedBy: 'buffer' | 'person' | undefined;
  /** Its pod is marked as the first to go. */
  readonly isRetired: boolean;
}

export interface ScaleView {
  readonly nowMs: number;
  /** Pods that the Deployment is asked for. */
  readonly replicas: number;
  /** The Deployment has exactly as many pods, all ready, each with a process that is heard. */
  readonly isSettled: boolean;
  readonly processes: readonly ScaledProcess[];
}

export interface ScaleDecision {
  /** How many pods to ask for; `undefined`: as now. */
  readonly replicas: number | undefined;
  readonly cordon: readonly string[];
  readonly uncordon: readonly string[];
  /** Processes whose pods are to be marked as the first to go. */
  readonly retire: readonly string[];
  /** Free places, those of processes that are about to come included. */
  readonly freeSlots: number;
}

const freeOf = ({ games, maxGames }: ScaledProcess): number => Math.max(0, maxGames - games);

function byGames(a: ScaledProcess, b: ScaledProcess): number {
  return a.games - b.games || (a.pod < b.pod ? -1 : 1);
}

/** The view in the words of the decision. */
interface Capacity {
  readonly view: ScaleView;
  readonly open: readonly ScaledProcess[];
  readonly cordoned: readonly ScaledProcess[];
  /** Asked for, and not heard yet. */
  readonly coming: number;
  /** Places of a process; as many as anybody wants while none is known. */
  readonly slotsEach: number;
  readonly free: number;
}

function capacityOf(view: ScaleView): Capacity {
  const staying = view.processes.filter(({ isDraining }) => !isDraining);
  const open = staying.filter(({ cordonedBy }) => cordonedBy === undefined);
  const cordoned = staying.filter(({ cordonedBy }) => cordonedBy === 'buffer');
  const coming = Math.max(0, view.replicas - staying.length);
  const known = view.processes.map(({ maxGames }) => maxGames);
  const slotsEach = known.length === 0 ? Number.MAX_SAFE_INTEGER : Math.max(1, ...known);
  const free = open.reduce((sum, process) => sum + freeOf(process), coming * slotsEach);
  return { view, open, cordoned, coming, slotsEach, free };
}

/** The leader's buffer. What it remembers is only since when: another leader takes over from what the pods say. */
export class BufferScaler {
  readonly #rule: BufferRule;
  #surplusSinceMs: number | undefined;
  #scaledMs = Number.NEGATIVE_INFINITY;
  #emptySinceMs = new Map<string, number>();

  constructor(rule: BufferRule) {
    this.#rule = rule;
  }

  /** This replica does not lead any more. */
  reset(): void {
    this.#surplusSinceMs = undefined;
    this.#emptySinceMs.clear();
  }

  decide(view: ScaleView): ScaleDecision {
    const capacity = capacityOf(view);
    this.#noteEmpty(capacity);
    const nothing = { replicas: undefined, cordon: [], uncordon: [], retire: [], freeSlots: capacity.free };
    const isShort = view.replicas < this.#rule.minReplicas || capacity.free < this.#rule.freeSlots;
    const decision = { ...nothing, ...(isShort ? this.#grow(capacity) : this.#shrink(capacity)) };
    if (decision.replicas !== undefined) this.#scaledMs = view.nowMs;
    return decision;
  }

  /** At once: cordons are lifted first, what is still missing is asked for. */
  #grow({ view, cordoned, free, slotsEach }: Capacity): Partial<ScaleDecision> {
    this.#surplusSinceMs = undefined;
    const { freeSlots, minReplicas, maxReplicas } = this.#rule;
    // While the Deployment is on its way down, those marked for it are lost.
    const back = cordoned
      .filter(({ isRetired }) => view.isSettled || !isRetired)
      .sort(byGames)
      .reverse();
    const uncordon: string[] = [];
    let missing = freeSlots - free;
    for (const process of back) {
      if (missing <= 0) break;
      uncordon.push(process.pod);
      missing -= freeOf(process);
    }
    const more = missing > 0 ? Math.ceil(missing / slotsEach) : 0;
    const wanted = Math.max(minReplicas, view.replicas, Math.min(maxReplicas, view.replicas + more));
    return { uncordon, replicas: wanted === view.replicas ? undefined : wanted };
  }

  #shrink(capacity: Capacity): Partial<ScaleDecision> {
    const { view, cordoned } = capacity;
    const spare = Math.max(0, view.replicas - this.#rule.minReplicas);
    // Of more than may go, some may be on their way already: which, is known when nothing moves any more.
    const tooMany = view.isSettled ? cordoned.toSorted(byGames).slice(spare) : [];
    const going = cordoned.toSorted(byGames).slice(0, spare);
    const isQuiet = view.isSettled && view.nowMs - this.#scaledMs >= this.#rule.settleMs;
    const retired = isQuiet ? going.filter(({ isRetired, games }) => isRetired && games === 0) : [];
    return {
      uncordon: tooMany.map(({ pod }) => pod),
      cordon: this.#surplus(capacity, spare - going.length),
      retire: going
        .filter((process) => !process.isRetired && this.#isSettledEmpty(process, view))
        .map(({ pod }) => pod),
      // Nobody is taken away while another is given back: Kubernetes might choose that one.
      replicas: retired.length > 0 && tooMany.length === 0 ? view.replicas - retired.length : undefined,
    };
  }

  /** Processes that are not needed, once that has been so for long enough; at most `limit`. */
  #surplus(capacity: Capacity, limit: number): string[] {
    const { view, coming } = capacity;
    const chosen = view.isSettled && coming === 0 ? this.#unneeded(capacity, limit) : [];
    if (chosen.length === 0) {
      this.#surplusSinceMs = undefined;
      return [];
    }
    this.#surplusSinceMs ??= view.nowMs;
    if (view.nowMs - this.#surplusSinceMs < this.#rule.stableMs) return [];
    // What becomes of the free places by this is seen before the next is chosen.
    this.#surplusSinceMs = undefined;
    return chosen;
  }

  #unneeded({ open, cordoned, free }: Capacity, limit: number): string[] {
    const { freeSlots, hysteresisSlots, movesGames } = this.#rule;
    const chosen: string[] = [];
    // Games of those that are on their way out will take places, too.
    let left = movesGames ? cordoned.reduce((sum, { games }) => sum - games, free) : free;
    for (const process of open.toSorted(byGames)) {
      left -= movesGames ? process.maxGames : freeOf(process);
      if (chosen.length >= limit || left < freeSlots + hysteresisSlots) break;
      chosen.push(process.pod);
    }
    return chosen;
  }

  #noteEmpty({ view, cordoned }: Capacity): void {
    const empty = cordoned.filter(({ games }) => games === 0);
    this.#emptySinceMs = new Map(empty.map(({ pod }) => [pod, this.#emptySinceMs.get(pod) ?? view.nowMs]));
  }

  #isSettledEmpty({ pod }: ScaledProcess, { nowMs }: ScaleView): boolean {
    const sinceMs = this.#emptySinceMs.get(pod);
    return sinceMs !== undefined && nowMs - sinceMs >= this.#rule.settleMs;
  }
}
