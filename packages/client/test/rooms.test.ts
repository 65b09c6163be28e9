import { eventually, startProxy } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { connect } from '../src/index.ts';
import { Backend } from './backend.ts';
import { ScriptedEdge } from './scripted-edge.ts';

const quick = { reconnect: { firstDelayMs: 20 }, token: () => 'good' };

test('a message goes out, is acknowledged, and comes back through the feed once', async () => {
  await using edge = await ScriptedEdge.start();
  edge.backend.say('general', 'before');
  await using client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  expect(room.messages.map(({ text }) => text)).toEqual(['before']);
  const heard: string[] = [];
  room.on('message', ({ text }) => heard.push(text));
  const { seq } = await room.send('hello');
  await eventually(() => heard.length === 1);
  expect(heard).toEqual(['hello']);
  expect(room.messages.at(-1)).toMatchObject({ seq, text: 'hello', user: client.user });
  expect(room.outgoing).toEqual([]);
});

test('a client that was cut and returns has all messages of the others, in order, none twice', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using proxy = await startProxy(edge.port);
  await using client = await connect({ urls: [`http://127.0.0.1:${proxy.port}`], ...quick });
  const room = await client.rooms.join('general');
  const heard: string[] = [];
  room.on('message', ({ text }) => heard.push(text));
  const expected: string[] = [];
  for (let round = 0; round < 5; round++) {
    for (let index = 0; index < 10; index++) {
      const text = `${round}-${index}`;
      backend.say('general', text);
      expected.push(text);
      if (index === 4) proxy.cut();
    }
    await eventually(() => heard.length === expected.length, { message: `round ${round}` });
  }
  expect(heard).toEqual(expected);
  expect(room.messages.map(({ text }) => text)).toEqual(expected);
  expect(edge.sockets.length).toBeGreaterThan(5);
});

test('what is said offline goes out after the return, in the order of the calls, under the same ids', async () => {
  await using edge = await ScriptedEdge.start();
  await using proxy = await startProxy(edge.port);
  await using client = await connect({ urls: [`http://127.0.0.1:${proxy.port}`], ...quick });
  const room = await client.rooms.join('general');
  proxy.refuse();
  proxy.cut();
  await eventually(() => client.state === 'reconnecting');
  const sends = ['one', 'two', 'three'].map((text) => room.send(text));
  expect(room.outgoing.map(({ text, state }) => [text, state])).toEqual([
    ['one', 'pending'],
    ['two', 'pending'],
    ['three', 'pending'],
  ]);
  proxy.resume();
  const seqs = (await Promise.all(sends)).map(({ seq }) => seq);
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  expect(edge.backend.room('general').messages.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
});

test('a message whose answer is lost is known from the room and not sent again', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  edge.script = (frame, socket) => {
    if (frame.t !== 'room.send') return false;
    // Stored, but neither the answer nor the feed gets through.
    socket.gone();
    edge.backend.send(frame.room, socket.user, frame.msg, frame.text);
    socket.ws.terminate();
    return true;
  };
  const { seq } = await room.send('only once');
  expect(edge.backend.room('general').messages).toMatchObject([{ seq, text: 'only once' }]);
  expect(edge.sockets.map((socket) => socket.count('room.send'))).toEqual([1, 0]);
  expect(room.messages.map(({ text }) => text)).toEqual(['only once']);
});

test('a message that got lost with its socket is sent again under the same id, and says so', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  let losses = 2;
  edge.script = (frame, socket) => {
    if (frame.t !== 'room.send' || losses-- <= 0) return false;
    socket.ws.terminate();
    return true;
  };
  await room.send('three times');
  const sent = edge.sockets
    .flatMap(({ received }) => received)
    .flatMap((f) => (f.t === 'room.send' ? [f] : []));
  expect(sent.map(({ resend }) => resend)).toEqual([undefined, true, true]);
  expect(new Set(sent.map(({ msg }) => msg)).size).toBe(1);
});

