/** What an edge sends as JSON text. Clients drop unknown fields and unknown frames, so that servers can grow. */

import { type ErrorCode, isErrorCode } from './errors.ts';
import { parseJson } from './json.ts';
import { position } from './position.ts';
import {
  array,
  boolean,
  type Decoded,
  DecodeError,
  type DecodeResult,
  type Decoder,
  decode,
  describe,
  int,
  json,
  literal,
  loose,
  optional,
  string,
  tagged,
} from './shape.ts';

const requestId = int(0, 0xffff_ffff);
const text = string({ maxLength: 65_536 });

/** A stored message. `seq` rises within a room, with holes; `prev` is the seq before it in this room, 0 at the start. */
const messageFields = {
  seq: int(1),
  prev: int(0),
  stamp: text,
  time: int(0),
  user: text,
  name: text,
  msg: text,
  text,
};
export const message = loose(messageFields);
export type Message = Decoded<typeof message>;

export const person = loose({ user: text, name: text });
export type Person = Decoded<typeof person>;

export const roomInfo = loose({ room: text, title: text, kind: text, count: optional(int(0)) });
export type RoomInfo = Decoded<typeof roomInfo>;

/** `state` is one of starting, running, sleeping, ended, failed; `pod` is the simulation process that hosts it. */
export const gameInfo = loose({
  game: text,
  type: text,
  title: text,
  players: int(0),
  maxPlayers: int(0),
  pod: optional(text),
  /** Where that process runs: its Kubernetes node. */
  node: optional(text),
  epoch: int(0),
  state: text,
});
export type GameInfo = Decoded<typeof gameInfo>;

/** Who is in a room. Above the roster limit `people` is a sample and `count` the truth. */
export const roster = loose({ count: int(0), people: array(person, 10_000), isComplete: boolean() });
export type Roster = Decoded<typeof roster>;

/** A code that a newer server added is `internal` here. */
const errorCode: Decoder<ErrorCode> = describe(
  (value): ErrorCode => {
    if (isErrorCode(value)) return value;
    if (typeof value === 'string') return 'internal';
    throw new DecodeError('must be a string');
  },
  { expects: 'error code' },
);

const page = { messages: array(message, 10_000), more: boolean() };

const frames = {
  welcome: loose({
    t: literal('welcome'),
    version: int(1),
    session: text,
    user: text,
    name: text,
    edge: text,
    /** Unix ms by the edge's clock. */
    time: int(0),
    /** An idle client must send something at least this often. */
    pingMs: int(1),
    tokenExpiresAt: int(0),
    limits: loose({
      maxFrameBytes: int(1),
      maxTextBytes: int(1),
      /** Frames that this connection may send: in the long run, and at once. */
      framesPerSecond: optional(int(1)),
      frameBurst: optional(int(1)),
      /** Requests without an answer, above which the edge reads no further. */
      maxInFlight: optional(int(1)),
    }),
  }),
  pong: loose({ t: literal('pong'), id: requestId, time: int(0) }),
  ok: loose({ t: literal('ok'), id: requestId }),
  error: loose({
    t: literal('error'),
    id: optional(requestId),
    code: errorCode,
    message: text,
    retryAfterMs: optional(int(0)),
    room: optional(text),
    game: optional(text),
  }),
  /** The edge goes away: open a new socket after `inMs`, resume there, then close this one. */
  move: loose({ t: literal('move'), inMs: int(0) }),
  lobby: loose({
    t: literal('lobby'),
    id: optional(requestId),
    games: array(gameInfo, 10_000),
    rooms: array(roomInfo, 10_000),
    types: array(text, 1_000),
  }),
  /** Changes since the last `lobby` or `lobby.change`; the newest entry of a game or room replaces the older. */
  'lobby.change': loose({
    t: literal('lobby.change'),
    games: array(gameInfo, 10_000),
    rooms: array(roomInfo, 10_000),
    goneGames: array(text, 10_000),
    goneRooms: array(text, 10_000),
    types: optional(array(text, 1_000)),
  }),
  /** XP of a user over all games; without `id` one's own, which has risen. */
  'people.xp': loose({ t: literal('people.xp'), id: optional(requestId), user: text, total: int(0) }),
  'room.list': loose({ t: literal('room.list'), id: requestId, rooms: array(roomInfo, 10_000) }),
  'room.created': loose({ t: literal('room.created'), id: requestId, info: roomInfo }),
  'room.joined': loose({
    t: literal('room.joined'),
    id: requestId,
    room: text,
    info: roomInfo,
    at: position,
    /** True: `messages` is everything after the position that the join stated. False: it is the latest page. */
    recovered: boolean(),
    ...page,
    roster,
  }),
  'room.sent': loose({
    t: literal('room.sent'),
    id: requestId,
    room: text,
    msg: text,
    seq: int(1),
    time: int(0),
  }),
  'room.page': loose({ t: literal('room.page'), id: requestId, room: text, ...page }),
  'room.message': loose({ t: literal('room.message'), room: text, ...messageFields }),
  /** What was missed cannot be had any more: replace everything by this page. */
  'room.reset': loose({ t: literal('room.reset'), room: text, at: position, ...page }),
  'room.people': loose({
    t: literal('room.people'),
    room: text,
    count: int(0),
    joined: optional(array(person, 10_000)),
    left: optional(array(text, 10_000)),
    /** In place of changes: the whole roster anew. */
    roster: optional(roster),
  }),
  'room.typing': loose({ t: literal('room.typing'), room: text, user: text, name: text, on: boolean() }),
  'game.list': loose({ t: literal('game.list'), id: requestId, games: array(gameInfo, 10_000) }),
  'game.created': loose({ t: literal('game.created'), id: requestId, info: gameInfo, isNew: boolean() }),
  /** A binary state record with this `handle` follows. `pid` is absent for spectators. */
  'game.joined': loose({
    t: literal('game.joined'),
    id: requestId,
    game: text,
    join: int(0),
    handle: int(0),
    pid: optional(int(1)),
    /** Number of the last command of this player that was applied. */
    ack: int(0),
    epoch: int(1),
    seq: int(1),
    pod: text,
    schema: json(),
    /** The game shows its state before it is stored: after a change of owner it may be older than what was shown. */
    volatile: optional(literal(true)),
  }),
  /** The game goes on in a new version of its type: a binary state of this schema with this `handle` follows. */
  'game.schema': loose({ t: literal('game.schema'), game: text, handle: int(0), schema: json() }),
  /** Another process hosts the game from now on; no state was lost, unless the game is volatile. */
  'game.owner': loose({ t: literal('game.owner'), game: text, epoch: int(1), pod: text }),
  'game.ended': loose({ t: literal('game.ended'), game: text, reason: text }),
};

export type ServerFrame = Decoded<(typeof frames)[keyof typeof frames]>;
export type ServerFrameOf<T extends ServerFrame['t']> = Extract<ServerFrame, { t: T }>;
export const SERVER_FRAME_TYPES = Object.keys(frames) as readonly ServerFrame['t'][];

export const serverFrame = tagged('t', frames) as Decoder<ServerFrame>;

/** Total over any text. An unknown `t` is an error whose path is `t`: clients skip such a frame. */
export function decodeServerFrame(source: string): DecodeResult<ServerFrame> {
  return decode((value) => serverFrame(parseJson(value as string, 64)), source);
}

export function encodeServerFrame(frame: ServerFrame): string {
  return JSON.stringify(frame);
}
