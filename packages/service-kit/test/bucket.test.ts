import { eventually, startProxy } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bucket, BucketChange } from '../src/nats/bucket.ts';
import type { NatsBus } from '../src/nats/bus.ts';
import { openBus, serverAndBus } from './bus-fixture.ts';

interface Player {
  readonly score: number;
}

function decode(value: unknown): Player {
  const { score } = value as { score?: unknown };
  if (typeof score !== 'number') throw new TypeError('score must be a number');
  return { score };
}

let fixture: Awaited<ReturnType<typeof serverAndBus>>;
let bus: NatsBus;

beforeAll(async () => {
  fixture = await serverAndBus();
  bus = fixture.bus;
});
afterAll(() => fixture[Symbol.asyncDispose]());

let counter = 0;
const bucket = (on: NatsBus = bus): Promise<Bucket<Player>> =>
  on.ensureBucket({ name: `b${++counter}`, replicas: 1 }, { decode });

/** Follows a bucket and keeps what it was told. */
function follow(of: Bucket<Player>, keys?: string) {
  const changes: BucketChange<Player>[] = [];
  const view = new Map<string, number>();
  let rounds = 0;
  const watch = of.watch({
    ...(keys !== undefined && { keys }),
    onChange: (change) => {
      changes.push(change);
      if (change.kind === 'put') view.set(change.key, change.value.score);
      else view.delete(change.key);
    },
    onReady: () => {
      rounds += 1;
    },
  });
  return { watch, changes, view: () => Object.fromEntries(view), rounds: () => rounds };
}

