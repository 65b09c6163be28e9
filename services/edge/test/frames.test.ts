import { eventually } from '@breakwater/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestClient } from './client.ts';
import { clientFrame, handshakeText, openRaw, RawSocket } from './raw.ts';
import { type TestEdge, tokenFor, World } from './world.ts';

let world: World;
let edge: TestEdge;
let witness: TestClient;
const unhandled: unknown[] = [];
const onUnhandled = (cause: unknown) => unhandled.push(cause);

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  process.on('uncaughtException', onUnhandled);
  world = await World.start();
  edge = await world.startEdge({
    env: {
      BREAKWATER_EDGE_MAX_CONNECTIONS_PER_USER: '100',
      BREAKWATER_EDGE_USER_FRAMES_PER_SECOND: '5000',
      BREAKWATER_EDGE_USER_FRAME_BURST: '5000',
    },
  });
  witness = await edge.open('witness');
});

/** Whatever one client does, the others notice nothing. */
afterEach(async () => {
  expect(witness.closed).toBeUndefined();
  await witness.request('pong', { t: 'ping' });
  expect(unhandled).toEqual([]);
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  process.off('unhandledRejection', onUnhandled);
  process.off('uncaughtException', onUnhandled);
});

describe('frames that are not valid', () => {
  it.each([
    ['empty', ''],
    ['not JSON', 'hello'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a string', '"x"'],
    ['a number', '1e999'],
    ['with a byte order mark', '\ufeff{"t":"ping","id":1}'],
    ['of no type', '{"id":1}'],
    ['of an unknown type', '{"t":"root","id":1}'],
    ['of a type that every object has', '{"t":"constructor","id":1}'],
    ['with an unknown field', '{"t":"ping","id":1,"admin":true}'],
    ['with __proto__', '{"t":"ping","id":1,"__proto__":{"admin":true}}'],
    ['with constructor.prototype', '{"t":"ping","id":1,"constructor":{"prototype":{"admin":true}}}'],
    ['with a field twice', '{"t":"ping","id":1,"id":2}'],
    ['with an escaped field', '{"t":"ping","i\\u0064":1}'],
    ['with a huge id', '{"t":"ping","id":9007199254740993}'],
    ['with an infinite id', '{"t":"ping","id":1e999}'],
    ['with id -0', '{"t":"ping","id":-0}'],
    [
      'with a lone surrogate',
      '{"t":"room.send","id":1,"room":"general","msg":"abcd-00000000-1","text":"\\ud800"}',
    ],
    ['with NUL', '{"t":"room.send","id":1,"room":"general","msg":"abcd-00000000-1","text":"a\\u0000b"}'],
    ['5,000 deep', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
    ['64 KB of [', '['.repeat(65_536)],
  ])(
    'are answered bad_request without an echo when they are %s (faults 1, 7, 8, 9, 10)',
    async (_what, text) => {
      await using client = await edge.open();
      client.ws.send(text);
      await eventually(() => client.of('error').length === 1);
      const [error] = client.of('error');
      expect(error).toMatchObject({ code: 'bad_request' });
      if (text.length > 12) expect(JSON.stringify(error)).not.toContain(text.slice(2, 60));
      expect(({} as { admin?: boolean }).admin).toBeUndefined();
      await client.request('pong', { t: 'ping' });
    },
  );

  it('close the connection with 4500 when too many come in a row, and not when good ones come between (fault 1)', async () => {
    await using patient = await edge.open();
    for (let count = 0; count < 12; count++) {
      patient.ws.send('{');
      if (count % 4 === 3) await patient.request('pong', { t: 'ping' });
    }
    expect(patient.of('error')).toHaveLength(12);
    expect(patient.closed).toBeUndefined();
    for (let count = 0; count < 5; count++) patient.ws.send('{');
    expect((await patient.closing()).code).toBe(4500);
  });

  it('answer with the id of the request where it can be read', async () => {
    await using client = await edge.open();
    client.ws.send('{"t":"room.join","id":77,"room":"*"}');
    await eventually(() => client.of('error').length === 1);
    expect(client.of('error')[0]).toMatchObject({ id: 77, code: 'bad_request' });
  });

  it.each(['*', '>', 'a.b', '..', 'a b', 'x\r\nPUB x 0', 'é', '', 'x'.repeat(300)])(
    'include ids that would change a subject: %j (fault 11)',
    async (id) => {
      await using client = await edge.open();
      let heard = 0;
      const subscription = world.bus.subscribe('room.>', {}, () => {
        heard += 1;
      });
      const frames = [
        { t: 'room.join', room: id },
        { t: 'room.send', room: id, msg: 'abcd-00000000-1', text: 'x' },
        { t: 'game.join', game: id, join: 1 },
        { t: 'room.create', room: id },
      ];
      for (const frame of frames)
        expect(await client.ask(frame)).toMatchObject({ t: 'error', code: 'bad_request' });
      subscription.unsubscribe();
      expect(heard).toBe(0);
    },
  );

  it('close with 1003 when they are binary (fault 2)', async () => {
    await using client = await edge.open();
    client.ws.send(Buffer.from('{"t":"ping","id":1}'));
    expect((await client.closing()).code).toBe(1003);
    expect(client.of('pong')).toEqual([]);
  });
});

describe('framing that is not valid', () => {
  it.each([
    ['invalid UTF-8', () => clientFrame(Buffer.from([0xff, 0xfe])), 1007],
    ['an unmasked frame', () => clientFrame('x', { masked: false }), 1002],
    ['a reserved bit', () => clientFrame('x', { rsv: 4 }), 1002],
    ['opcode 3', () => clientFrame('x', { opcode: 3 }), 1002],
    ['a fragmented ping', () => clientFrame('x', { opcode: 9, fin: false }), 1002],
    ['a continuation of nothing', () => clientFrame('x', { opcode: 0 }), 1002],
    ['a length of 2^53 (fault 4)', () => clientFrame('x', { claimedLength: 1n << 53n }), 1009],
    ['one byte over the limit (fault 4)', () => clientFrame(Buffer.alloc(65_537, 0x20)), 1009],
    [
      'empty fragments without end (fault 5)',
      () =>
        Buffer.concat([
          clientFrame('', { fin: false }),
          ...Array.from({ length: 500 }, () => clientFrame('', { opcode: 0, fin: false })),
        ]),
      1008,
    ],
  ] as [string, () => Buffer, number][])('ends the connection: %s (fault 3)', async (_what, make, code) => {
    await using raw = await openRaw(edge.port, await tokenFor());
    raw.write(make());
    await eventually(() => raw.closeCode === code, { message: `close code ${code}, got ${raw.closeCode}` });
  });
});

describe('frames that are valid', () => {
  it('may be as large as the limit (fault 4)', async () => {
    await using raw = await openRaw(edge.port, await tokenFor());
    const ping = '{"t":"ping","id":5}';
    raw.write(clientFrame(ping + ' '.repeat(65_536 - ping.length)));
    await eventually(() => raw.text.includes('"t":"pong","id":5'));
  });

  it('may come in fragments and byte by byte (fault 5)', async () => {
    await using raw = await openRaw(edge.port, await tokenFor());
    const bytes = Buffer.concat([
      clientFrame('{"t":"pi', { fin: false }),
      clientFrame('ng","id', { opcode: 0, fin: false }),
      clientFrame('":6}', { opcode: 0 }),
    ]);
    raw.tcp.setNoDelay(true);
    for (const byte of bytes) {
      raw.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => raw.text.includes('"t":"pong","id":6'));
  });

  it('may be in the packet of the handshake, and are handled once and in order (fault 15)', async () => {
    await using raw = new RawSocket(edge.port);
    const early = [1, 2, 3].map((id) => clientFrame(`{"t":"ping","id":${id}}`));
    raw.write(Buffer.concat([Buffer.from(handshakeText(await tokenFor())), ...early]));
    await eventually(() => raw.text.includes('"id":3'));
    const kinds = [...raw.text.matchAll(/"t":"(welcome|pong)"(?:,"id":(\d))?/g)].map(
      (match) => match[2] ?? match[1],
    );
    expect(kinds).toEqual(['welcome', '1', '2', '3']);
  });

  it('with texts of every alphabet arrive as they were sent (fault 10)', async () => {
    await using client = await edge.open();
    await client.request('room.joined', { t: 'room.join', room: 'texts' });
    const texts = [
      '😀 👩‍👩‍👧',
      '\u202eabc',
      '<script>alert(1)</script>',
      '\u001b[31mred',
      'a\r\nPUB x 0\r\n',
      '𝔘𝔫𝔦',
      'ß'.normalize('NFD'),
    ];
    for (const [index, text] of texts.entries()) {
      await client.request('room.sent', {
        t: 'room.send',
        room: 'texts',
        msg: `abcd-00000000-${index}`,
        text,
      });
    }
    await eventually(() => client.texts('texts').length === texts.length);
    expect(client.texts('texts')).toEqual(texts);
  });
});

describe('a flood (fault 16)', () => {
  it('of one moment is answered, not punished, and what was refused can be sent again', async () => {
    const brisk = await world.startEdge({
      env: { BREAKWATER_EDGE_FRAMES_PER_SECOND: '2', BREAKWATER_EDGE_FRAME_BURST: '20' },
    });
    await using client = await brisk.open('brisk');
    expect(client.of('welcome')[0]?.limits).toMatchObject({ framesPerSecond: 2, frameBurst: 20 });
    await client.request('room.joined', { t: 'room.join', room: 'brisk' });
    for (let n = 1; n <= 300; n++) client.send({ t: 'game.command', game: 'none', n, name: 'steer' });
    client.send({ t: 'room.typing', room: 'brisk', on: true });
    await eventually(() => client.of('error').length === 301);
    const limited = client.of('error').filter(({ code }) => code === 'rate_limited');
    expect(limited.length).toBeGreaterThan(200);
    expect(limited[0]).toMatchObject({ game: 'none', retryAfterMs: expect.any(Number) });
    expect(limited.at(-1)).toMatchObject({ room: 'brisk', retryAfterMs: expect.any(Number) });
    await eventually(async () => (await client.ask({ t: 'ping' })).t === 'pong', { intervalMs: 600 });
    expect(client.closed).toBeUndefined();
  });

  it('that goes on is throttled with an answer for each frame, then ended with 4529', async () => {
    const flooded = await world.startEdge({
      env: {
        BREAKWATER_EDGE_FRAMES_PER_SECOND: '10',
        BREAKWATER_EDGE_FRAME_BURST: '20',
        BREAKWATER_EDGE_MAX_THROTTLED: '5',
        BREAKWATER_EDGE_THROTTLE_GRACE_MS: '200',
      },
    });
    await using other = await flooded.open('other');
    await using client = await flooded.open('flooder');
    let id = 0;
    const flooding = setInterval(() => {
      for (let frame = 0; frame < 5; frame++) client.send({ t: 'ping', id: ++id });
    }, 20);
    expect((await client.closing()).code).toBe(4529);
    clearInterval(flooding);
    const limited = client.of('error');
    expect(limited.length).toBeGreaterThan(10);
    expect(limited[0]).toMatchObject({
      code: 'rate_limited',
      id: expect.any(Number),
      retryAfterMs: expect.any(Number),
    });
    expect(client.of('pong').length).toBeGreaterThanOrEqual(20);
    await other.request('pong', { t: 'ping' });
    expect(await flooded.metric('breakwater_edge_connections_closed_total', '4529')).toBe(1);
  });

  it('of all connections of a user counts as one', async () => {
    const flooded = await world.startEdge({
      env: { BREAKWATER_EDGE_USER_FRAMES_PER_SECOND: '1', BREAKWATER_EDGE_USER_FRAME_BURST: '10' },
    });
    const clients = await Promise.all([1, 2, 3].map(() => flooded.open('ann')));
    for (const client of clients) for (let id = 1; id <= 6; id++) client.send({ t: 'ping', id });
    await eventually(() => clients.flatMap((client) => client.frames).length === 3 + 18);
    expect(clients.flatMap((client) => client.of('pong'))).toHaveLength(10);
    expect(clients.flatMap((client) => client.of('error'))).toHaveLength(8);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });
});

describe('requests', () => {
  it('of one connection are bounded while chat is slow, and all are answered', async () => {
    const bounded = await world.startEdge({
      env: { BREAKWATER_EDGE_MAX_IN_FLIGHT: '2', BREAKWATER_EDGE_FRAME_BURST: '100' },
    });
    await using client = await bounded.open();
    const gate = Promise.withResolvers<void>();
    world.chat.beforeJoinAnswer = () => gate.promise;
    for (let id = 1; id <= 20; id++) client.send({ t: 'room.join', id, room: `slow-${id}` });
    await eventually(() => client.of('error').length > 0);
    world.chat.beforeJoinAnswer = async () => undefined;
    gate.resolve();
    await eventually(() => client.of('error').length + client.of('room.joined').length === 20);
    expect(client.of('error').every((error) => error.code === 'busy')).toBe(true);
    expect(client.of('room.joined').length).toBeGreaterThanOrEqual(8);
    await client.request('pong', { t: 'ping' });
  });

  it('that fail inside are answered, counted, and end nothing (fault 19)', async () => {
    await using client = await edge.open();
    await client.request('room.joined', { t: 'room.join', room: 'general' });
    world.chat.refuseSends = 'some_code_that_nobody_knows';
    const unknown = await client.ask({ t: 'room.send', room: 'general', msg: 'abcd-00000000-1', text: 'x' });
    expect(unknown).toMatchObject({ t: 'error', code: 'internal', room: 'general' });
    world.chat.refuseSends = 'id_reused';
    const known = await client.ask({ t: 'room.send', room: 'general', msg: 'abcd-00000000-1', text: 'x' });
    expect(known).toMatchObject({ t: 'error', code: 'id_reused' });
    world.chat.refuseSends = undefined;
    expect(await edge.metric('breakwater_edge_requests_total', 'outcome="internal"')).toBe(1);
  });
});

describe('a token', () => {
  it('can be renewed on the open connection, for the same user only', async () => {
    await using client = await edge.open('ann', { token: await tokenFor({ user: 'ann', expiresInS: 3 }) });
    const foreign = await client.ask({ t: 'auth', token: await tokenFor({ user: 'bea' }) });
    expect(foreign).toMatchObject({ t: 'error', code: 'forbidden' });
    expect(await client.ask({ t: 'auth', token: 'nonsense' })).toMatchObject({
      t: 'error',
      code: 'unauthorized',
    });
    await client.request('ok', { t: 'auth', token: await tokenFor({ user: 'ann', expiresInS: 600 }) });
    await using short = await edge.open('bea', { token: await tokenFor({ user: 'bea', expiresInS: 2 }) });
    expect((await short.closing()).code).toBe(4401);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(client.closed).toBeUndefined();
  });
});
