/** Which process hosts a game, and how long a change of it was to be noticed. */

export interface OwnerChange {
  readonly epoch: number;
  readonly fromPod: string;
  readonly toPod: string;
}

/** A gap between deltas shorter than this many ticks is no pause. */
const PAUSE_TICKS = 3;
const MIN_PAUSE_MS = 100;

export class GameOwner {
  #pod = '';
  #fromPod = '';
  #epoch = 0;
  #shownAtMs: number | undefined;

  get pod(): string {
    return this.#pod;
  }

  /** What is heard of the owner; a change where there was another before. */
  heard(epoch: number, pod: string): OwnerChange | undefined {
    if (pod === this.#pod) return undefined;
    this.#fromPod = this.#pod;
    this.#pod = pod;
    return this.#fromPod === '' ? undefined : { epoch, fromPod: this.#fromPod, toPod: pod };
  }

  /** Something new of `epoch` is shown. Returns the pause that the first thing of a new owner ends. */
  shown(epoch: number, nowMs: number, tickHz: number): (OwnerChange & { readonly ms: number }) | undefined {
    const sinceMs = this.#shownAtMs === undefined ? 0 : nowMs - this.#shownAtMs;
    const isNewOwner = this.#epoch > 0 && epoch > this.#epoch;
    this.#shownAtMs = nowMs;
    this.#epoch = epoch;
    const leastMs = Math.max(MIN_PAUSE_MS, (PAUSE_TICKS * 1_000) / Math.max(1, tickHz));
    if (!isNewOwner || sinceMs < leastMs) return undefined;
    return { ms: sinceMs, epoch, fromPod: this.#fromPod, toPod: this.#pod };
  }
}
