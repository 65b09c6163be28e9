import { eventually } from '@breakwater/testkit';
import { describe, expect, test } from 'vitest';
import { codeOf, newId, readLog, startChat, startWorld, streamOf } from './harness.ts';

const METRIC = /^breakwater_chat_lost_streams(?:\{[^}]*\})? (\d+)$/m;

async function lostStreams(httpPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  return Number(METRIC.exec(text)?.[1]);
}

describe('limits and losses', () => {
  test('fault 24: a room at its limit trims its own oldest, never those of another room', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats, { BREAKWATER_CHAT_MAX_MESSAGES_PER_ROOM: '3' });
    await world.ann.create('other');
    await world.ann.send('other', newId(), 'kept');
    for (let n = 0; n < 8; n++) await world.ann.send('general', newId(), `m${n}`);
    const page = await world.ann.history('general');
    expect(page.messages.map((message) => message.text)).toEqual(['m5', 'm6', 'm7']);
    expect(page).toMatchObject({ more: false, messages: [{ prev: 0 }, {}, {}] });
    expect((await world.ann.history('other')).messages).toMatchObject([{ text: 'kept' }]);
  });

  test('fault 24: a full stream refuses with busy, loses nothing, and goes on when there is space', async () => {
    await using world = await startWorld();
    const env = { BREAKWATER_CHAT_STREAM_MAX_BYTES: '65536' };
    const chat = await startChat(world.nats, env);
    const text = 'x'.repeat(4_000);
    const stored: number[] = [];
    let refused = '';
    for (let n = 0; n < 40 && refused === ''; n++) {
      const code = await codeOf(world.ann.send('general', newId(), text).then(({ seq }) => stored.push(seq)));
      if (code !== 'ok') refused = code;
    }
    expect(refused).toBe('busy');
    expect(stored.length).toBeGreaterThan(5);
    expect((await readLog(world.bus, 'general')).map(({ seq }) => seq)).toEqual(stored);
    await chat[Symbol.asyncDispose]();
    await using _larger = await startChat(world.nats, { BREAKWATER_CHAT_STREAM_MAX_BYTES: '1000000' });
    expect(await codeOf(world.ann.send('general', newId(), text))).toBe('ok');
  });

  test('fault 28: a stream deleted under us is unavailable and alarmed, never made anew, also by a restart', async () => {
    await using world = await startWorld();
    const env = { BREAKWATER_CHAT_STREAM_CHECK_MS: '100' };
    const chat = await startChat(world.nats, env);
    await world.ann.send('general', newId(), 'precious');
    await world.bus.request(
      `$JS.API.STREAM.DELETE.${streamOf('general')}`,
      {},
      { decode: (v) => v as object, timeoutMs: 5_000 },
    );
    expect(await codeOf(world.ann.join('general'))).toBe('unavailable');
    expect(await codeOf(world.ann.send('general', newId(), 'more'))).toBe('unavailable');
    await eventually(async () => expect(await lostStreams(chat.httpPort)).toBe(1));
    await chat[Symbol.asyncDispose]();
    await using again = await startChat(world.nats, env);
    expect(await lostStreams(again.httpPort)).toBe(1);
    expect(await codeOf(world.ann.join('general'))).toBe('unavailable');
    await expect(world.bus.streamState(streamOf('general'))).rejects.toMatchObject({ code: 'not_found' });
    const { rooms } = await world.ann.list();
    expect(rooms.map(({ room }) => room)).toContain('general');
  });

  test('fault 28: a stream that is restored is used again', async () => {
    await using world = await startWorld();
    await using chat = await startChat(world.nats, { BREAKWATER_CHAT_STREAM_CHECK_MS: '100' });
    const stream = streamOf('general');
    const ask = (verb: string, body: object) =>
      world.bus.request(`$JS.API.${verb}`, body, {
        decode: (value) => value as { config?: object },
        timeoutMs: 5_000,
      });
    const { config } = await ask(`STREAM.INFO.${stream}`, {});
    await ask(`STREAM.DELETE.${stream}`, {});
    await eventually(async () => expect(await lostStreams(chat.httpPort)).toBe(1));
    await ask(`STREAM.CREATE.${stream}`, config!);
    await eventually(async () => expect(await lostStreams(chat.httpPort)).toBe(0));
    expect(await codeOf(world.ann.send('general', newId(), 'hello'))).toBe('ok');
  });

  test('fault 27: NATS goes away: chat stays ready, and serves as soon as NATS is back', async () => {
    await using world = await startWorld();
    await using chat = await startChat(world.nats);
    const readiness = async () => (await fetch(`http://127.0.0.1:${chat.httpPort}/readyz`)).status;
    expect(await codeOf(world.ann.send('general', newId(), 'before'))).toBe('ok');
    await world.nats.kill();
    await eventually(() => expect(world.bus.isConnected).toBe(false));
    expect(await readiness()).toBe(200);
    await world.nats.restart();
    await eventually(async () =>
      expect(await codeOf(world.ann.send('general', newId(), 'after'))).toBe('ok'),
    );
    await world.ann.create('new-room');
    expect((await readLog(world.bus, 'general')).map(({ text }) => text)).toEqual(['before', 'after']);
    expect(await readiness()).toBe(200);
  });

  test('the bucket of rooms that vanished refuses to start in one sentence', async () => {
    await using world = await startWorld();
    const chat = await startChat(world.nats);
    await chat[Symbol.asyncDispose]();
    await world.bus.request(
      '$JS.API.STREAM.DELETE.KV_rooms',
      {},
      { decode: (v) => v as object, timeoutMs: 5_000 },
    );
    await expect(startChat(world.nats)).rejects.toThrow(/bucket "rooms" was there and is gone/);
  });
});
