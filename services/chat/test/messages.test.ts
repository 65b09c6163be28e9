import { chatSent, reply, roomId } from '@breakwater/bus';
import { eventually } from '@breakwater/testkit';
import { describe, expect, test } from 'vitest';
import { codeOf, newId, startChat, startWorld, subjects } from './harness.ts';

describe('messages', () => {
  test('a sent message is acknowledged, delivered on the feed, in the history and in a join', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    const heard: { seq: string | undefined; prev: string | undefined; body: unknown }[] = [];
    world.bus.subscribe(subjects.roomFeed(roomId('general')), {}, (message) => {
      heard.push({
        seq: message.header('Nats-Sequence'),
        prev: message.header('Nats-Last-Sequence'),
        body: message.json(),
      });
    });
    await world.bus.flush();
    const msg = newId();
    const sent = await world.ann.send('general', msg, 'hello');
    expect(sent).toMatchObject({ ok: true, duplicate: false });
    await eventually(() => expect(heard.length).toBe(1));
    expect(heard[0]).toMatchObject({
      seq: String(sent.seq),
      prev: '0',
      body: { kind: 'message', user: 'ann', name: 'ann', msg, text: 'hello', time: sent.time },
    });
    const page = await world.bob.history('general');
    expect(page).toMatchObject({ more: false, messages: [{ seq: sent.seq, prev: 0, msg, text: 'hello' }] });
    const joined = await world.bob.join('general');
    expect(joined.messages).toEqual(page.messages);
    expect(joined.at).toMatchObject({ seq: sent.seq, stamp: page.messages[0]?.stamp });
  });

  test('fault 10: hostile text is stored, delivered and read as the same bytes', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    const texts = [
      '\u202Eabc\u202C',
      '\u001b[31mred\u001b[0m',
      '👩‍👩‍👧‍👦 🇩🇪',
      'a\r\nPUB x 5\r\nhello',
      '<script>alert(1)</script>',
      '"\\ \t',
      '{"kind":"notice"}',
    ];
    const delivered: unknown[] = [];
    world.bus.subscribe(subjects.roomFeed(roomId('general')), {}, (message) => {
      delivered.push(message.json());
    });
    await world.bus.flush();
    for (const text of texts) await world.ann.send('general', newId(), text);
    await eventually(() => expect(delivered.length).toBe(texts.length));
    const { messages } = await world.bob.history('general');
    expect(messages.map((message) => message.text)).toEqual(texts);
    expect(delivered).toMatchObject(texts.map((text) => ({ text })));
    for (const text of ['a\ud800b', 'nul\0']) {
      expect(await codeOf(world.ann.send('general', newId(), text))).toBe('bad_request');
    }
    expect((await world.bob.history('general')).messages).toHaveLength(texts.length);
  });

  test('text at the limit is taken, one byte more and none at all are not', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats, { BREAKWATER_CHAT_MAX_TEXT_BYTES: '8' });
    expect(await codeOf(world.ann.send('general', newId(), 'ééññ'))).toBe('ok');
    expect(await codeOf(world.ann.send('general', newId(), 'ééññ!'))).toBe('too_large');
    expect(await codeOf(world.ann.send('general', newId(), ''))).toBe('bad_request');
  });

  test('a user who sends too fast is told so, others are not', async () => {
    await using world = await startWorld();
    const env = { BREAKWATER_CHAT_SENDS_PER_SECOND: '0.01', BREAKWATER_CHAT_SEND_BURST: '2' };
    await using _chat = await startChat(world.nats, env);
    const codes = [];
    for (let n = 0; n < 3; n++) codes.push(await codeOf(world.ann.send('general', newId(), 'x')));
    expect(codes).toEqual(['ok', 'ok', 'rate_limited']);
    await expect(world.ann.send('general', newId(), 'x')).rejects.toMatchObject({
      remote: { code: 'rate_limited', retryAfterMs: expect.any(Number) },
    });
    expect(await codeOf(world.bob.send('general', newId(), 'x'))).toBe('ok');
  });

  test('history pages back to the first message, none twice and none left out, among other rooms', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    const rooms = ['general', 'a', 'b', 'c', 'd'];
    for (const room of rooms.slice(1)) await world.ann.create(room);
    const seqs: number[] = [];
    for (let n = 0; n < 120; n++) {
      const room = n % 3 === 0 ? 'general' : rooms[1 + (n % 4)]!;
      const { seq } = await world.ann.send(room, newId(), `m${n}`);
      if (room === 'general') seqs.push(seq);
    }
    const read: number[] = [];
    let before: number | undefined;
    let prev: number | undefined;
    for (let more = true; more; ) {
      const page = await world.bob.history('general', { limit: 7, ...(before !== undefined && { before }) });
      const last = page.messages.at(-1);
      if (prev !== undefined) expect(last?.seq).toBe(prev);
      read.unshift(...page.messages.map((message) => message.seq));
      before = page.messages[0]?.seq;
      prev = page.messages[0]?.prev;
      more = page.more;
    }
    expect(read).toEqual(seqs);
    expect(prev).toBe(0);
  });
});

describe('tracing', () => {
  test('the trace of a send goes onto the log and with the feed to the edges', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const heard: (string | undefined)[] = [];
    world.bus.subscribe(subjects.roomFeed(roomId('general')), {}, (message) => {
      heard.push(message.trace);
    });
    await world.bus.flush();
    const body = { user: 'ann', name: 'ann', room: 'general', msg: newId(), text: 'x' };
    await world.bus.request(subjects.chat('send'), body, {
      decode: reply(chatSent),
      timeoutMs: 5_000,
      trace,
    });
    await eventually(() => expect(heard).toEqual([trace]));
  });
});
