import { describe, expect, test } from 'vitest';
import { type Caller, codeOf, newId, readLog, startChat, startWorld, streamOf } from './harness.ts';

async function say(caller: Caller, count: number, room = 'general'): Promise<number[]> {
  const seqs: number[] = [];
  for (let n = 0; n < count; n++) seqs.push((await caller.send(room, newId(), `${room} ${n}`)).seq);
  return seqs;
}

const seqsOf = (messages: readonly { seq: number }[]) => messages.map((message) => message.seq);

describe('resume', () => {
  test('who was away gets exactly what was missed, none twice, and then stands at the tail', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    await world.ann.create('other');
    await say(world.ann, 3);
    const first = await world.bob.join('general');
    expect(first.recovered).toBe(false);
    const missed: number[] = [];
    for (let n = 0; n < 30; n++) {
      missed.push(...(await say(world.ann, 1)));
      await say(world.ann, 1, 'other');
    }
    const again = await world.bob.join('general', { at: first.at });
    expect(again).toMatchObject({ recovered: true, at: { epoch: first.at.epoch, seq: missed.at(-1) } });
    expect(seqsOf(again.messages)).toEqual(missed);
    expect(again.messages[0]?.prev).toBe(first.at.seq);
    const nothing = await world.bob.join('general', { at: again.at });
    expect(nothing).toMatchObject({ recovered: true, messages: [], at: again.at });
  });

  test('who joined an empty room gets everything since, as long as nothing was ever trimmed', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats, { BREAKWATER_CHAT_MAX_MESSAGES_PER_ROOM: '5' });
    const empty = await world.bob.join('general');
    expect(await world.bob.join('general', { at: empty.at })).toMatchObject({
      recovered: true,
      messages: [],
    });
    const seqs = await say(world.ann, 5);
    const all = await world.bob.join('general', { at: empty.at });
    expect(all.recovered).toBe(true);
    expect(seqsOf(all.messages)).toEqual(seqs);
    await say(world.ann, 1);
    const trimmed = await world.bob.join('general', { at: empty.at });
    expect(trimmed.recovered).toBe(false);
    expect(trimmed.messages).toHaveLength(5);
  });

  test('fault 23: a position that cannot be resumed gets the latest page and is told so', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    await say(world.ann, 60);
    const { at } = await world.bob.join('general');
    const latest = (await readLog(world.bus, 'general')).slice(-50).map(({ seq }) => seq);
    const bad = {
      'ahead of the stream': { ...at, seq: at.seq + 1_000 },
      'another epoch': { ...at, epoch: 'x' },
      'another stamp at the tail': { ...at, stamp: 'x' },
      'another stamp before the tail': { ...at, seq: at.seq - 5, stamp: 'x' },
      'a stamp for no message': { ...at, seq: 0, stamp: 'x' },
    };
    for (const [what, position] of Object.entries(bad)) {
      const joined = await world.bob.join('general', { at: position });
      expect(joined.recovered, what).toBe(false);
      expect(seqsOf(joined.messages), what).toEqual(latest);
      expect(joined.at, what).toEqual(at);
    }
    expect(await codeOf(world.bob.join('general', { at: { ...at, seq: -1 } }))).toBe('bad_request');
  });

  test('a position whose record was trimmed, or too many messages ago, is not resumed', async () => {
    await using world = await startWorld();
    const env = { BREAKWATER_CHAT_MAX_MESSAGES_PER_ROOM: '20', BREAKWATER_CHAT_MAX_RESUME_MESSAGES: '10' };
    await using _chat = await startChat(world.nats, env);
    await say(world.ann, 1);
    const { at } = await world.bob.join('general');
    await say(world.ann, 10);
    expect(await world.bob.join('general', { at })).toMatchObject({ recovered: true });
    await say(world.ann, 1);
    expect(await world.bob.join('general', { at })).toMatchObject({ recovered: false, more: false });
    await say(world.ann, 30);
    const trimmed = await world.bob.join('general', { at });
    expect(trimmed).toMatchObject({ recovered: false, more: false });
    expect(trimmed.messages).toHaveLength(20);
    expect(trimmed.messages[0]?.prev).toBe(0);
  });

  test('a stream that was deleted and filled anew is another epoch', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    await say(world.ann, 10);
    const { at } = await world.bob.join('general');
    await recreate(world.bus, streamOf('general'));
    await say(world.ann, 12);
    const joined = await world.bob.join('general', { at });
    expect(joined.recovered).toBe(false);
    expect(joined.at.epoch).not.toBe(at.epoch);
    expect(joined.messages).toHaveLength(12);
  });

  test('messages that arrive while a resume reads are either in it or after its position', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    await say(world.ann, 1);
    let { at } = await world.bob.join('general');
    const seen: number[] = [at.seq];
    const sending = say(world.ann, 150);
    let isOver = false;
    void sending.then(() => {
      isOver = true;
    });
    while (!isOver) {
      const joined = await world.bob.join('general', { at });
      expect(joined.recovered).toBe(true);
      seen.push(...seqsOf(joined.messages));
      at = joined.at;
      expect(seen.at(-1)).toBe(at.seq);
    }
    const last = await world.bob.join('general', { at });
    seen.push(...seqsOf(last.messages));
    await sending;
    expect(seen).toEqual((await readLog(world.bus, 'general')).map(({ seq }) => seq));
  });
});

type Bus = Awaited<ReturnType<typeof startWorld>>['bus'];

async function recreate(bus: Bus, stream: string): Promise<void> {
  const info = await api(bus, `STREAM.INFO.${stream}`, {});
  await api(bus, `STREAM.DELETE.${stream}`, {});
  await api(bus, `STREAM.CREATE.${stream}`, info.config as object);
}

async function api(bus: Bus, verb: string, body: object): Promise<Record<string, unknown>> {
  const decode = (value: unknown) => value as Record<string, unknown>;
  return bus.request(`$JS.API.${verb}`, body, { decode, timeoutMs: 5_000 });
}
