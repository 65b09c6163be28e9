import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sims } from './sims.ts';
import { snapshotsOf, TWITCH, Viewer, VOLATILE_GAMES } from './volatile-viewer.ts';

const kindsOf = async (sims: Sims, game: string) =>
  (await sims.log(game)).map(({ record: { kind, epoch, n } }) => `${kind} ${epoch}.${n}`);

describe('a volatile game', () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    for (const pod of ['sim-a', 'sim-b']) await sims.pod(pod, VOLATILE_GAMES);
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  it('shows its deltas live and keeps only claims and one marker in its log', async () => {
    const viewer = await Viewer.of(sims, 'shown');
    expect(await sims.host('sim-a', 'shown', TWITCH)).toEqual({ outcome: 'hosted', epoch: 1 });
    const reply = await sims.join('shown', 'ann');
    const log = await sims.log('shown');
    expect(reply).toMatchObject({ epoch: 1, pod: 'sim-a', join: 1, pid: 1, ack: 0, seq: log.at(-1)!.seq });
    viewer.show(reply);
    sims.command('shown', 1, 1, 'add', { tag: 5 });
    await eventually(() => viewer.row('counters', 1)?.last === 5 && viewer.last.n > 60);
    expect(viewer.ticks).toBe(viewer.last.tick);
    expect(viewer.heard.map(({ n }) => n)).toEqual(viewer.heard.map((_, index) => index + 1));
    expect(viewer.heard.every(({ parts }) => parts.server.length === 0)).toBe(true);
    expect(viewer.holes).toBe(0);
    expect(await kindsOf(sims, 'shown')).toEqual(['claim 1.0', 'delta 1.1']);
    const [, marker] = log;
    expect(marker!.record).toMatchObject({ parts: { slices: [] } });
  });

  it('has a snapshot before it answers anybody, keeps few, and they follow what is shown', async () => {
    await sims.host('sim-a', 'kept', TWITCH);
    expect((await snapshotsOf(sims, 'kept')).map(({ snapshot }) => snapshot.tick)).toEqual([0]);
    const viewer = (await Viewer.of(sims, 'kept')).show(await sims.join('kept', 'ann'));
    const ticks = new Set<number>();
    await eventually(async () => {
      const found = await snapshotsOf(sims, 'kept');
      expect(found.length).toBeLessThanOrEqual(6);
      for (const { snapshot } of found) ticks.add(snapshot.tick);
      return ticks.size > 6;
    });
    expect(Math.max(...ticks)).toBeLessThanOrEqual(viewer.last.tick);
  });

  it('answers a spectator and a sync, and both can read on', async () => {
    await sims.host('sim-a', 'watched', TWITCH);
    const viewer = await Viewer.of(sims, 'watched');
    await sims.join('watched', 'ann');
    viewer.show(await sims.join('watched', 'eve', 1, { spectate: true }));
    await eventually(() => viewer.seen.length > 5);
    const synced = await sims.ask('watched', { kind: 'sync', edge: 'edge-1', pids: [1] });
    expect(synced.parts.slices.map(({ pid }) => pid)).toEqual([1]);
    const before = viewer.seen.length;
    viewer.show(synced);
    await eventually(() => viewer.seen.length > before + 5);
    expect(viewer.holes).toBe(0);
  });

  it('says now and then that it is there while players are connected and nothing changes', async () => {
    await sims.host('sim-a', 'calm', { ...TWITCH, options: { mode: 'calm' } });
    const viewer = (await Viewer.of(sims, 'calm')).show(await sims.join('calm', 'ann'));
    await eventually(() => viewer.heard.length >= 3);
    expect(viewer.holes).toBe(0);
  });

  it('moved with a player connected, goes on exactly where it was', async () => {
    await sims.host('sim-a', 'moved', TWITCH);
    const viewer = (await Viewer.of(sims, 'moved')).show(await sims.join('moved', 'ann'));
    sims.command('moved', 1, 1, 'add', { tag: 1 });
    await eventually(() => viewer.seen.length > 10 && viewer.row('counters', 1)?.value === 1);
    expect(await sims.warm('sim-b', 'moved', TWITCH)).toEqual({ outcome: 'warm' });
    const tailSeq = await sims.release('sim-a', 'moved', 1);
    await sims.bus.flush();
    const last = viewer.last;
    expect(await sims.host('sim-b', 'moved', { ...TWITCH, epoch: 2, tailSeq })).toEqual({
      outcome: 'hosted',
      epoch: 2,
    });
    const [snapshot] = (await snapshotsOf(sims, 'moved')).filter(({ snapshot: { epoch } }) => epoch === 2);
    expect(snapshot!.snapshot).toMatchObject({ epoch: 2, n: 0, tick: last.tick });
    const reply = await sims.join('moved', 'ann', 2);
    expect(reply).toMatchObject({ epoch: 2, pid: 1, ack: 1, join: 2 });
    expect(viewer.show(reply).ticks).toBeGreaterThanOrEqual(last.tick);
    expect(viewer.row('counters', 1)).toMatchObject({ value: 1, last: 1 });
    expect(await kindsOf(sims, 'moved')).toEqual(['claim 1.0', 'delta 1.1', 'claim 2.0']);
  });

  it('sleeps with a snapshot of all of it, wakes at a join, and leaves a number out', async () => {
    await sims.host('sim-a', 'slept', TWITCH);
    const viewer = (await Viewer.of(sims, 'slept')).show(await sims.join('slept', 'ann'));
    await eventually(() => viewer.seen.length > 5);
    sims.send('slept', { kind: 'leave', pid: 1, join: 1 });
    await eventually(async () =>
      (await sims.list('sim-a')).some(({ game, state }) => game === 'slept' && state === 'sleeping'),
    );
    const [newest] = (await snapshotsOf(sims, 'slept')).slice(-1);
    const { n } = viewer.last;
    const reply = await sims.join('slept', 'ann', 2);
    expect(reply).toMatchObject({ epoch: 1, pid: 2 });
    expect(reply.tick).toBeGreaterThanOrEqual(newest!.snapshot.tick);
    expect(reply.liveN).toBeGreaterThan(n + 1);
    expect(viewer.holes).toBe(1);
    viewer.show(reply);
    await eventually(() => viewer.last.n > reply.liveN! + 5);
    expect(await kindsOf(sims, 'slept')).toEqual(['claim 1.0', 'delta 1.1']);
  });

  it('ends with its last state stored and an end behind it, and is never hosted again', async () => {
    await sims.host('sim-a', 'over', TWITCH);
    await sims.join('over', 'ann');
    sims.command('over', 1, 1, 'finish');
    await eventually(async () => (await kindsOf(sims, 'over')).includes('end 1.2'));
    expect(await sims.host('sim-b', 'over', { ...TWITCH, epoch: 2 })).toMatchObject({ refusal: 'ended' });
  });

  it('begins anew where its log holds only claims, as then nothing was ever shown', async () => {
    const viewer = await Viewer.of(sims, 'anew');
    await sims.host('sim-a', 'anew', TWITCH);
    await sims.join('anew', 'ann');
    await eventually(() => viewer.heard.length > 3);
    const marker = (await sims.log('anew'))[1]!;
    await sims.release('sim-a', 'anew', 1);
    // As if the first owner had died between its claim and its marker.
    await sims.bus.request(
      `$JS.API.STREAM.MSG.DELETE.${sims.gameStream('anew')}`,
      JSON.stringify({ seq: marker.seq }),
      {
        decode: (value) => value,
        timeoutMs: 5_000,
      },
    );
    await sims.host('sim-b', 'anew', { ...TWITCH, epoch: 2 });
    const reply = await sims.join('anew', 'bob');
    expect(reply).toMatchObject({ epoch: 2, pid: 1 });
    expect(await kindsOf(sims, 'anew')).toEqual(['claim 1.0', 'claim 2.0', 'delta 2.1']);
  });
});

