import {
  type ChatCreate,
  type ChatCreated,
  type ChatHistory,
  type ChatJoin,
  type ChatJoined,
  type ChatPage,
  type ChatRooms,
  type ChatRosterReply,
  type ChatSend,
  type ChatSent,
  type RoomEntry,
  type RoomId,
  roomId,
  userId,
} from '@breakwater/bus';
import { LIMITS, ProtocolError } from '@breakwater/protocol';
import { type Directory, toInfo } from './directory.ts';
import type { Clock } from './log.ts';
import type { RoomReader } from './room-reader.ts';
import type { Sender } from './sender.ts';
import type { TokenBuckets } from './token-bucket.ts';

/** The rooms that there are. */
export interface RoomStore {
  readonly directory: Directory;
  /** @throws ProtocolError room_not_found */
  get(room: RoomId): Promise<RoomEntry>;
  /** @throws ProtocolError room_exists, busy, unavailable */
  create(entry: RoomEntry & { readonly room: RoomId }): Promise<RoomEntry>;
}

/** Who is in the rooms now. */
export interface People {
  count(room: RoomId): number;
  /** Asks the replica that publishes the room's presence. */
  roster(room: RoomId): Promise<ChatRosterReply>;
}

export interface ChatParts {
  readonly rooms: RoomStore;
  readonly people: People;
  readonly reader: RoomReader;
  readonly sender: Sender;
  readonly rate: TokenBuckets;
  readonly clock: Clock;
  readonly maxPageMessages: number;
}

/** What chat does for the edges, one method a verb. Every refusal is a `ProtocolError`. */
export class Chat {
  readonly #parts: ChatParts;

  constructor(parts: ChatParts) {
    this.#parts = parts;
  }

  async send({ user, name, room, msg, text }: ChatSend, trace?: string): Promise<ChatSent> {
    const { rooms, rate, clock, sender } = this.#parts;
    const id = roomId(room);
    const sendingUser = userId(user);
    assertName(name);
    const retryAfterMs = rate.take(sendingUser, clock.monotonicMs());
    if (retryAfterMs > 0) throw new ProtocolError('rate_limited', undefined, { retryAfterMs });
    await rooms.get(id);
    return sender.send(id, { user: sendingUser, name, msg, text }, trace);
  }

  async join({ room, at, limit }: ChatJoin): Promise<ChatJoined> {
    const { rooms, reader, people, maxPageMessages } = this.#parts;
    const id = roomId(room);
    const entry = await rooms.get(id);
    const [{ messages, ...joined }, { roster }] = await Promise.all([
      reader.join(id, at, Math.min(limit, maxPageMessages)),
      people.roster(id),
    ]);
    return { info: toInfo(entry, roster.count), ...joined, messages: [...messages], roster };
  }

  async history({ room, before, limit }: ChatHistory): Promise<ChatPage> {
    const id = roomId(room);
    await this.#parts.rooms.get(id);
    const page = await this.#parts.reader.history(id, before, Math.min(limit, this.#parts.maxPageMessages));
    return { messages: [...page.messages], more: page.more };
  }

  list(): ChatRooms {
    const { rooms, people } = this.#parts;
    return { rooms: rooms.directory.list((room) => people.count(room)) };
  }

  async create({ user, name, room, title }: ChatCreate): Promise<ChatCreated> {
    assertName(name);
    const text = title?.trim() || room;
    if (text.length > LIMITS.maxTitleLength) throw new ProtocolError('too_large', 'title: is too long');
    const entry = await this.#parts.rooms.create({
      room: roomId(room),
      title: text,
      kind: 'public',
      owner: userId(user),
      createdAt: Math.floor(this.#parts.clock.unixMs()),
    });
    return { info: toInfo(entry, this.#parts.people.count(roomId(room))) };
  }

  async roster(room: string): Promise<ChatRosterReply> {
    const id = roomId(room);
    await this.#parts.rooms.get(id);
    return this.#parts.people.roster(id);
  }
}

function assertName(name: string): void {
  if (name.length > LIMITS.maxNameLength) throw new ProtocolError('bad_request', 'name: is too long');
}
