/** Joins and syncs that wait, each asker's newest alone. */

import type { JoinInput, SyncInput } from './inbox.ts';

export type Ask = JoinInput | SyncInput;

/**
 * What arrived and was not dealt with yet, in order of arrival. Who asks for state again has given up the answer to
 * what was asked before, so the newer ask takes the older one's place: a game that stands still owes each asker one
 * answer, however long that takes.
 */
export class AskQueue<T> {
  readonly #maxItems: number;
  readonly #askOf: (item: T) => Ask | undefined;
  #items: T[] = [];
  /** Where in `#items` the ask of an asker is. */
  readonly #places = new Map<string, number>();

  /** `askOf`: undefined for what is no join and no sync. */
  constructor(maxItems: number, askOf: (item: T) => Ask | undefined) {
    this.#maxItems = maxItems;
    this.#askOf = askOf;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  /** False when there is no room. */
  offer(item: T): boolean {
    if (this.#replace(item)) return true;
    if (this.#items.length >= this.#maxItems) return false;
    this.#push(item);
    return true;
  }

  /** Puts items before all others, whether there is room or not. */
  putBack(items: readonly T[]): void {
    for (const item of [...items, ...this.take()]) if (!this.#replace(item)) this.#push(item);
  }

  take(): readonly T[] {
    const items = this.#items;
    this.#items = [];
    this.#places.clear();
    return items;
  }

  /** Whether the asker of an ask that is not in here any more has asked again. */
  hasNewer(ask: Ask): boolean {
    const place = this.#places.get(askerOf(ask));
    return place !== undefined && numberOf(this.#askAt(place)) >= numberOf(ask);
  }

  /** A late copy of an older join takes no newer one's place. */
  #replace(item: T): boolean {
    const ask = this.#askOf(item);
    const place = ask && this.#places.get(askerOf(ask));
    if (ask === undefined || place === undefined || numberOf(ask) < numberOf(this.#askAt(place)))
      return false;
    this.#items[place] = item;
    return true;
  }

  #push(item: T): void {
    const ask = this.#askOf(item);
    if (ask !== undefined) this.#places.set(askerOf(ask), this.#items.length);
    this.#items.push(item);
  }

  #askAt(place: number): Ask | undefined {
    return this.#askOf(this.#items[place]!);
  }
}

/** An edge asks by one sync at a time for all who wait, and by one join at a time for a connection. */
function askerOf(ask: Ask): string {
  return ask.kind === 'sync' ? ask.edge : `${ask.edge} ${ask.session} ${ask.user}`;
}

const numberOf = (ask: Ask | undefined): number => (ask?.kind === 'join' ? ask.join : 0);
