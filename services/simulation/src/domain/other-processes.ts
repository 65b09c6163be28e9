/** What a process that drains hears of the others: whether they could take its games. */

import type { SimStatus } from '@breakwater/bus';

const MAX_PROCESSES = 10_000;

interface Heard {
  readonly types: SimStatus['types'];
  readonly atMs: number;
}

export class OtherProcesses {
  readonly #ownPod: string;
  /** The newest word of each process that takes games. */
  readonly #takers = new Map<string, Heard>();
  #heardAtMs: number | undefined;

  constructor(ownPod: string) {
    this.#ownPod = ownPod;
  }

  /** When one was last heard that takes games; `undefined`: never. */
  get heardAtMs(): number | undefined {
    return this.#heardAtMs;
  }

  hear({ pod, types, isDraining, isLeaving }: SimStatus, nowMs: number): void {
    if (pod === this.#ownPod) return;
    this.#takers.delete(pod);
    if (isDraining || isLeaving || this.#takers.size >= MAX_PROCESSES) return;
    this.#heardAtMs = nowMs;
    this.#takers.set(pod, { types, atMs: nowMs });
  }

  /**
   * Processes heard since `sinceMs` host the type, and none of them this version or one that takes it over: what is
   * still played of it has nowhere to go on. While nobody hosts the type at all, that cannot be known.
   */
  isVersionGone(type: string, schemaVersion: number, sinceMs: number): boolean {
    const hosted = Array.from(this.#takers.values())
      .filter(({ atMs }) => atMs >= sinceMs)
      .flatMap(({ types }) => types.filter((each) => each.type === type));
    const takes = (each: SimStatus['types'][number]) =>
      each.schemaVersion === schemaVersion || each.migratesFrom?.includes(schemaVersion) === true;
    return hosted.length > 0 && !hosted.some(takes);
  }
}
