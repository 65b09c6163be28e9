/** A key-value bucket in memory: revisions, compare-and-set, watchers, and writes of which nobody learns. */

import type { Link } from '@breakwater/testkit';

export interface Stored<T> {
  readonly value: T;
  readonly revision: number;
}

export interface BucketWrite<T> {
  readonly key: string;
  readonly before: T | undefined;
  readonly after: T | undefined;
}

/** `value` undefined: the key is gone; revision 0 then means that it was only found missing. */
export interface KeyChange<T> {
  readonly key: string;
  readonly value: T | undefined;
  readonly revision: number;
}

interface Watcher<T> {
  readonly link: Link;
  readonly take: (change: KeyChange<T>) => void;
  /** Keys that it was told of. */
  readonly known: Set<string>;
  isSynced: boolean;
}

/** As the expected revision: whatever is there. */
export const ANY_REVISION = -1;

/** `unheard`: the next write is stored and its answer is lost; `dropped`: it is not stored either. */
export type WriteFate = 'unheard' | 'dropped';

export class ModelBucket<T> {
  /** What becomes of the next writes. */
  readonly fates: WriteFate[] = [];
  onWrite: (write: BucketWrite<T>) => void = () => undefined;
  onFate: () => void = () => undefined;
  readonly #keys = new Map<string, Stored<T>>();
  readonly #watchers = new Set<Watcher<T>>();
  #revision = 0;

  get(key: string): Stored<T> | undefined {
    return this.#keys.get(key);
  }

  *values(): Generator<T> {
    for (const { value } of this.#keys.values()) yield value;
  }

  /**
   * Stores the value, or removes the key, if its revision is still `expected`; 0: it is not there.
   * @returns the new revision, or undefined when nobody learns what became of the write
   */
  write(key: string, value: T | undefined, expected: number): number | 'conflict' | undefined {
    const fate = this.fates.shift();
    if (fate !== undefined) this.onFate();
    if (fate === 'dropped') return undefined;
    const before = this.#keys.get(key);
    if (expected !== ANY_REVISION && (before?.revision ?? 0) !== expected)
      return fate === undefined ? 'conflict' : undefined;
    this.#revision += 1;
    const revision = this.#revision;
    if (value === undefined) this.#keys.delete(key);
    else this.#keys.set(key, { value, revision });
    this.onWrite({ key, before: before?.value, after: value });
    for (const watcher of this.#watchers) this.#tell(watcher, { key, value, revision });
    return fate === undefined ? revision : undefined;
  }

  /** Every key from now on; after a lost connection nothing until `resync`. */
  watch(link: Link, take: (change: KeyChange<T>) => void): { resync(): void } {
    const watcher: Watcher<T> = { link, take, known: new Set(), isSynced: false };
    this.#watchers.add(watcher);
    const resync = () => link.up(() => this.#sync(watcher));
    resync();
    return { resync };
  }

  forget(link: Link): void {
    for (const watcher of this.#watchers) if (watcher.link === link) this.#watchers.delete(watcher);
  }

  #sync(watcher: Watcher<T>): void {
    watcher.isSynced = true;
    watcher.link.onCut(() => {
      watcher.isSynced = false;
    });
    for (const key of watcher.known)
      if (!this.#keys.has(key)) this.#tell(watcher, { key, value: undefined, revision: 0 });
    for (const [key, stored] of this.#keys) this.#tell(watcher, { key, ...stored });
  }

  #tell(watcher: Watcher<T>, change: KeyChange<T>): void {
    if (!watcher.isSynced) return;
    if (change.value === undefined) watcher.known.delete(change.key);
    else watcher.known.add(change.key);
    watcher.link.down(() => watcher.take(change));
  }
}
