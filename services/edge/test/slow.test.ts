import { edgeId, edgePresence, roomId } from '@breakwater/bus';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestClient } from './client.ts';
import { clientFrame, openRaw } from './raw.ts';
import { ScriptedGame, textOf } from './scripted-game.ts';
import { PARTITIONS, type TestEdge, tokenFor, World } from './world.ts';

let world: World;
let edge: TestEdge;
const BIG = 'x'.repeat(4_000);

beforeAll(async () => {
  world = await World.start();
  await ScriptedGame.createStreams(world.bus, PARTITIONS);
  edge = await world.startEdge({
    env: {
      BREAKWATER_EDGE_SOFT_LIMIT_BYTES: '32768',
      BREAKWATER_EDGE_HARD_LIMIT_BYTES: '524288',
      BREAKWATER_EDGE_PING_INTERVAL_MS: '1000',
      BREAKWATER_EDGE_SILENCE_MS: '60000',
    },
  });
});

afterAll(() => world?.[Symbol.asyncDispose]());

const join = (client: TestClient, room: string) => client.request('room.joined', { t: 'room.join', room });

/** Stops reading from the network, as a suspended tab does; frames pile up at the edge. */
function stopReading(client: TestClient): void {
  client.ws.pause();
}

describe('a client that never reads (fault 17)', () => {
  it('is cut off at the hard limit, while the others get everything', async () => {
    await using deaf = await edge.open('deaf');
    await using reader = await edge.open('reader');
    await join(deaf, 'busy');
    await join(reader, 'busy');
    stopReading(deaf);
    let said = 0;
    while ((await edge.metric('breakwater_edge_slow_clients_cut_total')) === 0 && said < 6_000) {
      await Promise.all(Array.from({ length: 50 }, () => world.chat.say('busy', BIG)));
      said += 50;
    }
    expect(await edge.metric('breakwater_edge_slow_clients_cut_total')).toBe(1);
    await eventually(() => reader.texts('busy').length === said, { timeoutMs: 20_000 });
    await eventually(
      async () => (await edge.metric('breakwater_edge_connections_closed_total', '4400')) === 1,
    );
    expect(reader.closed).toBeUndefined();
    deaf.ws.resume();
    await deaf.closing();
  });

  it('keeps its place while it stays below: nothing reliable is left out', async () => {
    await using slow = await edge.open('slow');
    await join(slow, 'calm');
    stopReading(slow);
    for (let n = 0; n < 60; n++) await world.chat.say('calm', `${n} ${BIG}`);
    slow.ws.resume();
    await eventually(() => slow.texts('calm').length === 60);
    expect(slow.texts('calm').map((text) => Number.parseInt(text, 10))).toEqual(
      Array.from({ length: 60 }, (_, n) => n),
    );
  });
});

describe.each([
  { durability: 'committed', isVolatile: false },
  { durability: 'volatile', isVolatile: true },
])('a slow player of a $durability game', ({ durability, isVolatile }) => {
  it('skips deltas, then gets full state and goes on without a hole', async () => {
    const game = new ScriptedGame(world.bus, PARTITIONS, `slow-${durability}`, { isVolatile });
    await game.own();
    await using slow = await edge.open('slow');
    await using quick = await edge.open('quick');
    for (const client of [slow, quick]) {
      await client.request('game.joined', { t: 'game.join', game: game.id, join: 1 });
    }
    stopReading(slow);
    let steps = 0;
    const skipped = () => edge.metric('breakwater_edge_frames_dropped_total', 'class="state"');
    const before = await skipped();
    while ((await skipped()) === before && steps < 4_000) {
      for (let count = 0; count < 25; count++) {
        steps += 1;
        await game.step({ shared: `${steps} ${'y'.repeat(8_000)}` });
      }
    }
    expect(await skipped()).toBeGreaterThan(before);
    game.steps.splice(0, game.steps.length, 'compacted');
    slow.ws.resume();
    await eventually(
      () => slow.gameFrames.some((frame) => frame.kind === 'state' && textOf(frame.shared) === 'compacted'),
      { timeoutMs: 15_000 },
    );
    await game.step({ shared: 'after' });
    await eventually(() =>
      slow.gameFrames.some((frame) => frame.kind === 'delta' && textOf(frame.shared) === 'after'),
    );
    const deltas = slow.gameFrames.filter((frame) => frame.kind === 'delta').length;
    expect(deltas).toBeLessThan(steps);
    const last = slow.gameFrames.slice(-2);
    expect(last[1]).toMatchObject({ kind: 'delta', prev: last[0]?.seq });
    expect(quick.gameFrames.filter((frame) => frame.kind === 'delta')).toHaveLength(steps + 1);
    expect(await edge.metric('breakwater_edge_game_syncs_total')).toBeGreaterThan(0);
    expect(slow.closed).toBeUndefined();
  });
});

