import { type RoomEntry, type RoomId, roomKey } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Bucket, BucketWatch } from '@breakwater/service-kit';
import { Directory } from '../domain/directory.ts';

const KEYS = 'room.*';

/** The rooms in their bucket: followed by a watch, created by compare-and-set. */
export class Rooms {
  readonly directory = new Directory();
  readonly #bucket: Bucket<RoomEntry>;
  readonly #maxRooms: number;
  #watch: BucketWatch | undefined;

  constructor(bucket: Bucket<RoomEntry>, maxRooms: number) {
    this.#bucket = bucket;
    this.#maxRooms = maxRooms;
  }

  /** Resolves when all rooms that there are have been heard. */
  start(): Promise<void> {
    this.#watch = this.#bucket.watch({
      keys: KEYS,
      onChange: (change) => {
        if (change.kind === 'put') this.directory.put(change.value);
        else this.directory.remove(change.key.slice('room.'.length) as RoomId);
      },
    });
    return this.#watch.ready;
  }

  stop(): void {
    this.#watch?.stop();
  }

  /** The room; asks the bucket about one that the watch has not told. @throws ProtocolError room_not_found */
  async get(room: RoomId): Promise<RoomEntry> {
    const known = this.directory.get(room) ?? (await this.#bucket.get(roomKey(room)))?.value;
    if (known === undefined) throw new ProtocolError('room_not_found');
    return known;
  }

  /** @throws ProtocolError room_exists, busy, unavailable */
  async create(entry: RoomEntry & { readonly room: RoomId }): Promise<RoomEntry> {
    const known = this.directory.get(entry.room);
    if (known !== undefined && !isSame(known, entry)) throw new ProtocolError('room_exists');
    if (known !== undefined) return known;
    if (this.directory.size >= this.#maxRooms) throw new ProtocolError('busy', 'There are too many rooms.');
    const result = await this.#bucket.create(roomKey(entry.room), entry);
    if (result.kind === 'full') throw new ProtocolError('busy', 'There is no space for another room.');
    const stored = result.kind === 'stored' ? entry : (await this.#bucket.get(roomKey(entry.room)))?.value;
    if (stored === undefined) throw new ProtocolError('unavailable');
    if (!isSame(stored, entry)) throw new ProtocolError('room_exists');
    this.directory.put(stored);
    return stored;
  }

  /** Creates the rooms of the settings that are not there yet, whichever replica is first. */
  async createDefaults(rooms: readonly RoomId[], createdAt: number): Promise<void> {
    for (const room of rooms) {
      if (this.directory.get(room) !== undefined) continue;
      await this.#bucket.create(roomKey(room), {
        room,
        title: room,
        kind: 'public',
        owner: SYSTEM,
        createdAt,
      });
      const stored = await this.#bucket.get(roomKey(room));
      if (stored === undefined) throw new Error(`The default room ${room} cannot be created.`);
      this.directory.put(stored.value);
    }
  }
}

/** Owner of the rooms that no person made. */
const SYSTEM = 'system';

/** After a lost answer the same person asks for the same room again. */
function isSame(a: RoomEntry, b: RoomEntry): boolean {
  return a.owner === b.owner && a.title === b.title;
}