describe('the commands of a volatile game', () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    for (const pod of ['sim-a', 'sim-b']) await sims.pod(pod, VOLATILE_GAMES);
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  it('go on at any number once, after the first join of a hosting, and by the rule of holes from then on', async () => {
    await sims.host('sim-a', 'jump', TWITCH);
    const viewer = (await Viewer.of(sims, 'jump')).show(await sims.join('jump', 'ann'));
    const counter = () => viewer.row('counters', 1);
    sims.command('jump', 1, 41, 'add', { tag: 41 });
    await eventually(() => counter()?.last === 41);
    sims.command('jump', 1, 44, 'add', { tag: 44 });
    sims.command('jump', 1, 40, 'add', { tag: 40 });
    expect(await sims.join('jump', 'ann', 2)).toMatchObject({ ack: 41 });
    // A later join of the same hosting gives no second jump: nothing fell back.
    sims.command('jump', 1, 50, 'add', { tag: 50 });
    sims.command('jump', 1, 42, 'add', { tag: 42 });
    await eventually(() => counter()?.last === 42);
    sims.command('jump', 1, 43, 'add', { tag: 43 });
    await eventually(() => counter()?.last === 43);
    expect(await sims.join('jump', 'ann', 3)).toMatchObject({ ack: 43 });
    expect(counter()).toMatchObject({ value: 3 });
  });

  it('jump again behind an owner that knows of fewer, and none is applied twice', async () => {
    await sims.host('sim-a', 'fallen', TWITCH);
    await sims.join('fallen', 'ann');
    await sims.release('sim-a', 'fallen', 1);
    await sims.host('sim-b', 'fallen', { ...TWITCH, epoch: 2 });
    const viewer = (await Viewer.of(sims, 'fallen')).show(await sims.join('fallen', 'ann', 2));
    for (const n of [7, 7, 8, 7, 9]) sims.command('fallen', 1, n, 'add', { tag: n });
    await eventually(() => viewer.row('counters', 1)?.last === 9);
    expect(viewer.row('counters', 1)).toMatchObject({ value: 3 });
  });
});

