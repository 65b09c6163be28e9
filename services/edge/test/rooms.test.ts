import { roomId } from '@breakwater/bus';
import { eventually, type FaultProxy, startProxy } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestClient } from './client.ts';
import { type TestEdge, World } from './world.ts';

let world: World;
let edge: TestEdge;
/** The same, but its NATS link can be cut. */
let cutEdge: TestEdge;
let link: FaultProxy;
let rooms = 0;

beforeAll(async () => {
  world = await World.start();
  link = await startProxy(world.nats.url);
  edge = await world.startEdge();
  cutEdge = await world.startEdge({ natsUrl: link.url, env: { BREAKWATER_EDGE_TAIL_CHECK_MS: '600000' } });
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await link?.close();
});

function freshRoom(): string {
  rooms += 1;
  return `room-${rooms}`;
}

const join = (client: TestClient, room: string, more: Record<string, unknown> = {}) =>
  client.request('room.joined', { t: 'room.join', room, ...more });

const msg = (n: number) => `abcd-00000000-${n.toString(36)}`;

/** What a client shows of a room: pages replace, messages follow. */
function shown(client: TestClient, room: string): string[] {
  let texts: string[] = [];
  let seq = 0;
  for (const frame of client.frames) {
    if (!('room' in frame) || frame.room !== room) continue;
    if (frame.t === 'room.joined' || frame.t === 'room.reset') {
      const isMore = frame.t === 'room.joined' && frame.recovered;
      texts = [...(isMore ? texts : []), ...frame.messages.map((message) => message.text)];
      seq = frame.at.seq;
    } else if (frame.t === 'room.message') {
      expect(frame.seq, 'a message must be newer than what was shown').toBeGreaterThan(seq);
      if (frame.prev > 0)
        expect(frame.prev, 'no message may be missing before this one').toBeLessThanOrEqual(seq);
      texts.push(frame.text);
      seq = frame.seq;
    }
  }
  return texts;
}

describe('rooms', () => {
  it('greet, join, send, and bring everybody the same message', async () => {
    const room = freshRoom();
    await using ann = await edge.open('ann');
    await using bea = await cutEdge.open('bea');
    expect(ann.of('welcome')[0]).toMatchObject({ user: 'ann', version: 1, edge: edge.running.instance });
    expect(await join(ann, room)).toMatchObject({
      room,
      recovered: false,
      messages: [],
      info: { count: 1 },
      roster: { count: 1, people: [{ user: 'ann', name: 'ann' }], isComplete: true },
    });
    await join(bea, room);
    const sent = await ann.request('room.sent', { t: 'room.send', room, msg: msg(1), text: 'hi' });
    for (const client of [ann, bea]) {
      await eventually(() => client.texts(room).length === 1);
      expect(client.of('room.message')[0]).toMatchObject({
        seq: sent.seq,
        msg: msg(1),
        user: 'ann',
        text: 'hi',
      });
    }
  });

  it('list, create and page', async () => {
    await using ann = await edge.open('ann');
    expect(await ann.request('room.list', { t: 'room.list' })).toMatchObject({
      rooms: [{ room: 'general' }],
    });
    expect(await ann.request('room.created', { t: 'room.create', room: 'mine' })).toMatchObject({
      info: { room: 'mine' },
    });
    const room = freshRoom();
    await world.chat.say(room, 'one');
    expect(await ann.request('room.page', { t: 'room.history', room })).toMatchObject({
      messages: [{ text: 'one' }],
    });
  });

  it('take messages only from their members (fault 21)', async () => {
    const room = freshRoom();
    await using ann = await edge.open('ann');
    const before = world.chat.asked.send ?? 0;
    expect(await ann.ask({ t: 'room.send', room, msg: msg(1), text: 'x' })).toMatchObject({
      code: 'not_joined',
      room,
    });
    ann.send({ t: 'room.typing', room, on: true });
    await eventually(() => ann.of('error').length === 2);
    expect(world.chat.asked.send ?? 0).toBe(before);
  });

  it('are limited for one connection', async () => {
    await using ann = await edge.open('ann');
    for (let count = 0; count < 100; count++) await join(ann, `many-${count}`);
    expect(await ann.ask({ t: 'room.join', room: 'many-100' })).toMatchObject({ code: 'too_many_joined' });
    expect(await join(ann, 'many-7')).toMatchObject({ room: 'many-7' });
  });

  it('keep the order of what one connection sends', async () => {
    const room = freshRoom();
    await using ann = await edge.open('ann');
    await join(ann, room);
    for (let n = 0; n < 20; n++) ann.send({ t: 'room.send', id: n, room, msg: msg(n), text: `m${n}` });
    await eventually(() => ann.texts(room).length === 20);
    expect(ann.texts(room)).toEqual(Array.from({ length: 20 }, (_, n) => `m${n}`));
  });

  it('resume from a position with everything since, and say so when they cannot', async () => {
    const room = freshRoom();
    await world.chat.say(room, 'one');
    await using ann = await edge.open('ann');
    const { at } = await join(ann, room);
    await ann[Symbol.asyncDispose]();
    await world.chat.say(room, 'two');
    await using back = await edge.open('ann');
    expect(await join(back, room, { at })).toMatchObject({ recovered: true, messages: [{ text: 'two' }] });
    await using lost = await edge.open('ann');
    expect(await join(lost, room, { at: { ...at, epoch: 'other' } })).toMatchObject({ recovered: false });
  });
});

