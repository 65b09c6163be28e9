import {
  type ChatJoined,
  type ChatVerb,
  chatCreated,
  chatJoined,
  chatPage,
  chatRooms,
  chatSent,
  reply,
  roomId,
} from '@breakwater/bus';
import {
  type ClientFrameOf,
  type Decoder,
  encodeServerFrame,
  LIMITS,
  ProtocolError,
  type Roster,
} from '@breakwater/protocol';
import type { TraceParent } from '@breakwater/service-kit';
import { textFrame } from '../fanout/frame.ts';
import { Book } from './book.ts';
import type { Connection } from './connection.ts';
import type { FrameHandlers } from './control.ts';
import type { EdgeDeps } from './deps.ts';
import type { Presence } from './presence.ts';
import { Room } from './room.ts';
import { RoomMember } from './room-member.ts';

const MAX_JOIN_ATTEMPTS = 3;
const ROSTER_SHARE_MS = 5;
const MAX_ROSTER_SPREAD_MS = 5_000;

type RoomFrames =
  | 'room.list'
  | 'room.create'
  | 'room.join'
  | 'room.leave'
  | 'room.send'
  | 'room.history'
  | 'room.typing';

/** The rooms that are followed here, and what clients ask about rooms. */
export class Rooms {
  readonly #deps: EdgeDeps;
  readonly #presence: Presence;
  readonly #rooms: Book<Room>;

