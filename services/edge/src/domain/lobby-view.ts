import type { GameInfo, RoomInfo } from '@breakwater/protocol';

export interface LobbyWhole {
  readonly games: readonly GameInfo[];
  readonly rooms: readonly RoomInfo[];
  readonly types: readonly string[];
}

export interface LobbyChanges {
  readonly games: readonly GameInfo[];
  readonly rooms: readonly RoomInfo[];
  readonly goneGames: readonly string[];
  readonly goneRooms: readonly string[];
  readonly types?: readonly string[];
}

/** A list by key that remembers what changed since somebody last asked. */
class TrackedList<T> {
  readonly items = new Map<string, T>();
  readonly changed = new Set<string>();
  readonly #maxItems: number;

  constructor(maxItems: number) {
    this.#maxItems = maxItems;
  }

  set(key: string, item: T): void {
    const known = this.items.get(key);
    if (known === undefined && this.items.size >= this.#maxItems) return;
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(item)) return;
    this.items.set(key, item);
    this.changed.add(key);
  }

  delete(key: string): void {
    if (this.items.delete(key)) this.changed.add(key);
  }

  take(): { readonly present: T[]; readonly gone: string[] } {
    const keys = [...this.changed];
    this.changed.clear();
    const present = keys.map((key) => this.items.get(key)).filter((item) => item !== undefined);
    return { present, gone: keys.filter((key) => !this.items.has(key)) };
  }
}

const MAX_ROOMS = 10_000;

/** What the lobby shows, and what changed since the watchers were last told. */
export class LobbyView {
  readonly #games: TrackedList<GameInfo>;
  readonly #rooms = new TrackedList<RoomInfo>(MAX_ROOMS);
  #types: readonly string[] = [];
  #areTypesNew = false;

  constructor(maxGames: number) {
    this.#games = new TrackedList(maxGames);
  }

  get hasChanges(): boolean {
    return this.#areTypesNew || this.#games.changed.size > 0 || this.#rooms.changed.size > 0;
  }

  /** `info` undefined: it is not listed any more. */
  setGame(game: string, info: GameInfo | undefined): void {
    if (info === undefined) this.#games.delete(game);
    else this.#games.set(game, info);
  }

  removeGame(game: string): void {
    this.#games.delete(game);
  }

  setRooms(rooms: readonly RoomInfo[]): void {
    const present = new Set(rooms.map((info) => info.room));
    for (const room of [...this.#rooms.items.keys()]) if (!present.has(room)) this.#rooms.delete(room);
    for (const info of rooms) this.#rooms.set(info.room, info);
  }

  setTypes(types: readonly string[]): void {
    const sorted = [...types].sort();
    if (sorted.join(' ') === this.#types.join(' ')) return;
    this.#types = sorted;
    this.#areTypesNew = true;
  }

  whole(): LobbyWhole {
    return {
      games: [...this.#games.items.values()],
      rooms: [...this.#rooms.items.values()],
      types: this.#types,
    };
  }

  takeChanges(): LobbyChanges | undefined {
    if (!this.hasChanges) return undefined;
    const games = this.#games.take();
    const rooms = this.#rooms.take();
    const types = this.#areTypesNew ? { types: this.#types } : {};
    this.#areTypesNew = false;
    return {
      games: games.present,
      rooms: rooms.present,
      goneGames: games.gone,
      goneRooms: rooms.gone,
      ...types,
    };
  }
}