describe('frames that may be left out', () => {
  it('are: signals are dropped, the roster comes whole afterwards', async () => {
    await using slow = await edge.open('slow');
    await using typist = await edge.open('typist');
    for (const client of [slow, typist]) await join(client, 'signals');
    stopReading(slow);
    const dropped = (kind: string) => edge.metric('breakwater_edge_frames_dropped_total', `class="${kind}"`);
    for (let round = 0; round < 300 && (await dropped('ephemeral')) === 0; round++) {
      await Promise.all(Array.from({ length: 25 }, () => world.chat.say('signals', BIG)));
      typist.send({ t: 'room.typing', room: 'signals', on: true });
    }
    expect(await dropped('ephemeral')).toBeGreaterThan(0);
    world.chat.roster = { count: 9, people: [{ user: 'zed', name: 'Zed' }], isComplete: true };
    const presence = {
      publisher: 'chat-test',
      n: 1,
      count: 9,
      joined: [{ user: 'zed', name: 'Zed' }],
      left: [],
    };
    world.bus.publish(world.subjects.roomPresence(roomId('signals')), presence);
    await eventually(async () => (await dropped('latest')) > 0);
    slow.ws.resume();
    await eventually(() => slow.of('room.people').length === 1, { timeoutMs: 15_000 });
    expect(slow.of('room.people')[0]).toMatchObject({ count: 9, roster: { people: [{ user: 'zed' }] } });
    await eventually(() => typist.of('room.people').length === 1);
    expect(typist.of('room.people')[0]).toMatchObject({ joined: [{ user: 'zed' }] });
  });
});

describe('a client that answers no ping (fault 18)', () => {
  it('is cut off when nothing was heard, dropped once, and the others are left alone', async () => {
    const strict = await world.startEdge({
      env: {
        BREAKWATER_EDGE_PING_INTERVAL_MS: '1000',
        BREAKWATER_EDGE_SILENCE_MS: '3000',
        BREAKWATER_INSTANCE: 'strict',
      },
    });
    const dropped: unknown[] = [];
    world.bus.subscribe(world.subjects.edgePresence(edgeId('strict')), {}, (message) => {
      const news = edgePresence(message.json());
      if (news.kind === 'delta') dropped.push(...news.dropped);
    });
    await using good = await strict.open('good');
    // A raw socket answers nothing by itself.
    await using silent = await openRaw(strict.port, await tokenFor({ user: 'silent' }));
    silent.write(clientFrame('{"t":"room.join","id":1,"room":"general"}'));
    await eventually(() => silent.text.includes('room.joined'));
    await silent.ended(30_000);
    await eventually(() => dropped.length > 0);
    expect(dropped).toEqual([{ room: 'general', session: expect.any(String) }]);
    expect(await strict.metric('breakwater_edge_connections_closed_total', '4402')).toBe(1);
    expect(good.closed).toBeUndefined();
    await eventually(() => good.pings >= 2);
  });
});

describe('many recipients', () => {
  it('share their writes: a burst is one write for each, whoever it is', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, (_, index) => edge.open(`many-${index}`)));
    for (const client of clients) await join(client, 'shared');
    const framesBefore = await edge.metric('breakwater_edge_frames_out_total');
    const writesBefore = await edge.metric('breakwater_edge_batch_frames_count');
    await Promise.all(Array.from({ length: 100 }, (_, n) => world.chat.say('shared', `m${n}`)));
    for (const client of clients) await eventually(() => client.texts('shared').length === 100);
    const frames = (await edge.metric('breakwater_edge_frames_out_total')) - framesBefore;
    const writes = (await edge.metric('breakwater_edge_batch_frames_count')) - writesBefore;
    expect(frames).toBeGreaterThanOrEqual(2_000);
    expect(writes).toBeLessThan(frames);
    const orders = clients.map((client) => client.texts('shared').join());
    expect(new Set(orders).size).toBe(1);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });
});