describe('join and leave (fault 20)', () => {
  it('are idempotent, and the last one counts', async () => {
    const room = freshRoom();
    await using ann = await edge.open('ann');
    await ann.request('ok', { t: 'room.leave', room });
    const verbs = ['join', 'leave', 'join', 'join', 'leave', 'leave', 'join'];
    verbs.forEach((verb, id) => {
      ann.send({ t: `room.${verb}`, id, room });
    });
    for (let id = 0; id < verbs.length; id++) await ann.answer(id);
    expect(ann.of('error')).toEqual([]);
    await world.chat.say(room, 'once');
    await eventually(() => ann.texts(room).length > 0);
    await ann.request('ok', { t: 'room.leave', room });
    await world.chat.say(room, 'after');
    await ann.request('room.page', { t: 'room.history', room });
    expect(ann.texts(room)).toEqual(['once']);
  });

  it('follow a room once for all connections, and not for ever', async () => {
    const room = freshRoom();
    const followed = await world.startEdge({ env: { BREAKWATER_EDGE_LINGER_MS: '50' } });
    const clients = await Promise.all(['ann', 'bea', 'cho'].map((user) => followed.open(user)));
    for (const client of clients) await join(client, room);
    expect(await followed.metric('breakwater_edge_feeds', 'kind="room"')).toBe(1);
    for (const client of clients) await client[Symbol.asyncDispose]();
    await eventually(async () => (await followed.metric('breakwater_edge_feeds', 'kind="room"')) === 0);
  });

  it('during a busy feed leave neither a hole nor a copy', async () => {
    const room = freshRoom();
    await using reader = await edge.open('reader');
    await join(reader, room);
    const total = 150;
    const writing = (async () => {
      for (let n = 0; n < total; n++) await world.chat.say(room, `m${n}`);
    })();
    const joiners: TestClient[] = [];
    for (let count = 0; count < 12; count++) {
      const client = await edge.open(`joiner-${count}`);
      joiners.push(client);
      await join(client, room, { limit: 200 });
      if (count % 3 === 0) {
        await client.request('ok', { t: 'room.leave', room });
        await join(client, room, { limit: 200 });
      }
      if (count % 4 === 0) await join(client, room, { limit: 200 });
    }
    await writing;
    const expected = Array.from({ length: total }, (_, n) => `m${n}`);
    for (const client of [reader, ...joiners]) {
      await eventually(() => shown(client, room).length === total, { message: 'all messages' });
      expect(shown(client, room)).toEqual(expected);
      await client[Symbol.asyncDispose]();
    }
  });

  it('that chat answers late still bring what came in between, after the answer', async () => {
    const room = freshRoom();
    await world.chat.say(room, 'before');
    await using ann = await edge.open('ann');
    world.chat.beforeJoinAnswer = async (joined) => {
      if (joined !== room) return;
      await world.chat.say(room, 'between 1');
      await world.chat.say(room, 'between 2');
    };
    await join(ann, room);
    world.chat.beforeJoinAnswer = async () => undefined;
    await world.chat.say(room, 'after');
    await eventually(() => shown(ann, room).length === 4);
    expect(shown(ann, room)).toEqual(['before', 'between 1', 'between 2', 'after']);
  });
});