describe('a bucket', () => {
  test('gives back what was put, with its revision', async () => {
    const players = await bucket();
    expect(await players.get('ann')).toBeUndefined();
    const put = await players.put('ann', { score: 3 });
    expect(put).toMatchObject({ kind: 'stored' });
    expect(await players.get('ann')).toMatchObject({
      key: 'ann',
      value: { score: 3 },
      revision: put.kind === 'stored' ? put.seq : -1,
    });
  });

  test('creates a key once, and again after it was deleted', async () => {
    const players = await bucket();
    expect(await players.create('ann', { score: 1 })).toMatchObject({ kind: 'stored' });
    expect(await players.create('ann', { score: 2 })).toMatchObject({ kind: 'refused' });
    await players.delete('ann');
    expect(await players.get('ann')).toBeUndefined();
    expect(await players.create('ann', { score: 3 })).toMatchObject({ kind: 'stored' });
    expect(await players.get('ann')).toMatchObject({ value: { score: 3 } });
  });

  test('lets exactly one of 20 updaters of a revision win, and one of 20 creators', async () => {
    const players = await bucket();
    const created = await Promise.all(
      Array.from({ length: 20 }, (_, score) => players.create('ann', { score })),
    );
    expect(created.filter(({ kind }) => kind === 'stored')).toHaveLength(1);
    const revision = (await players.get('ann'))?.revision ?? 0;
    const updated = await Promise.all(
      Array.from({ length: 20 }, (_, score) => players.update('ann', { score }, revision)),
    );
    expect(updated.filter(({ kind }) => kind === 'stored')).toHaveLength(1);
    expect(updated.filter(({ kind }) => kind === 'refused')).toHaveLength(19);
  });

  test('deletes only at the revision that was asked for', async () => {
    const players = await bucket();
    await players.put('ann', { score: 1 });
    const old = (await players.get('ann'))?.revision ?? 0;
    await players.put('ann', { score: 2 });
    expect(await players.delete('ann', { revision: old })).toMatchObject({ kind: 'refused' });
    expect(await players.get('ann')).toMatchObject({ value: { score: 2 } });
  });

  test('forgets a deletion, and nothing that was written since', async () => {
    const players = await bucket();
    await players.put('ann', { score: 1 });
    const first = await players.delete('ann');
    if (first.kind !== 'stored') throw new Error(first.kind);
    await players.put('bob', { score: 1 });
    const second = await players.delete('bob');
    if (second.kind !== 'stored') throw new Error(second.kind);
    await players.put('bob', { score: 2 });

    await players.forgetDeletion('ann', first.seq);
    await players.forgetDeletion('bob', second.seq);

    expect(await bus.streamState(`KV_${players.name}`)).toMatchObject({ messages: 1 });
    expect(await players.get('bob')).toMatchObject({ value: { score: 2 } });
    expect(await players.create('ann', { score: 3 })).toMatchObject({ kind: 'stored' });
  });

  test.each(['', 'a b', 'a:b', 'é', '.a', 'a.', 'a..b', '*', 'a.>', 'a\r\nPUB x 0'])(
    'refuses the key %j before it reaches a subject',
    async (key) => {
      const players = await bucket();
      await expect(players.get(key)).rejects.toMatchObject({ code: 'invalid' });
      await expect(players.put(key, { score: 1 })).rejects.toMatchObject({ code: 'invalid' });
    },
  );

  test('says bad_reply for a value that is none of its own', async () => {
    const players = await bucket();
    await bus.commit(`$KV.${players.name}.odd`, '{"score":"high"}');
    await expect(players.get('odd')).rejects.toMatchObject({ code: 'bad_reply' });
  });

  test('made by a NATS tool with other properties is refused when they matter', async () => {
    await bus.ensureStream({
      name: 'KV_foreign',
      subjects: ['$KV.foreign.>'],
      replicas: 1,
      allowDirect: true,
      maxMsgsPerSubject: 1,
    });
    await expect(bus.openBucket({ name: 'foreign', replicas: 1 }, { decode })).rejects.toThrow(
      'allow_direct',
    );
  });

  test('that nobody made is not_found when opened', async () => {
    await expect(bus.openBucket({ name: 'nobody', replicas: 1 }, { decode })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('a watch', () => {
  test('tells what is there, says ready, then tells each change in order', async () => {
    const players = await bucket();
    await players.put('ann', { score: 1 });
    await players.put('bob', { score: 1 });
    await players.put('ann', { score: 2 });
    const { watch, changes, view } = follow(players);
    await watch.ready;
    expect(view()).toEqual({ ann: 2, bob: 1 });
    await players.put('cyd', { score: 5 });
    await players.delete('bob');
    await eventually(() => expect(view()).toEqual({ ann: 2, cyd: 5 }));
    expect(changes.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      'put bob',
      'put ann',
      'put cyd',
      'delete bob',
    ]);
    watch.stop();
  });

  test('of an empty bucket is ready at once', async () => {
    const { watch, changes } = follow(await bucket());
    await watch.ready;
    expect(changes).toEqual([]);
    watch.stop();
  });

  test('hears only the keys that it asked for', async () => {
    const players = await bucket();
    const { watch, view } = follow(players, 'eu.*');
    await watch.ready;
    await players.put('us.ann', { score: 1 });
    await players.put('eu.bob', { score: 2 });
    await eventually(() => expect(view()).toEqual({ 'eu.bob': 2 }));
    watch.stop();
  });

  test('stays silent once stopped and leaves no consumer behind', async () => {
    const players = await bucket();
    const { watch, changes } = follow(players);
    await watch.ready;
    watch.stop();
    await players.put('ann', { score: 1 });
    await bus.flush();
    expect(changes).toEqual([]);
    await eventually(async () => {
      const names = await bus.request(
        `$JS.API.CONSUMER.NAMES.KV_${players.name}`,
        {},
        { timeoutMs: 2_000, decode: (value) => value as { total: number } },
      );
      expect(names.total).toBe(0);
    });
  });

  test('tells a value that it cannot decode as gone, and goes on', async () => {
    const players = await bucket();
    const { watch, view } = follow(players);
    await watch.ready;
    await players.put('ann', { score: 1 });
    await bus.commit(`$KV.${players.name}.ann`, 'garbage');
    await players.put('bob', { score: 2 });
    await eventually(() => expect(view()).toEqual({ bob: 2 }));
    watch.stop();
  });

  test('survives a listener that throws', async () => {
    const players = await bucket();
    const seen: string[] = [];
    const watch = players.watch({
      onChange: ({ key }) => {
        seen.push(key);
        throw new Error('poison');
      },
    });
    await watch.ready;
    await players.put('ann', { score: 1 });
    await players.put('bob', { score: 1 });
    await eventually(() => expect(seen).toEqual(['ann', 'bob']));
    watch.stop();
  });

  test('after kill -9 of the server tells what changed meanwhile, also what was deleted and purged (fault 26)', async () => {
    await using proxy = await startProxy(fixture.server.url);
    const away = await openBus(proxy.url);
    const players = await bucket(away.bus);
    for (const key of ['ann', 'bob', 'cyd']) await players.put(key, { score: 1 });
    const { watch, view, rounds } = follow(players);
    await watch.ready;
    proxy.refuse();
    proxy.cut();
    await eventually(() => expect(away.bus.isConnected).toBe(false));
    const near = await bus.openBucket({ name: players.name, replicas: 1 }, { decode });
    await near.put('ann', { score: 9 });
    await near.delete('bob');
    await bus.purgeSubject(`KV_${players.name}`, `$KV.${players.name}.cyd`, { keep: 0 });
    await near.put('dan', { score: 4 });
    await fixture.server.restart();
    expect(view()).toEqual({ ann: 1, bob: 1, cyd: 1 });
    proxy.resume();
    await eventually(() => expect(view()).toEqual({ ann: 9, dan: 4 }), { timeoutMs: 15_000 });
    expect(rounds()).toBeGreaterThan(1);
    await eventually(() => expect(bus.isConnected).toBe(true), { timeoutMs: 15_000 });
    await near.put('eve', { score: 5 });
    await eventually(() => expect(view()).toEqual({ ann: 9, dan: 4, eve: 5 }));
    watch.stop();
    await away.bus.drain();
  });

  test('whose consumer is gone without a word begins anew', async () => {
    const own = await openBus(fixture.server.url, { watchSilenceMs: 600 });
    const players = await bucket(own.bus);
    await players.put('ann', { score: 1 });
    const { watch, view, rounds } = follow(players);
    await watch.ready;
    const api = `$JS.API.CONSUMER`;
    const decode = (value: unknown) => value as { consumers: string[] };
    const { consumers } = await bus.request(
      `${api}.NAMES.KV_${players.name}`,
      {},
      { timeoutMs: 2_000, decode },
    );
    expect(consumers).toHaveLength(1);
    await bus.request(`${api}.DELETE.KV_${players.name}.${consumers[0]}`, '', { timeoutMs: 2_000, decode });
    await players.put('ann', { score: 2 });
    await eventually(() => expect(view()).toEqual({ ann: 2 }));
    expect(rounds()).toBe(2);
    watch.stop();
    await own.bus.drain();
  });

  test('of a bucket that is not there yet begins when it is', async () => {
    const players = await bucket();
    await bus.request(`$JS.API.STREAM.DELETE.KV_${players.name}`, '', {
      timeoutMs: 2_000,
      decode: (value) => value,
    });
    const { watch, view } = follow(players);
    await bus.ensureBucket({ name: players.name, replicas: 1 }, { decode });
    await players.put('ann', { score: 1 });
    await eventually(() => expect(view()).toEqual({ ann: 1 }));
    watch.stop();
  });
});
