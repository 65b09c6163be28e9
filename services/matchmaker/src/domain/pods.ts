/** Simulation pods as Kubernetes tells of them: hints and facts, never proof that a process lives or is gone. */

/** `buffer`: cordoned by the autoscaler; `person`: by somebody who annotated the pod. */
export type CordonedBy = 'buffer' | 'person';

export interface Pod {
  readonly name: string;
  readonly isReady: boolean;
  /** Somebody deleted it: its process was told to stop. */
  readonly isTerminating: boolean;
  /** Failed, evicted or completed: it stays in the list, and its Deployment counts it no more. */
  readonly isOver: boolean;
  /** A container of it has stopped and does not run again yet. */
  readonly hasExited: boolean;
  readonly restarts: number;
  readonly deletionCost: number | undefined;
  readonly isSafeToEvict: boolean | undefined;
  readonly cordonedBy: CordonedBy | undefined;
}

export type PodChange =
  | { readonly kind: 'here'; readonly pod: Pod }
  | { readonly kind: 'deleted'; readonly name: string };

/** The pods of the last list with the changes since. It outlives every outage of the API. */
export class PodBook {
  readonly #maxPods: number;
  #byName = new Map<string, Pod>();
  #isListed = false;

  constructor(maxPods: number) {
    this.#maxPods = maxPods;
  }

  /** A list was read at least once. */
  get isListed(): boolean {
    return this.#isListed;
  }

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): Pod | undefined {
    return this.#byName.get(name);
  }

  pods(): IterableIterator<Pod> {
    return this.#byName.values();
  }

  /**
   * A whole list. One that has nothing is not believed while pods are known, and one that lacks more than half of
   * them is no news of any one: such lists come from API servers that lost their data, not from pods that died.
   *
   * @returns pods whose process may be gone
   */
  replace(pods: readonly Pod[]): string[] {
    this.#isListed = true;
    if (pods.length === 0) return [];
    const before = this.#byName;
    this.#byName = new Map(pods.slice(0, this.#maxPods).map((pod) => [pod.name, pod]));
    const missing = [...before.keys()].filter((name) => !this.#byName.has(name));
    const hints = pods.filter((pod) => isHint(before.get(pod.name), pod)).map(({ name }) => name);
    return missing.length * 2 > before.size ? hints : [...missing, ...hints];
  }

  /** @returns pods whose process may be gone */
  apply(change: PodChange): string[] {
    if (change.kind === 'deleted') return this.#byName.delete(change.name) ? [change.name] : [];
    const { pod } = change;
    const before = this.#byName.get(pod.name);
    if (before === undefined && this.#byName.size >= this.#maxPods) return [];
    this.#byName.set(pod.name, pod);
    return isHint(before, pod) ? [pod.name] : [];
  }

  /** The API does not know this pod any more. */
  forget(name: string): void {
    this.#byName.delete(name);
  }
}

/** The pod's process has stopped since it was last seen. */
function isHint(before: Pod | undefined, now: Pod): boolean {
  if (before === undefined) return now.hasExited;
  return (now.hasExited && !before.hasExited) || now.restarts > before.restarts;
}
