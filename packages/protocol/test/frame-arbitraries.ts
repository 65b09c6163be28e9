import fc from 'fast-check';
import type { ClientFrame, ClientFrameOf, ErrorCode, ServerFrame, ServerFrameOf } from '../src/index.ts';
import { ERRORS, formatMessageId, LIMITS } from '../src/index.ts';

export const validId = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const requestId = fc.nat(0xffff_ffff);
const text = (max: number) =>
  fc
    .array(fc.integer({ min: 1, max: 0xffff }), { minLength: 1, maxLength: Math.min(max, 60) })
    .map((units) => String.fromCharCode(...units).toWellFormed());
const name = text(32);
const messageId = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9]{4,16}$/), fc.nat(2 ** 42), fc.nat(1_000_000))
  .map(([prefix, time, counter]) => formatMessageId(prefix, time, counter));
const limit = fc.integer({ min: 1, max: LIMITS.maxPageMessages });
const position = fc.record({ epoch: text(32), seq: fc.maxSafeNat(), stamp: text(32) });
const field = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,15}$/);
/** -0 becomes 0 in JSON, and keys with escapes are refused. */
const value = fc.oneof(
  fc.integer().map((number) => number + 0),
  fc.boolean(),
  name,
  fc.constant(null),
  fc.array(fc.nat(), { maxLength: 3 }),
);
const values = fc.dictionary(field, value, { maxKeys: 4, noNullPrototype: true });
const positive = fc.integer({ min: 1 });

type Generators<U extends { t: string }> = { readonly [T in U['t']]: fc.Arbitrary<Extract<U, { t: T }>> };
const t = <const T extends string>(type: T) => fc.constant(type);
const some = { noNullPrototype: true } as const;

const clientFrames: Generators<ClientFrame> = {
  ping: fc.record({ t: t('ping'), id: requestId }),
  auth: fc.record({ t: t('auth'), id: requestId, token: text(200) }),
  'lobby.watch': fc.record({ t: t('lobby.watch'), id: requestId }),
  'lobby.leave': fc.record({ t: t('lobby.leave'), id: requestId }),
  'people.xp': fc.record({ t: t('people.xp'), id: requestId, user: validId }),
  'people.watch': fc.record({ t: t('people.watch'), id: requestId }),
  'room.list': fc.record({ t: t('room.list'), id: requestId }),
  'room.create': fc.record(
    { t: t('room.create'), id: requestId, room: validId, title: text(64) },
    { ...some, requiredKeys: ['t', 'id', 'room'] },
  ),
  'room.join': fc.record(
    { t: t('room.join'), id: requestId, room: validId, at: position, limit },
    { ...some, requiredKeys: ['t', 'id', 'room'] },
  ),
  'room.leave': fc.record({ t: t('room.leave'), id: requestId, room: validId }),
  'room.send': fc.record(
    {
      t: t('room.send'),
      id: requestId,
      room: validId,
      msg: messageId,
      text: text(200),
      resend: fc.boolean(),
    },
    { ...some, requiredKeys: ['t', 'id', 'room', 'msg', 'text'] },
  ),
  'room.history': fc.record(
    { t: t('room.history'), id: requestId, room: validId, before: positive, limit },
    { ...some, requiredKeys: ['t', 'id', 'room'] },
  ),
  'room.typing': fc.record({ t: t('room.typing'), room: validId, on: fc.boolean() }),
  'game.list': fc.record(
    { t: t('game.list'), id: requestId, type: validId },
    { ...some, requiredKeys: ['t', 'id'] },
  ),
  'game.create': fc.record(
    { t: t('game.create'), id: requestId, key: validId, type: validId, title: text(64), options: values },
    { ...some, requiredKeys: ['t', 'id', 'key', 'type'] },
  ),
  'game.quick': fc.record({ t: t('game.quick'), id: requestId, key: validId, type: validId }),
  'game.join': fc.record(
    {
      t: t('game.join'),
      id: requestId,
      game: validId,
      join: positive,
      spectate: fc.boolean(),
      shown: fc.tuple(fc.nat(), fc.nat()) as fc.Arbitrary<number[]>,
    },
    { ...some, requiredKeys: ['t', 'id', 'game', 'join'] },
  ),
  'game.leave': fc.record({ t: t('game.leave'), id: requestId, game: validId }),
  'game.command': fc.record(
    { t: t('game.command'), game: validId, n: positive, name: validId, args: values },
    { ...some, requiredKeys: ['t', 'game', 'n', 'name'] },
  ),
};