test('an own message is on one of the lists at any time: first outgoing, then the room', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  const seen: string[] = [];
  const note = () => {
    const states = room.outgoing.map(({ state }) => state);
    const shown = room.messages.map(() => 'shown');
    seen.push([...states, ...shown].join('+'));
  };
  for (const event of ['outgoing', 'message', 'sent'] as const) room.on(event, note);
  edge.script = (frame, socket) => {
    if (frame.t !== 'room.send') return false;
    // The answer comes well before the feed.
    socket.rooms.delete('general');
    const seq = edge.backend.send(frame.room, socket.user, frame.msg, frame.text);
    socket.send({ t: 'room.sent', id: frame.id, room: 'general', msg: frame.msg, seq, time: Date.now() });
    const message = edge.backend.room('general').messages.at(-1)!;
    setTimeout(() => socket.send({ t: 'room.message', room: 'general', ...message }), 50);
    return true;
  };
  await room.send('hello');
  expect(room.outgoing).toMatchObject([{ text: 'hello', state: 'sent' }]);
  await eventually(() => room.outgoing.length === 0);
  expect(room.messages.map(({ text }) => text)).toEqual(['hello']);
  expect(seen.filter((state) => state === '')).toEqual([]);
  expect(seen[0]).toBe('pending');
  expect(seen.at(-1)).toBe('shown');
});

test('a lost position is told by a reset, never by a silent hole', async () => {
  await using edge = await ScriptedEdge.start();
  edge.backend.kept = 3;
  await using client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  edge.backend.say('general', 'seen');
  await eventually(() => room.messages.length === 1);
  const resets: string[][] = [];
  room.on('reset', ({ messages }) => resets.push(messages.map(({ text }) => text)));
  edge.refusal = { status: 503, code: 'unavailable' };
  edge.socket.ws.terminate();
  await eventually(() => client.state === 'reconnecting');
  for (const text of ['a', 'b', 'c', 'd', 'e']) edge.backend.say('general', text);
  edge.refusal = undefined;
  await eventually(() => resets.length === 1);
  expect(resets).toEqual([['c', 'd', 'e']]);
  expect(room.messages.map(({ text }) => text)).toEqual(['c', 'd', 'e']);
});

test('a hole in the live messages is filled by joining again from the position', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  const heard: string[] = [];
  room.on('message', ({ text }) => heard.push(text));
  edge.backend.say('general', 'one');
  edge.socket.rooms.delete('general');
  edge.backend.say('general', 'lost');
  edge.socket.rooms.add('general');
  edge.backend.say('general', 'three');
  await eventually(() => heard.length === 3);
  expect(heard).toEqual(['one', 'lost', 'three']);
});

test('a message that asks for patience is tried again; one that is refused fails and can be retried', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  const refusals: ('rate_limited' | 'expired')[] = ['rate_limited', 'expired'];
  edge.script = (frame, socket) => {
    const code = frame.t === 'room.send' ? refusals.shift() : undefined;
    if (frame.t !== 'room.send' || code === undefined) return false;
    edge.refuse(socket, frame.id, code, 10);
    return true;
  };
  const failed: string[] = [];
  room.on('failed', ({ message }) => failed.push(message.msg));
  await expect(room.send('please')).rejects.toMatchObject({ code: 'expired', retryable: false });
  const [message] = room.outgoing;
  expect(message).toMatchObject({ text: 'please', state: 'failed', error: { code: 'expired' } });
  const { seq } = await message!.retry();
  expect(seq).toBeGreaterThan(0);
  expect(room.outgoing).toEqual([]);
  // An expired id can bring nothing any more, so the person's second try is a new message.
  expect(edge.backend.room('general').messages[0]!.msg).not.toBe(failed[0]);
});

test('a message is tried again also where a timer fires a moment early', async () => {
  let early = 0;
  const clock = {
    unixMs: () => Date.now(),
    // The first look after a timer fired is before its time, the next one behind it.
    monotonicMs: () => performance.now() + (early-- > 0 ? -3 : 3),
    after: (delayMs: number, run: () => void) => {
      const timer = setTimeout(() => {
        early = 1;
        run();
      }, delayMs);
      return () => clearTimeout(timer);
    },
  };
  await using edge = await ScriptedEdge.start();
  await using client = await connect({
    urls: [edge.url],
    ...quick,
    reconnect: { firstDelayMs: 1, maxDelayMs: 2 },
    clock,
  });
  const room = await client.rooms.join('general');
  let refusals = 0;
  edge.script = (frame, socket) => {
    if (frame.t !== 'room.send' || refusals === 20) return false;
    refusals += 1;
    edge.refuse(socket, frame.id, 'rate_limited', 10);
    return true;
  };
  expect((await room.send('please')).seq).toBeGreaterThan(0);
  expect(refusals).toBe(20);
});