describe('a feed with holes', () => {
  /** Publishes on the feed as the stream would, without storing. */
  function feed(room: string, body: object, headers?: Record<string, string>): void {
    world.bus.publish(world.subjects.roomFeed(roomId(room)), body, headers === undefined ? {} : { headers });
  }

  it('is filled from the log when the next message shows the hole', async () => {
    const room = freshRoom();
    await using ann = await cutEdge.open('ann');
    await world.chat.say(room, 'first');
    await join(ann, room);
    const repairedBefore = await cutEdge.metric('breakwater_edge_feed_repaired_records_total');
    link.cut();
    for (const text of ['lost 1', 'lost 2']) await world.chat.say(room, text);
    await eventually(() => cutEdge.running.health.ready().ok);
    await eventually(() => shown(ann, room).length === 3, { timeoutMs: 15_000 });
    await world.chat.say(room, 'next');
    await eventually(() => shown(ann, room).length === 4);
    expect(shown(ann, room)).toEqual(['first', 'lost 1', 'lost 2', 'next']);
    expect(await cutEdge.metric('breakwater_edge_feed_repaired_records_total')).toBeGreaterThan(
      repairedBefore,
    );
    expect(ann.closed).toBeUndefined();
  });

  it('gives the last message of a now quiet room after the link was cut while it was stored', async () => {
    const room = freshRoom();
    await using ann = await cutEdge.open('ann');
    await join(ann, room);
    await world.chat.say(room, 'heard');
    await eventually(() => shown(ann, room).length === 1);
    link.refuse();
    link.cut();
    await world.chat.say(room, 'the last one');
    link.resume();
    await eventually(() => shown(ann, room).length === 2, { timeoutMs: 15_000 });
    expect(shown(ann, room)).toEqual(['heard', 'the last one']);
  });

  it('finds a lost tail by a notice alone', async () => {
    const room = freshRoom();
    await using ann = await edge.open('ann');
    await world.chat.say(room, 'one');
    const { at } = await join(ann, room);
    feed(room, { kind: 'notice', seq: at.seq });
    feed(room, { kind: 'nonsense' });
    await world.chat.sayUnheard(room, ['two']);
    await ann.request('pong', { t: 'ping' });
    expect(shown(ann, room)).toEqual(['one']);
    feed(room, { kind: 'notice', seq: (await world.chat.messages(roomId(room))).at(-1)?.seq });
    await eventually(() => shown(ann, room).length === 2);
    const late = await world.chat.messages(roomId(room));
    feed(
      room,
      { kind: 'message', ...late[0] },
      { 'Nats-Sequence': String(at.seq), 'Nats-Last-Sequence': '0' },
    );
    await ann.request('pong', { t: 'ping' });
    expect(shown(ann, room)).toEqual(['one', 'two']);
  });

  it('finds a lost tail by looking at the log from time to time', async () => {
    const room = freshRoom();
    const checking = await world.startEdge({
      env: { BREAKWATER_EDGE_TAIL_CHECK_MS: '300' },
    });
    await using ann = await checking.open('ann');
    await world.chat.say(room, 'one');
    await join(ann, room);
    await world.chat.sayUnheard(room, ['two']);
    await eventually(() => shown(ann, room).length === 2);
    expect(shown(ann, room)).toEqual(['one', 'two']);
  });

  it('sends the room anew when what was missed has expired (fault 23)', async () => {
    const room = freshRoom();
    await using ann = await cutEdge.open('ann');
    await world.chat.say(room, 'old');
    await join(ann, room);
    link.refuse();
    link.cut();
    for (const text of ['gone 1', 'gone 2', 'kept 1', 'kept 2']) await world.chat.say(room, text);
    await world.chat.keepNewest(room, 2);
    link.resume();
    await eventually(() => ann.of('room.reset').length === 1, { timeoutMs: 15_000 });
    expect(shown(ann, room)).toEqual(['kept 1', 'kept 2']);
    await world.chat.say(room, 'next');
    await eventually(() => shown(ann, room).length === 3);
    expect(shown(ann, room)).toEqual(['kept 1', 'kept 2', 'next']);
  });

  it('sends the room anew when the log was lost and begun again', async () => {
    const room = 'lost-log';
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    for (const text of ['a', 'b', 'c']) await world.chat.say(room, text);
    await join(ann, room);
    await world.chat.loseLog(room);
    await world.chat.say(room, 'a new beginning');
    await eventually(() => ann.of('room.reset').length > 0);
    expect(shown(ann, room)).toEqual(['a new beginning']);
    await join(bea, room);
    await world.chat.say(room, 'second');
    for (const client of [ann, bea]) {
      await eventually(() => shown(client, room).length === 2);
      expect(shown(client, room)).toEqual(['a new beginning', 'second']);
    }
  });

  it('goes on after a record that nobody can read', async () => {
    const room = freshRoom();
    await using ann = await edge.open('ann');
    await join(ann, room);
    await world.bus.commit(world.subjects.roomLog(roomId(room)), 'not json');
    await world.bus.commit(world.subjects.roomLog(roomId(room)), { kind: 'later-kind', stamp: 'x', time: 1 });
    await world.chat.say(room, 'readable');
    await eventually(() => ann.texts(room).length === 1);
    expect(ann.texts(room)).toEqual(['readable']);
  });
});