const person = fc.record({ user: name, name }, some);
const people = fc.array(person, { maxLength: 3 });
const roster = fc.record({ count: fc.nat(), people, isComplete: fc.boolean() }, some);
const stored = {
  seq: positive,
  prev: fc.nat(),
  stamp: name,
  time: fc.nat(),
  user: name,
  name,
  msg: name,
  text: name,
};
const page = { messages: fc.array(fc.record(stored, some), { maxLength: 3 }), more: fc.boolean() };
const roomInfo = fc.record(
  { room: name, title: name, kind: name, count: fc.nat() },
  { ...some, requiredKeys: ['room', 'title', 'kind'] },
);
const gameInfo = fc.record(
  {
    game: name,
    type: name,
    title: name,
    players: fc.nat(),
    maxPlayers: fc.nat(),
    pod: name,
    epoch: fc.nat(),
    state: name,
  },
  { ...some, requiredKeys: ['game', 'type', 'title', 'players', 'maxPlayers', 'epoch', 'state'] },
);
const rooms = fc.array(roomInfo, { maxLength: 3 });
const games = fc.array(gameInfo, { maxLength: 3 });
const names = fc.array(name, { maxLength: 3 });
const code = fc.constantFrom(...(Object.keys(ERRORS) as ErrorCode[]));

const serverFrames: Generators<ServerFrame> = {
  welcome: fc.record({
    t: t('welcome'),
    version: positive,
    session: name,
    user: name,
    name,
    edge: name,
    time: fc.nat(),
    pingMs: positive,
    tokenExpiresAt: fc.nat(),
    limits: fc.record({ maxFrameBytes: positive, maxTextBytes: positive }, some),
  }),
  pong: fc.record({ t: t('pong'), id: requestId, time: fc.nat() }),
  ok: fc.record({ t: t('ok'), id: requestId }),
  error: fc.record(
    { t: t('error'), id: requestId, code, message: name, retryAfterMs: fc.nat(), room: name, game: name },
    { ...some, requiredKeys: ['t', 'code', 'message'] },
  ),
  move: fc.record({ t: t('move'), inMs: fc.nat() }),
  lobby: fc.record(
    { t: t('lobby'), id: requestId, games, rooms, types: names },
    { ...some, requiredKeys: ['t', 'games', 'rooms', 'types'] },
  ),
  'lobby.change': fc.record({
    t: t('lobby.change'),
    games,
    rooms,
    goneGames: names,
    goneRooms: names,
    types: names,
  }),
  'people.xp': fc.record(
    { t: t('people.xp'), id: requestId, user: validId, total: fc.maxSafeNat() },
    { ...some, requiredKeys: ['t', 'user', 'total'] },
  ),
  'room.list': fc.record({ t: t('room.list'), id: requestId, rooms }),
  'room.created': fc.record({ t: t('room.created'), id: requestId, info: roomInfo }),
  'room.joined': fc.record({
    t: t('room.joined'),
    id: requestId,
    room: name,
    info: roomInfo,
    at: position,
    recovered: fc.boolean(),
    ...page,
    roster,
  }),
  'room.sent': fc.record({
    t: t('room.sent'),
    id: requestId,
    room: name,
    msg: name,
    seq: positive,
    time: fc.nat(),
  }),
  'room.page': fc.record({ t: t('room.page'), id: requestId, room: name, ...page }),
  'room.message': fc.record({ t: t('room.message'), room: name, ...stored }),
  'room.reset': fc.record({ t: t('room.reset'), room: name, at: position, ...page }),
  'room.people': fc.record(
    { t: t('room.people'), room: name, count: fc.nat(), joined: people, left: names, roster },
    { ...some, requiredKeys: ['t', 'room', 'count'] },
  ),
  'room.typing': fc.record({ t: t('room.typing'), room: name, user: name, name, on: fc.boolean() }),
  'game.list': fc.record({ t: t('game.list'), id: requestId, games }),
  'game.created': fc.record({ t: t('game.created'), id: requestId, info: gameInfo, isNew: fc.boolean() }),
  'game.joined': fc.record({
    t: t('game.joined'),
    id: requestId,
    game: name,
    join: fc.nat(),
    handle: fc.nat(),
    pid: positive,
    ack: fc.nat(),
    epoch: positive,
    seq: positive,
    pod: name,
    schema: fc.constant({ type: 'world', tables: [] }) as fc.Arbitrary<unknown>,
  }),
  'game.schema': fc.record({
    t: t('game.schema'),
    game: name,
    handle: fc.nat(),
    schema: fc.constant({ type: 'world', tables: [] }) as fc.Arbitrary<unknown>,
  }),
  'game.owner': fc.record({ t: t('game.owner'), game: name, epoch: positive, pod: name }),
  'game.ended': fc.record({ t: t('game.ended'), game: name, reason: name }),
};

export const clientFrame = fc.oneof(...(Object.values(clientFrames) as fc.Arbitrary<ClientFrame>[]));
export const serverFrame = fc.oneof(...(Object.values(serverFrames) as fc.Arbitrary<ServerFrame>[]));
export const clientFrameOf = <T extends ClientFrame['t']>(type: T) =>
  clientFrames[type] as unknown as fc.Arbitrary<ClientFrameOf<T>>;
export const serverFrameOf = <T extends ServerFrame['t']>(type: T) =>
  serverFrames[type] as unknown as fc.Arbitrary<ServerFrameOf<T>>;