test('the offline queue is bounded by count and by bytes', async () => {
  await using edge = await ScriptedEdge.start();
  const limits = { maxQueued: 3, maxQueuedBytes: 2_000 };
  const client = await connect({ urls: [edge.url], ...quick, limits });
  const room = await client.rooms.join('general');
  await edge.stop();
  await eventually(() => client.state === 'reconnecting');
  const waiting = [room.send('1'), room.send('2')];
  await expect(room.send('x'.repeat(2_000))).rejects.toMatchObject({ code: 'queue_full', retryable: true });
  waiting.push(room.send('3'));
  await expect(room.send('4')).rejects.toMatchObject({ code: 'queue_full' });
  await client.close();
  for (const send of waiting) await expect(send).rejects.toMatchObject({ code: 'client_closed' });
});

test('an async iterator gives each message once, and ends when the room is left', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  const stream = room.stream();
  for (const text of ['a', 'b', 'c']) edge.backend.say('general', text);
  const seen: string[] = [];
  for await (const { text } of stream) {
    seen.push(text);
    if (text === 'b') edge.socket.ws.terminate();
    if (text === 'c') edge.backend.say('general', 'd');
    if (text === 'd') await room.leave();
  }
  expect(seen).toEqual(['a', 'b', 'c', 'd']);
  await expect(room.send('gone')).rejects.toMatchObject({ code: 'left' });
});

test('a slow reader of a stream gets an error, not a hole', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick, limits: { maxStreamBuffer: 2 } });
  const room = await client.rooms.join('general');
  const stream = room.stream();
  for (const text of ['a', 'b', 'c']) edge.backend.say('general', text);
  await eventually(() => room.messages.length === 3);
  expect(await stream.next()).toMatchObject({ value: { text: 'a' } });
  expect(await stream.next()).toMatchObject({ value: { text: 'b' } });
  await expect(stream.next()).rejects.toMatchObject({ code: 'stream_overflow' });
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('a listener that throws is reported and keeps nobody else from hearing', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  const heard: string[] = [];
  const errors: string[] = [];
  client.on('error', ({ error }) => errors.push(error.message));
  room.on('message', () => {
    throw new Error('my own mistake');
  });
  room.on('message', ({ text }) => heard.push(text));
  await room.send('hello');
  await eventually(() => heard.length === 1);
  expect(errors).toEqual(['my own mistake']);
});

test('typing marks of others vanish by themselves; people come and go', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick, times: { typingExpiryMs: 60 } });
  const room = await client.rooms.join('general');
  expect(room.people).toEqual([{ user: 'ann', name: 'Ann' }]);
  edge.socket.send({ t: 'room.typing', room: 'general', user: 'bob', name: 'Bob', on: true });
  edge.socket.send({ t: 'room.people', room: 'general', count: 2, joined: [{ user: 'bob', name: 'Bob' }] });
  await eventually(() => room.typing.length === 1 && room.count === 2);
  await eventually(() => room.typing.length === 0);
  edge.socket.send({ t: 'room.people', room: 'general', count: 1, left: ['bob'] });
  await eventually(() => room.people.length === 1);
  room.setTyping(true);
  room.setTyping(true);
  room.setTyping(false);
  await eventually(() => edge.socket.count('room.typing') === 2);
});

test('older pages are put in front, and the list stays within its limit', async () => {
  await using edge = await ScriptedEdge.start();
  for (let index = 0; index < 30; index++) edge.backend.say('general', `m${index}`);
  await using client = await connect({ urls: [edge.url], ...quick, limits: { maxRoomMessages: 10 } });
  const room = await client.rooms.join('general', { limit: 10 });
  expect(room.messages.length).toBe(10);
  expect(room.hasMore).toBe(true);
  await room.loadMore(15);
  expect(room.messages.map(({ text }) => text)).toEqual(Array.from({ length: 25 }, (_, i) => `m${i + 5}`));
  edge.backend.say('general', 'new');
  await eventually(() => room.messages.at(-1)?.text === 'new');
  expect(room.messages.length).toBe(25);
});

test('what can never work is refused before anything is sent', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  const frames = edge.socket.received.length;
  for (const text of ['', 'a\0b', '\ud800', 'x'.repeat(4_097), 'é'.repeat(2_049)]) {
    await expect(room.send(text)).rejects.toMatchObject({ code: 'bad_argument' });
  }
  for (const id of ['', 'a.b', '*', 'é', 'x'.repeat(65)]) {
    await expect(client.rooms.join(id)).rejects.toMatchObject({ code: 'bad_argument' });
  }
  expect(edge.socket.received.length).toBe(frames);
});
