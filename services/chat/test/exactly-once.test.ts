import { roomId } from '@breakwater/bus';
import { formatMessageId } from '@breakwater/protocol';
import type { NatsBus } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { describe, expect, test } from 'vitest';
import { codeOf, newId, readLog, startChat, startWorld, streamOf, subjects } from './harness.ts';

const GENERAL = roomId('general');

const textsOf = async (bus: NatsBus) => (await readLog(bus, 'general')).map(({ text }) => text);

/** Ids older than a few hundred ms are beyond the window of the log itself. */
const SHORT_WINDOW = { BREAKWATER_CHAT_DEDUP_WINDOW_MS: '500', BREAKWATER_CHAT_CLOCK_SKEW_MS: '100' };

describe('fault 22: a message id is stored once', () => {
  test('the same id many times at once through two replicas: one stored message, the same sequence', async () => {
    await using world = await startWorld();
    await using _a = await startChat(world.nats);
    await using _b = await startChat(world.nats);
    const msg = newId();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => world.ann.send('general', msg, 'once')),
    );
    expect(new Set(answers.map((answer) => answer.seq)).size).toBe(1);
    expect(answers.filter((answer) => !answer.duplicate)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.time)).size).toBe(1);
    expect(await textsOf(world.bus)).toEqual(['once']);
  });

  test('another text under the id, or the id of another user, does not pass for the stored message', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    const msg = newId();
    const { seq } = await world.ann.send('general', msg, 'first');
    expect(await codeOf(world.ann.send('general', msg, 'second'))).toBe('id_reused');
    const other = await world.bob.send('general', msg, 'second');
    expect(other.seq).toBeGreaterThan(seq);
    expect(await textsOf(world.bus)).toEqual(['first', 'second']);
  });

  test('the same id in another room of the same stream is a message of its own', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    const others = Array.from({ length: 20 }, (_, n) => `room-${n}`);
    const room = others.find((one) => streamOf(one) === streamOf('general'))!;
    await world.ann.create(room);
    const msg = newId();
    const first = await world.ann.send('general', msg, 'here');
    const second = await world.ann.send(room, msg, 'there');
    expect(second).toMatchObject({ duplicate: false });
    expect(second.seq).not.toBe(first.seq);
    expect((await world.ann.history(room)).messages).toMatchObject([{ text: 'there' }]);
  });

  test('a duplicate is announced on the feed, so that an edge that missed the message finds it', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    const msg = newId();
    const { seq } = await world.ann.send('general', msg, 'hello');
    const notices: unknown[] = [];
    world.bus.subscribe(subjects.roomFeed(GENERAL), {}, (message) => {
      if (message.header('Nats-Sequence') === undefined) notices.push(message.json());
    });
    await world.bus.flush();
    await world.ann.send('general', msg, 'hello');
    await eventually(() => expect(notices).toEqual([{ kind: 'notice', seq }]));
  });

  test('beyond the dedup window the id is found in the log, by either replica, also after a restart', async () => {
    await using world = await startWorld();
    await using _a = await startChat(world.nats, SHORT_WINDOW);
    const b = await startChat(world.nats, SHORT_WINDOW);
    const msg = newId();
    const first = await world.ann.send('general', msg, 'once');
    await world.bob.send('general', newId(), 'between');
    await forgotten(world.bus);
    for (let round = 0; round < 6; round++) {
      const again = await world.ann.send('general', msg, 'once', { resend: true });
      expect(again).toMatchObject({ seq: first.seq, time: first.time, duplicate: true });
    }
    expect(await codeOf(world.ann.send('general', msg, 'twice', { resend: true }))).toBe('id_reused');
    await b[Symbol.asyncDispose]();
    await using _c = await startChat(world.nats, SHORT_WINDOW);
    for (let round = 0; round < 4; round++) {
      expect(await world.ann.send('general', msg, 'once')).toMatchObject({ seq: first.seq, duplicate: true });
    }
    expect((await textsOf(world.bus)).filter((text) => text === 'once')).toHaveLength(1);
  });

  test('old ids that were never stored are stored once, many at once through two replicas in a busy room', async () => {
    await using world = await startWorld();
    await using _a = await startChat(world.nats, SHORT_WINDOW);
    await using _b = await startChat(world.nats, SHORT_WINDOW);
    const old = Array.from({ length: 15 }, () => newId(Date.now() - 60_000));
    const sends = old.flatMap((msg) => [1, 2, 3].map(() => world.ann.send('general', msg, msg)));
    const fresh = Array.from({ length: 60 }, (_, n) => world.bob.send('general', newId(), `fresh ${n}`));
    const answers = await Promise.all(sends);
    await Promise.all(fresh);
    for (let n = 0; n < old.length; n++) {
      const [a, b, c] = answers.slice(3 * n, 3 * n + 3).map((answer) => answer.seq);
      expect([b, c]).toEqual([a, a]);
    }
    const stored = (await textsOf(world.bus)).filter((text) => !text.startsWith('fresh'));
    expect(stored.sort()).toEqual([...old].sort());
  });

  test('an id beyond the retry horizon is expired, one from the future is refused', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    expect(await codeOf(world.ann.send('general', newId(Date.now() - 601_000), 'x'))).toBe('expired');
    expect(await codeOf(world.ann.send('general', newId(Date.now() - 590_000), 'x'))).toBe('ok');
    expect(await codeOf(world.ann.send('general', newId(Date.now() + 120_000), 'x'))).toBe('bad_request');
    expect(await codeOf(world.ann.send('general', formatMessageId('t1', 1, 1), 'x'))).toBe('bad_request');
    expect(await textsOf(world.bus)).toEqual(['x']);
  });

  test('an old id is expired when the room may have trimmed its record, and stored when it cannot have', async () => {
    await using world = await startWorld();
    const env = { ...SHORT_WINDOW, BREAKWATER_CHAT_MAX_MESSAGES_PER_ROOM: '5' };
    await using _chat = await startChat(world.nats, env);
    const old = newId(Date.now() - 30_000);
    for (let n = 0; n < 4; n++) await world.ann.send('general', newId(), `m${n}`);
    expect(await codeOf(world.ann.send('general', old, 'late', { resend: true }))).toBe('ok');
    for (let n = 0; n < 6; n++) await world.ann.send('general', newId(), `n${n}`);
    expect(await codeOf(world.ann.send('general', old, 'late', { resend: true }))).toBe('expired');
    expect(await codeOf(world.ann.send('general', newId(Date.now() - 30_000), 'other'))).toBe('expired');
    expect(await textsOf(world.bus)).toEqual(['n1', 'n2', 'n3', 'n4', 'n5']);
  });
});

/** Waits until the stream itself has forgotten ids: the same id under another subject of ours is stored anew. */
async function forgotten(bus: NatsBus): Promise<void> {
  const subject = subjects.roomLog(roomId('probe'));
  const msgId = `probe:${newId()}`;
  const first = await bus.commit(subject, '{}', { msgId });
  expect(first).toMatchObject({ kind: 'stored', duplicate: false });
  await eventually(async () => {
    const again = await bus.commit(subject, '{}', { msgId });
    return again.kind === 'stored' && !again.duplicate;
  });
}
