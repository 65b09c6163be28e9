import type { RoomPresence } from '@breakwater/bus';
import type { Roster } from '@breakwater/protocol';
import type { Presence, RoomChange } from './presence.ts';

export interface FeedOptions {
  readonly publisher: string;
  /** People above which a room gets a count and a sample. */
  readonly maxRoster: number;
  readonly sampleSize: number;
  /** A room with people is published at least this often. */
  readonly repeatMs: number;
  /** A big room is published at most this often. */
  readonly bigRoomMs: number;
}

export interface Publication {
  readonly room: string;
  readonly message: RoomPresence;
}

interface Published {
  n: number;
  atMs: number;
  /** We published the last change of this room ourselves, so that the next one can follow it. */
  isMine: boolean;
  isBig: boolean;
}

const NO_CHANGE: RoomChange = { joined: new Map(), left: new Set() };

/** Decides what is said on `room.<p>.<room>.presence` by the replica that is responsible for a room. Pure. */
export class PresenceFeed {
  readonly #presence: Presence;
  readonly #options: FeedOptions;
  readonly #published = new Map<string, Published>();
  /** Big rooms with a change that waits for its time. */
  readonly #waiting = new Set<string>();
  /** Where the numbers of a room begin: above those of every room that was forgotten, so that none repeats. */
  #floor = 0;

  constructor(presence: Presence, options: FeedOptions) {
    this.#presence = presence;
    this.#options = options;
  }

  /** What changed since the last call. */
  changes(isMine: (room: string) => boolean, nowMs: number): Publication[] {
    const changes = this.#presence.takeChanges();
    const publications: Publication[] = [];
    for (const room of new Set([...this.#waiting, ...changes.keys()])) {
      if (!isMine(room)) {
        this.#disown(room);
        continue;
      }
      const message = this.#message(room, changes.get(room) ?? NO_CHANGE, nowMs);
      if (message !== undefined) publications.push({ room, message });
    }
    return publications;
  }

  /** Rooms that became ours, and those that were not spoken of for a while. */
  repeats(isMine: (room: string) => boolean, nowMs: number): Publication[] {
    const publications: Publication[] = [];
    for (const room of this.#presence.rooms()) {
      if (!isMine(room)) {
        this.#disown(room);
        continue;
      }
      const known = this.#published.get(room);
      if (known?.isMine === true && nowMs - known.atMs < this.#options.repeatMs) continue;
      const message = this.#message(room, NO_CHANGE, nowMs);
      if (message !== undefined) publications.push({ room, message });
    }
    this.#forgetEmpty(nowMs);
    return publications;
  }

  /** Number of the last publication of a room. */
  numberOf(room: string): number {
    return this.#published.get(room)?.n ?? this.#floor;
  }

  roster(room: string): Roster {
    const count = this.#presence.count(room);
    const isComplete = count <= this.#options.maxRoster;
    const people = this.#presence.people(room, isComplete ? count : this.#options.sampleSize);
    return { count, people, isComplete };
  }

  #message(room: string, change: RoomChange, nowMs: number): RoomPresence | undefined {
    const published = this.#published.get(room) ?? {
      n: this.#floor,
      atMs: nowMs,
      isMine: false,
      isBig: false,
    };
    const count = this.#presence.count(room);
    const isBig = count > this.#options.maxRoster;
    if (isBig && published.isBig && published.isMine && nowMs - published.atMs < this.#options.bigRoomMs) {
      this.#waiting.add(room);
      return undefined;
    }
    this.#waiting.delete(room);
    // Taken back from another replica, the number jumps: who missed what that one said shall see a hole.
    const step = published.isMine ? 1 : 2;
    const head = { publisher: this.#options.publisher, n: published.n + step, count };
    // Whoever hears us for the first time may not know who came before us: they get everyone.
    const hasWhole = isBig || published.isBig || !published.isMine;
    this.#published.set(room, { n: head.n, atMs: nowMs, isMine: true, isBig });
    if (hasWhole) return { ...head, joined: [], left: [], roster: this.roster(room) };
    const joined = [...change.joined].map(([user, name]) => ({ user, name }));
    return { ...head, joined, left: [...change.left] };
  }

  #disown(room: string): void {
    this.#waiting.delete(room);
    const known = this.#published.get(room);
    if (known !== undefined) known.isMine = false;
  }

  #forgetEmpty(nowMs: number): void {
    for (const [room, { atMs, n }] of this.#published) {
      const isIdle = nowMs - atMs > 2 * this.#options.repeatMs;
      if (!isIdle || this.#presence.count(room) > 0) continue;
      this.#published.delete(room);
      this.#floor = Math.max(this.#floor, n);
    }
  }
}