describe('a volatile game whose step throws', () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-a', VOLATILE_GAMES);
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  it('is hosted anew at the next epoch, from its newest snapshot', async () => {
    await sims.host('sim-a', 'thrown', TWITCH);
    const viewer = (await Viewer.of(sims, 'thrown')).show(await sims.join('thrown', 'ann'));
    await eventually(() => viewer.last.tick > 60);
    sims.command('thrown', 1, 1, 'breakStep');
    await eventually(async () => (await kindsOf(sims, 'thrown')).includes('claim 2.0'));
    const shown = viewer.last;
    expect(shown.epoch).toBe(1);
    const reply = await eventually(() => sims.join('thrown', 'ann', 2));
    expect(reply).toMatchObject({ epoch: 2, pid: 1 });
    expect(reply.tick).toBeGreaterThanOrEqual(shown.tick - 50);
    expect((await sims.list('sim-a')).filter(({ game }) => game === 'thrown')).toMatchObject([{ epoch: 2 }]);
    const marks = (await snapshotsOf(sims, 'thrown')).map(({ snapshot }) => JSON.parse(snapshot.details));
    expect(marks.at(-1)).toMatchObject({ durability: 'volatile', restarts: [expect.any(Number)] });
  });

  it('fails when it throws too often within a minute, and its log says so', async () => {
    await sims.host('sim-a', 'hopeless', { ...TWITCH, options: { throwAtTick: 30 } });
    await eventually(async () => (await kindsOf(sims, 'hopeless')).some((kind) => kind.startsWith('end')), {
      timeoutMs: 30_000,
    });
    expect((await sims.log('hopeless')).at(-1)!.record).toMatchObject({
      kind: 'end',
      reason: 'failed',
      epoch: 5,
    });
    expect((await sims.list('sim-a')).filter(({ game }) => game === 'hopeless')).toEqual([]);
  });

  it('fails as well when its state grows above the limit: what cannot be stored cannot be promised', async () => {
    await sims.host('sim-a', 'fat', { ...TWITCH, options: { mode: 'calm' } });
    for (let join = 1; join <= 4; join++) {
      const { pid, ack } = await eventually(() => sims.join('fat', 'ann', join));
      sims.command('fat', pid, ack + 1, 'fatten', { rows: 100 });
      await eventually(async () => {
        const tail = (await sims.log('fat')).at(-1)!.record;
        return tail.epoch === join + 1;
      });
    }
    await eventually(async () =>
      expect((await sims.log('fat')).at(-1)!.record).toMatchObject({ kind: 'end', reason: 'failed' }),
    );
  });
});
