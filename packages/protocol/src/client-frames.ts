/** What a client may send: JSON text, one object a frame, told apart by `t`. Unknown fields are refused. */

import { id, messageId } from './ids.ts';
import { parseJson } from './json.ts';
import { LIMITS } from './limits.ts';
import { strictPosition } from './position.ts';
import {
  array,
  boolean,
  type Decoded,
  type DecodeResult,
  type Decoder,
  decode,
  int,
  json,
  literal,
  optional,
  record,
  strict,
  string,
  tagged,
} from './shape.ts';

/** A request's number, chosen by the client, echoed in the answer. */
const requestId = int(0, 0xffff_ffff);
const text = string({ minLength: 1, maxLength: LIMITS.maxTextBytes });
const title = string({ minLength: 1, maxLength: LIMITS.maxTitleLength });
/** The caller's own name for a creation: a retry with the same key finds the same room or game. */
const key = id;
const pageLimit = int(1, LIMITS.maxPageMessages);

const frames = {
  ping: strict({ t: literal('ping'), id: requestId }),
  auth: strict({ t: literal('auth'), id: requestId, token: string({ minLength: 1, maxLength: 8_192 }) }),
  'lobby.watch': strict({ t: literal('lobby.watch'), id: requestId }),
  'lobby.leave': strict({ t: literal('lobby.leave'), id: requestId }),
  'people.xp': strict({ t: literal('people.xp'), id: requestId, user: id }),
  'people.watch': strict({ t: literal('people.watch'), id: requestId }),
  'room.list': strict({ t: literal('room.list'), id: requestId }),
  'room.create': strict({ t: literal('room.create'), id: requestId, room: id, title: optional(title) }),
  'room.join': strict({
    t: literal('room.join'),
    id: requestId,
    room: id,
    at: optional(strictPosition),
    limit: optional(pageLimit),
  }),
  'room.leave': strict({ t: literal('room.leave'), id: requestId, room: id }),
  'room.send': strict({
    t: literal('room.send'),
    id: requestId,
    room: id,
    msg: messageId,
    text,
    resend: optional(boolean()),
  }),
  'room.history': strict({
    t: literal('room.history'),
    id: requestId,
    room: id,
    before: optional(int(1)),
    limit: optional(pageLimit),
  }),
  'room.typing': strict({ t: literal('room.typing'), room: id, on: boolean() }),
  'game.list': strict({ t: literal('game.list'), id: requestId, type: optional(id) }),
  'game.create': strict({
    t: literal('game.create'),
    id: requestId,
    key,
    type: id,
    title: optional(title),
    options: optional(record(json(), 32)),
  }),
  'game.quick': strict({ t: literal('game.quick'), id: requestId, key, type: id }),
  'game.join': strict({
    t: literal('game.join'),
    id: requestId,
    game: id,
    /** Rises with each join of this player, across sessions; the answer echoes it. */
    join: int(1),
    spectate: optional(boolean()),
    /** `[epoch, seq]` of the newest state this client was shown: nothing older is sent to it. */
    shown: optional(array(int(0), 2, 2)),
  }),
  'game.leave': strict({ t: literal('game.leave'), id: requestId, game: id }),
  'game.command': strict({
    t: literal('game.command'),
    game: id,
    /** Numbered without holes from 1 for each player and game. */
    n: int(1),
    name: id,
    args: optional(record(json(), 32)),
  }),
};

export type ClientFrame = Decoded<(typeof frames)[keyof typeof frames]>;
export type ClientFrameOf<T extends ClientFrame['t']> = Extract<ClientFrame, { t: T }>;

export const clientFrame = tagged('t', frames) as Decoder<ClientFrame>;
export const CLIENT_FRAME_TYPES = Object.keys(frames) as readonly ClientFrame['t'][];

/** Total over any text; refuses unknown fields, deep nesting, repeated keys. */
export function decodeClientFrame(source: string): DecodeResult<ClientFrame> {
  return decode((value) => clientFrame(parseJson(value as string, LIMITS.maxNesting)), source);
}

export function encodeClientFrame(frame: ClientFrame): string {
  return JSON.stringify(frame);
}

/** The number of the request inside a frame that was not taken, if it is JSON with a valid one; for the answer. */
export function requestIdOf(source: string): number | undefined {
  try {
    return requestId((JSON.parse(source) as { id?: unknown } | null)?.id);
  } catch {
    return undefined;
  }
}