  constructor(deps: EdgeDeps, presence: Presence) {
    this.#deps = deps;
    this.#presence = presence;
    this.#rooms = new Book(deps, (id) => new Room(deps, id));
    deps.metrics.feeds.observe(() => this.#rooms.size, { kind: 'room' });
    deps.nats.onReconnect(() => this.#refreshRosters());
  }

  get feeds(): Iterable<Room> {
    return this.#rooms.values();
  }

  get handlers(): Pick<FrameHandlers, RoomFrames> {
    return {
      'room.list': (connection, { id }, trace) => this.#list(connection, id, trace),
      'room.create': (connection, frame, trace) => this.#create(connection, frame, trace),
      'room.join': (connection, frame, trace) =>
        connection.chain(frame.room, () => this.#join(connection, frame, trace)),
      'room.leave': (connection, { id, room }) =>
        connection.chain(room, async () => this.#leave(connection, id, room)),
      'room.send': (connection, frame, trace) =>
        connection.chain(frame.room, () => this.#send(connection, frame, trace)),
      'room.history': (connection, frame, trace) => this.#history(connection, frame, trace),
      'room.typing': (connection, frame) => this.#typing(connection, frame),
    };
  }

  /** The connection is gone: its members are dropped. */
  onGone(connection: Connection): void {
    for (const [id, member] of connection.rooms ?? []) {
      this.#remove(connection, id, member);
      this.#presence.dropped(id, connection);
    }
  }

  stop(): void {
    this.#rooms.closeAll();
  }

  /** Messages about people were missed. The questions are spread, because chat has just come back as well. */
  #refreshRosters(): void {
    const { clock } = this.#deps;
    const spreadMs = Math.min(MAX_ROSTER_SPREAD_MS, this.#rooms.size * ROSTER_SHARE_MS);
    for (const room of this.#rooms.values()) {
      clock.after(Math.random() * spreadMs, () => {
        if (room.isOpen) room.refreshRoster();
      });
    }
  }

  #ask<T extends object>(
    verb: ChatVerb,
    connection: Connection,
    body: object,
    decoder: Decoder<T>,
    trace: TraceParent | undefined,
  ) {
    const { nats, subjects, config } = this.#deps;
    const { user, name } = connection;
    const options = { decode: reply(decoder), timeoutMs: config.backendTimeoutMs, trace };
    return nats.request(subjects.chat(verb), { user, name, ...body }, options);
  }

  async #list(connection: Connection, id: number, trace: TraceParent | undefined): Promise<void> {
    const { rooms } = await this.#ask('list', connection, {}, chatRooms, trace);
    this.#deps.delivery.send(connection, { t: 'room.list', id, rooms });
  }

  async #create(
    connection: Connection,
    frame: ClientFrameOf<'room.create'>,
    trace: TraceParent | undefined,
  ): Promise<void> {
    const { id, room, title } = frame;
    const { info } = await this.#ask('create', connection, { room, title }, chatCreated, trace);
    this.#deps.delivery.send(connection, { t: 'room.created', id, info });
  }

  async #history(
    connection: Connection,
    frame: ClientFrameOf<'room.history'>,
    trace: TraceParent | undefined,
  ): Promise<void> {
    const { id, room, before } = frame;
    const limit = frame.limit ?? this.#deps.config.joinPageMessages;
    const page = await this.#ask('history', connection, { room, before, limit }, chatPage, trace);
    this.#deps.delivery.send(connection, {
      t: 'room.page',
      id,
      room,
      messages: page.messages,
      more: page.more,
    });
  }

  async #send(
    connection: Connection,
    frame: ClientFrameOf<'room.send'>,
    trace: TraceParent | undefined,
  ): Promise<void> {
    const { id, room, msg, text, resend } = frame;
    this.#memberOf(connection, room);
    const sent = await this.#ask('send', connection, { room, msg, text, resend }, chatSent, trace);
    this.#deps.delivery.send(connection, { t: 'room.sent', id, room, msg, seq: sent.seq, time: sent.time });
  }

  #typing(connection: Connection, { room, on }: ClientFrameOf<'room.typing'>): void {
    this.#memberOf(connection, room);
    const { nats, subjects, edge } = this.#deps;
    const { user, name } = connection;
    nats.publish(subjects.roomSignal(roomId(room)), { kind: 'typing', edge, user, name, on });
  }

  #memberOf(connection: Connection, room: string): RoomMember {
    const member = connection.rooms?.get(room);
    if (member === undefined) throw new ProtocolError('not_joined');
    return member;
  }

  async #join(
    connection: Connection,
    frame: ClientFrameOf<'room.join'>,
    trace: TraceParent | undefined,
  ): Promise<void> {
    if (connection.isGone) return;
    const wasMember = connection.rooms?.has(frame.room) ?? false;
    if (!wasMember && (connection.rooms?.size ?? 0) >= LIMITS.maxRoomsPerSocket) {
      throw new ProtocolError('too_many_joined');
    }
    const room = this.#rooms.open(roomId(frame.room));
    const member = this.#attach(connection, room);
    let isJoined = false;
    try {
      const joined = await this.#askUntilUsable(connection, room, member, frame, trace);
      isJoined = joined !== undefined;
      if (joined !== undefined) this.#answer(connection, frame, room, member, joined);
      if (isJoined && !wasMember) this.#presence.joined(frame.room, connection);
    } finally {
      room.recent.detach();
      this.#deps.metrics.joins.add(1, { kind: 'room', outcome: isJoined ? 'ok' : 'failed' });
      if (!isJoined && !connection.isGone) this.#undo(connection, frame.room, member, wasMember);
    }
  }

  /** Attached first: what is forwarded while chat is asked is kept and follows the answer. */
  #attach(connection: Connection, room: Room): RoomMember {
    const { follower, recent } = room;
    const isPlaced = follower.state !== 'waiting' && follower.state !== 'closed';
    recent.attach(isPlaced ? follower.position.seq : undefined);
    connection.rooms ??= new Map();
    const member = connection.rooms.get(room.id) ?? new RoomMember(connection);
    member.isLive = false;
    connection.rooms.set(room.id, member);
    room.members.add(member);
    return member;
  }

  /** @returns undefined when the connection went away meanwhile */
  async #askUntilUsable(
    connection: Connection,
    room: Room,
    member: RoomMember,
    frame: ClientFrameOf<'room.join'>,
    trace: TraceParent | undefined,
  ) {
    const { at } = frame;
    const limit = frame.limit ?? this.#deps.config.joinPageMessages;
    for (let attempt = 0; attempt < MAX_JOIN_ATTEMPTS; attempt++) {
      const joined = await this.#ask('join', connection, { room: room.id, at, limit }, chatJoined, trace);
      if (connection.isGone) return undefined;
      const missed = room.accept(member, joined);
      if (missed !== undefined) return { joined, missed };
    }
    throw new ProtocolError('unavailable');
  }

  #answer(
    connection: Connection,
    { id }: ClientFrameOf<'room.join'>,
    room: Room,
    member: RoomMember,
    { joined, missed }: { joined: ChatJoined; missed: readonly { frame: Buffer }[] },
  ): void {
    const { delivery } = this.#deps;
    const { info, at, recovered, messages, more } = joined;
    const roster = withJoiner(joined.roster, connection);
    const frame = {
      t: 'room.joined',
      id,
      room: room.id,
      info: { ...info, count: roster.count },
      at,
      recovered,
      messages,
      more,
      roster,
    } as const;
    delivery.reliable(connection, textFrame(encodeServerFrame(frame)));
    for (const message of missed) delivery.reliable(connection, message.frame);
    for (const held of member.held) delivery.reliable(connection, held);
    if (member.heldLost) room.refreshRoster(connection);
    member.held = [];
    member.heldLost = false;
    member.isLive = true;
  }

  /** After a join that failed the client is not in the room; it joins again from its own position. */
  #undo(connection: Connection, id: string, member: RoomMember, wasMember: boolean): void {
    this.#remove(connection, id, member);
    if (wasMember) this.#presence.left(id, connection);
  }

  #leave(connection: Connection, id: number, roomName: string): void {
    const member = connection.rooms?.get(roomName);
    if (member !== undefined) {
      this.#remove(connection, roomName, member);
      this.#presence.left(roomName, connection);
    }
    this.#deps.delivery.send(connection, { t: 'ok', id });
  }

  #remove(connection: Connection, id: string, member: RoomMember): void {
    connection.rooms?.delete(id);
    const room = this.#rooms.get(id);
    if (room === undefined) return;
    room.members.delete(member);
    this.#rooms.release(room);
  }
}

/** Chat hears of a joiner a little later; the joiner is there now. */
function withJoiner(roster: Roster, { user, name }: Connection): Roster {
  const { people, count, isComplete } = roster;
  if (people.some((person) => person.user === user)) return roster;
  // A sample without the joiner does not say whether the joiner is counted.
  return { people: [...people, { user, name }], count: isComplete ? count + 1 : count, isComplete };
}
