import type { EdgeDeps } from './deps.ts';

/** A room or a game that has, or just had, members on this edge. */
export interface BookEntry {
  readonly id: string;
  readonly members: { readonly size: number };
  readonly follower: { readonly state: string };
  close(): void;
}

/** The rooms or games that are followed here: one subscription each, however many sockets. */
export class Book<E extends BookEntry> {
  readonly #deps: EdgeDeps;
  readonly #make: (id: E['id']) => E;
  readonly #entries = new Map<string, E>();

  constructor(deps: EdgeDeps, make: (id: E['id']) => E) {
    this.#deps = deps;
    this.#make = make;
  }

  get size(): number {
    return this.#entries.size;
  }

  values(): Iterable<E> {
    return this.#entries.values();
  }

  get(id: string): E | undefined {
    return this.#entries.get(id);
  }

  /** Begins to follow it if nobody here does. */
  open(id: E['id']): E {
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      entry = this.#make(id);
      this.#entries.set(id, entry);
    }
    return entry;
  }

  /** A member has left: without members it is let go after a while, so that a tab that reloads finds it still followed. */
  release(entry: E): void {
    if (entry.members.size > 0) return;
    // One that was never entered may not even exist.
    if (entry.follower.state === 'waiting') this.#closeIfEmpty(entry);
    else this.#deps.clock.after(this.#deps.config.lingerMs, () => this.#closeIfEmpty(entry));
  }

  closeAll(): void {
    for (const entry of this.#entries.values()) entry.close();
    this.#entries.clear();
  }

  #closeIfEmpty(entry: E): void {
    if (entry.members.size > 0 || this.#entries.get(entry.id) !== entry) return;
    this.#entries.delete(entry.id);
    entry.close();
  }
}