describe('people', () => {
  const presence = (room: string, body: object) =>
    world.bus.publish(world.subjects.roomPresence(roomId(room)), body);

  it('come and go as chat says, and a hole in its numbers is asked about', async () => {
    const room = freshRoom();
    await using ann = await edge.open('ann');
    await join(ann, room);
    presence(room, {
      publisher: 'chat-test',
      n: 7,
      count: 2,
      joined: [{ user: 'bea', name: 'Bea' }],
      left: [],
    });
    await eventually(() => ann.of('room.people').length === 1);
    expect(ann.of('room.people')[0]).toMatchObject({ room, count: 2, joined: [{ user: 'bea' }] });
    world.chat.roster = { count: 3, people: [{ user: 'cho', name: 'Cho' }], isComplete: true };
    const asked = world.chat.asked.roster ?? 0;
    presence(room, { publisher: 'chat-test', n: 9, count: 3, joined: [], left: [] });
    await eventually(() => ann.of('room.people').length === 2);
    expect(ann.of('room.people')[1]).toMatchObject({ count: 3, roster: { people: [{ user: 'cho' }] } });
    expect(world.chat.asked.roster).toBe(asked + 1);
    presence(room, { publisher: 'chat-test', n: 101, count: 2, joined: [], left: ['cho'] });
    await eventually(() => ann.of('room.people').length === 3);
    expect(ann.of('room.people')[2]).toMatchObject({ count: 2, left: ['cho'] });
    expect(world.chat.asked.roster).toBe(asked + 1);
  });

  it('are told who types, but never of themselves', async () => {
    const room = freshRoom();
    await using ann = await edge.open('ann');
    await using annToo = await edge.open('ann');
    await using bea = await cutEdge.open('bea');
    for (const client of [ann, annToo, bea]) await join(client, room);
    ann.send({ t: 'room.typing', room, on: true });
    await eventually(() => bea.of('room.typing').length === 1);
    expect(bea.of('room.typing')[0]).toMatchObject({ room, user: 'ann', on: true });
    await annToo.request('pong', { t: 'ping' });
    expect([...ann.of('room.typing'), ...annToo.of('room.typing')]).toEqual([]);
  });
});
