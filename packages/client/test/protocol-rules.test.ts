import { Replica } from '@breakwater/game-kit/replica';
import { LIMITS } from '@breakwater/protocol';
import { eventually, type Stack, startStack } from '@breakwater/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { RawClient } from './raw-client.ts';

/** Rules of docs/protocol.md that a server keeps, held against the real one frame by frame. */
let stack: Stack;
let url: string;
let rooms = 0;

beforeAll(async () => {
  stack = await startStack({ edges: 2, simulations: 1 });
  url = stack.edgeUrls[0]!;
});
afterAll(() => stack?.stop());

const open = (user: string, at = url): Promise<RawClient> => RawClient.open(at, stack.token(user));

async function newRoom(client: RawClient): Promise<string> {
  const room = `rules-${++rooms}`;
  expect(await client.ask({ t: 'room.create', room })).toMatchObject({ t: 'room.created', info: { room } });
  return room;
}

/** The status and body with which an upgrade is refused. */
async function refusedUpgrade(path: string, protocols: string[]): Promise<{ status: number; error: string }> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}${path}`, protocols);
  return new Promise((resolve, reject) => {
    ws.once('open', () => reject(new Error('it was let in')));
    ws.once('error', () => undefined);
    ws.once('unexpected-response', (_, response) => {
      response.once('data', (data: Buffer) => {
        const { error } = JSON.parse(String(data)) as { error: string };
        resolve({ status: response.statusCode ?? 0, error });
      });
    });
  });
}

const ticket = async (): Promise<string> => {
  const headers = { authorization: `Bearer ${stack.token('ann')}` };
  const response = await fetch(`${url}/v1/ticket`, { method: 'POST', headers });
  return ((await response.json()) as { ticket: string }).ticket;
};

test('P-1, P-2, P-3: a handshake without subprotocol or credential, or with a token in the URL, gets no 101', async () => {
  const token = stack.token('ann');
  expect(await refusedUpgrade('/v1/ws', [])).toEqual({ status: 400, error: 'bad_request' });
  expect(await refusedUpgrade('/v1/ws', ['breakwater.v1'])).toEqual({ status: 401, error: 'unauthorized' });
  for (const name of ['token', 'access_token', 'jwt']) {
    const refused = await refusedUpgrade(`/v1/ws?${name}=${token}`, ['breakwater.v1']);
    expect(refused).toEqual({ status: 400, error: 'token_in_url' });
  }
  const expired = stack.token('ann', 'ann', { lifetimeSeconds: -10 });
  const late = await refusedUpgrade('/v1/ws', ['breakwater.v1', `breakwater.token.${expired}`]);
  expect(late).toEqual({ status: 401, error: 'token_expired' });
});

test('P-2: a ticket is good once, on any edge', async () => {
  const once = await ticket();
  const path = `/v1/ws?ticket=${encodeURIComponent(once)}`;
  const ws = new WebSocket(`${stack.edgeUrls[1]!.replace('http', 'ws')}${path}`, ['breakwater.v1']);
  const first = await new Promise((resolve) =>
    ws.once('message', (data: Buffer) => resolve(JSON.parse(String(data)))),
  );
  expect(first).toMatchObject({ t: 'welcome', user: 'ann' });
  expect(ws.protocol).toBe('breakwater.v1');
  expect(ws.extensions).toBe('');
  ws.terminate();
  expect(await refusedUpgrade(path, ['breakwater.v1'])).toEqual({ status: 401, error: 'ticket_refused' });
});

test('P-7: the first frame is welcome', async () => {
  using client = await open('ann');
  expect(client.frames[0]).toMatchObject({
    t: 'welcome',
    version: 1,
    user: 'ann',
    limits: { maxFrameBytes: 65_536 },
  });
});

test('P-8: a bad frame is answered and the socket lives; several in a row end it, as do binary and oversize ones', async () => {
  using client = await open('ann');
  for (const text of [
    'nonsense',
    '{"t":"ping","id":7,"extra":1}',
    '{"t":"ping","id":8,"id":8}',
    '{"t":"no.such","id":9}',
  ]) {
    client.ws.send(text);
  }
  await eventually(() => expect(client.of('error').length).toBe(4));
  expect(client.of('error').map(({ code, id }) => [code, id])).toEqual([
    ['bad_request', undefined],
    ['bad_request', 7],
    ['bad_request', 8],
    ['bad_request', 9],
  ]);
  expect(await client.ask({ t: 'ping' })).toMatchObject({ t: 'pong' });
  for (let index = 0; index < 50; index++) client.ws.send('nonsense');
  expect(await client.closeCode).toBe(4500);
  using binary = await open('ann');
  binary.ws.send(Uint8Array.of(1, 2, 3));
  expect(await binary.closeCode).toBe(1003);
  using large = await open('ann');
  large.ws.send('x'.repeat(LIMITS.maxFrameBytes + 1));
  expect(await large.closeCode).toBe(1009);
});

test('P-14, P-20, P-21: ids from the future and the far past are refused, another text under an id too', async () => {
  using client = await open('ann');
  const room = await newRoom(client);
  await client.ask({ t: 'room.join', room });
  const send = (msg: string, text = 'x', to = room) => client.ask({ t: 'room.send', room: to, msg, text });
  const future = RawClient.messageId(Date.now() + LIMITS.clockSkewMs + 30_000);
  expect(await send(future)).toMatchObject({ t: 'error', code: 'bad_request' });
  const past = RawClient.messageId(Date.now() - LIMITS.retryHorizonMs - 30_000);
  expect(await send(past)).toMatchObject({ t: 'error', code: 'expired' });
  const msg = RawClient.messageId();
  const first = await send(msg);
  expect(await send(msg)).toMatchObject({ t: 'room.sent', seq: first.t === 'room.sent' ? first.seq : -1 });
  expect(await send(msg, 'another')).toMatchObject({ t: 'error', code: 'id_reused' });
  const other = await newRoom(client);
  await client.ask({ t: 'room.join', room: other });
  expect(await send(msg, 'another', other)).toMatchObject({ t: 'room.sent' });
  expect(await send(RawClient.messageId(), 'é'.repeat(LIMITS.maxTextBytes / 2 + 1))).toMatchObject({
    code: 'too_large',
  });
});

test('P-15: reading and writing need a join; joining again is answered anew and doubles nothing', async () => {
  using client = await open('ann');
  const room = await newRoom(client);
  const early = await client.ask({ t: 'room.send', room, msg: RawClient.messageId(), text: 'x' });
  expect(early).toMatchObject({ t: 'error', code: 'not_joined' });
  for (let index = 0; index < 3; index++) {
    expect(await client.ask({ t: 'room.join', room })).toMatchObject({ t: 'room.joined', messages: [] });
  }
  const sent = await client.ask({ t: 'room.send', room, msg: RawClient.messageId(), text: 'once' });
  await eventually(() => expect(client.of('room.message').length).toBe(1));
  expect(client.of('room.message')[0]).toMatchObject({
    prev: 0,
    text: 'once',
    seq: sent.t === 'room.sent' ? sent.seq : -1,
  });
  expect(await client.ask({ t: 'room.leave', room })).toMatchObject({ t: 'ok' });
  expect(await client.ask({ t: 'room.leave', room })).toMatchObject({ t: 'ok' });
});

test('P-16: a position that is known gets everything after it, any other the latest page', async () => {
  using client = await open('ann');
  const room = await newRoom(client);
  const empty = await client.ask({ t: 'room.join', room });
  if (empty.t !== 'room.joined') throw new Error('not joined');
  for (const text of ['a', 'b', 'c', 'd']) {
    await client.ask({ t: 'room.send', room, msg: RawClient.messageId(), text });
  }
  await eventually(() => expect(client.of('room.message').length).toBe(4));
  const [, second] = client.of('room.message');
  const { epoch } = empty.at;
  using other = await open('bob', stack.edgeUrls[1]!);
  const join = async (at: { epoch: string; seq: number; stamp: string }) => {
    const answer = await other.ask({ t: 'room.join', room, at, limit: 3 });
    if (answer.t !== 'room.joined') throw new Error(JSON.stringify(answer));
    return [answer.recovered, answer.messages.map(({ text }) => text)];
  };
  expect(await join({ epoch, seq: second!.seq, stamp: second!.stamp })).toEqual([true, ['c', 'd']]);
  const latest = [false, ['b', 'c', 'd']];
  expect(await join({ epoch, seq: second!.seq, stamp: 'another' })).toEqual(latest);
  expect(await join({ epoch: 'another', seq: second!.seq, stamp: second!.stamp })).toEqual(latest);
  expect(await join({ epoch, seq: 1_000_000, stamp: second!.stamp })).toEqual(latest);
});

test('P-27 to P-37: a game gives joined, state, then deltas that follow; numbers go on over sessions', async () => {
  using client = await open('player');
  const created = await client.ask({ t: 'game.create', key: 'rules', type: 'world' });
  const again = await client.ask({ t: 'game.create', key: 'rules', type: 'world' });
  if (created.t !== 'game.created' || again.t !== 'game.created') throw new Error('not created');
  const { game } = created.info;
  expect([again.info.game, created.isNew, again.isNew]).toEqual([game, true, false]);
  const joined = await client.ask({ t: 'game.join', game, join: 10 });
  if (joined.t !== 'game.joined') throw new Error(JSON.stringify(joined));
  expect(joined).toMatchObject({ join: 10, ack: 0 });
  const replica = new Replica(joined.schema);
  const command = (n: number, name: string, args: Record<string, unknown>) =>
    client.ws.send(JSON.stringify({ t: 'game.command', game, n, name, args }));
  command(1, 'steer', { dx: 1, dy: 0 });
  command(1, 'steer', { dx: 9, dy: 0 });
  command(3, 'steer', { dx: 2, dy: 0 });
  command(2, 'fly', {});
  const rejects: unknown[] = [];
  replica.tables.get('$rejects')!.on({ event: (row) => rejects.push({ ...row }) });
  let shown = 0;
  const apply = (): number => {
    for (const frame of client.gameFrames.splice(0)) {
      const slice = frame.kind === 'delta' ? slices.get(frame.seq) : undefined;
      if (frame.kind === 'slice') slices.set(frame.seq, frame.slice);
      else if (frame.kind === 'state') replica.applyState(frame.shared, frame.slice);
      else {
        expect(frame.prev).toBe(shown);
        replica.applyDelta(frame.shared, slice);
      }
      if (frame.kind !== 'slice') shown = frame.seq;
    }
    return Number(replica.tables.get('$seats')!.rows.get(joined.pid!)?.ack ?? 0);
  };
  const slices = new Map<number, Uint8Array>();
  await eventually(() => expect(apply()).toBe(3));
  expect(rejects).toEqual([{ n: 2, reason: 'unknown_command' }]);
  expect(replica.tables.get('players')!.rows.get(joined.pid!)).toMatchObject({ dx: 2 });
  using second = await open('player', stack.edgeUrls[1]!);
  expect(await second.ask({ t: 'game.join', game, join: 11 })).toMatchObject({
    pid: joined.pid,
    ack: 3,
    join: 11,
  });
  const spectator = await second.ask({ t: 'game.join', game: 'no-such-game', join: 1, spectate: true });
  expect(spectator).toMatchObject({ t: 'error', code: 'game_not_found' });
});

test('P-49: own XP are told to each connection that watches, and anyone may ask for a total', async () => {
  using one = await open('earner');
  using other = await open('asker', stack.edgeUrls[1]!);
  for (const total of [one.ask({ t: 'people.watch' }), other.ask({ t: 'people.xp', user: 'earner' })])
    expect(await total).toMatchObject({ t: 'people.xp', user: 'earner', total: 0 });
  expect(await other.ask({ t: 'people.xp', user: 'no one' })).toMatchObject({ code: 'bad_request' });
  expect(other.of('people.xp')).toHaveLength(1);
});

test('P-43: a token for another user is not taken on the open socket', async () => {
  using client = await open('ann');
  expect(await client.ask({ t: 'auth', token: stack.token('ann') })).toMatchObject({ t: 'ok' });
  expect(await client.ask({ t: 'auth', token: stack.token('bob') })).toMatchObject({
    t: 'error',
    code: 'forbidden',
  });
  expect(await client.ask({ t: 'auth', token: 'nonsense' })).toMatchObject({
    t: 'error',
    code: 'unauthorized',
  });
  expect(await client.ask({ t: 'ping' })).toMatchObject({ t: 'pong' });
});
