import type { GameEntry } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Mirror, Versioned } from './mirror.ts';
import type { EntryStore } from './ports.ts';

/** Tries of one compare-and-set before the caller is told to come again. */
const MAX_CONFLICTS = 8;

/** What a change does to an entry; `undefined` leaves it as it is. */
export type Change = (entry: GameEntry) => GameEntry | undefined;

/** Changes entries by compare-and-set, reading again after each conflict, and keeps the mirror up to date. */
export class Registrar {
  readonly #store: EntryStore;
  readonly #mirror: Mirror;

  constructor(store: EntryStore, mirror: Mirror) {
    this.#store = store;
    this.#mirror = mirror;
  }

  /** The entry as the bucket's leader has it. */
  async read(game: string): Promise<Versioned | undefined> {
    const found = await this.#store.get(game);
    if (found !== undefined) this.#mirror.put(found.entry, found.revision);
    return found;
  }

  /** False when the entry exists. */
  async create(entry: GameEntry): Promise<boolean> {
    const result = await this.#store.create(entry);
    if (result === 'conflict') return false;
    this.#mirror.put(entry, result.revision);
    return true;
  }

  /**
   * Changes an entry, from what the mirror holds first.
   * @returns the entry as it then is and whether this call changed it; `undefined` when there is none
   * @throws ProtocolError `busy` when others kept writing it
   */
  async change(game: string, change: Change): Promise<{ entry: GameEntry; changed: boolean } | undefined> {
    let known = this.#mirror.get(game) ?? (await this.read(game));
    for (let attempt = 0; attempt < MAX_CONFLICTS && known !== undefined; attempt++) {
      const next = change(known.entry);
      if (next === undefined) return { entry: known.entry, changed: false };
      const result = await this.#store.update(next, known.revision);
      if (result !== 'conflict') {
        this.#mirror.put(next, result.revision);
        return { entry: next, changed: true };
      }
      known = await this.read(game);
    }
    if (known === undefined) return undefined;
    throw new ProtocolError('busy', 'The game is being changed by others; try again.');
  }

  /** Removes the entry if it is still the one that `isWanted` means. */
  async remove(game: string, isWanted: (entry: GameEntry) => boolean): Promise<boolean> {
    const known = await this.read(game);
    if (known === undefined || !isWanted(known.entry)) return false;
    const result = await this.#store.remove(game, known.revision);
    if (result === 'conflict') return false;
    this.#mirror.remove(game, result.revision);
    return true;
  }
}
