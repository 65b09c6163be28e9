import type { GameEntry } from '@breakwater/bus';

/** An entry and the revision of the bucket at which it was read. */
export interface Versioned {
  readonly entry: GameEntry;
  readonly revision: number;
}

/** Removed games whose revision is remembered. */
const MAX_GONE = 10_000;

/** The registry as this replica last saw it. Every write is checked against the bucket, so it may lag. */
export class Mirror {
  readonly #games = new Map<string, Versioned>();
  readonly #gone = new Map<string, number>();
  readonly #listeners = new Map<string, Set<() => void>>();

  get size(): number {
    return this.#games.size;
  }

  get(game: string): Versioned | undefined {
    return this.#games.get(game);
  }

  /** Entries, of one type or all. */
  *entries(type?: string): Generator<GameEntry> {
    for (const { entry } of this.#games.values()) if (type === undefined || entry.type === type) yield entry;
  }

  /** Takes what was read or written; an older revision than the known one is dropped. */
  put(entry: GameEntry, revision: number): void {
    if (revision <= (this.#games.get(entry.game)?.revision ?? this.#gone.get(entry.game) ?? 0)) return;
    this.#games.set(entry.game, { entry, revision });
    this.#gone.delete(entry.game);
    this.#tell(entry.game);
  }

  /**
   * The entry was removed at this revision, which keeps a late copy from bringing it back; 0 when it was only found
   * missing.
   */
  remove(game: string, revision: number): void {
    const known = this.#games.get(game)?.revision ?? 0;
    if (revision !== 0 && revision <= known) return;
    this.#games.delete(game);
    this.#gone.set(game, Math.max(revision, known));
    if (this.#gone.size > MAX_GONE) this.#gone.delete(this.#gone.keys().next().value!);
    this.#tell(game);
  }

  /** Calls `listener` at each change of the game until cancelled. */
  onChange(game: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(game) ?? new Set();
    this.#listeners.set(game, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(game) === listeners) this.#listeners.delete(game);
    };
  }

  #tell(game: string): void {
    for (const listener of [...(this.#listeners.get(game) ?? [])]) listener();
  }
}
