import { type RoomEntry, type RoomId, roomId } from '@breakwater/bus';
import type { RoomInfo } from '@breakwater/protocol';

/** The rooms that there are, as the bucket's watch tells them. */
export class Directory {
  readonly #rooms = new Map<RoomId, RoomEntry>();

  get size(): number {
    return this.#rooms.size;
  }

  get(room: RoomId): RoomEntry | undefined {
    return this.#rooms.get(room);
  }

  put(entry: RoomEntry): void {
    this.#rooms.set(roomId(entry.room), entry);
  }

  remove(room: RoomId): void {
    this.#rooms.delete(room);
  }

  /** All rooms, oldest first. @param countOf how many people are in a room now */
  list(countOf: (room: RoomId) => number): RoomInfo[] {
    return [...this.#rooms.values()]
      .sort((a, b) => a.createdAt - b.createdAt || (a.room < b.room ? -1 : 1))
      .map((entry) => toInfo(entry, countOf(roomId(entry.room))));
  }
}

export function toInfo({ room, title, kind }: RoomEntry, count: number): RoomInfo {
  return { room, title, kind, count };
}
