import { fileURLToPath } from 'node:url';
import type { GameDefinition } from '@breakwater/game-kit';
import { eventually, spawnService } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChainPort } from '../src/domain/ports.ts';
import { recordOf } from './memory-world.ts';
import { game as twitch2 } from './newer-volatile-games/twitch/game.ts';
import { Sims, simEnv } from './sims.ts';
import { snapshotsOf, TWITCH, Viewer, VOLATILE_GAMES } from './volatile-viewer.ts';
import { VolatileWorld } from './volatile-world.ts';

const NEWER = {
  BREAKWATER_SIMULATION_GAME_FOLDERS: fileURLToPath(new URL('./newer-volatile-games', import.meta.url)),
};
const TWITCH_2 = { type: 'twitch', schemaVersion: 2 } as const;
/** 50 ticks a second, and a promise of a second. */
const LOSS_TICKS = 50;

const firstOf = async (sims: Sims, game: string, epoch: number) =>
  (await snapshotsOf(sims, game)).find(({ snapshot }) => snapshot.epoch === epoch)!.snapshot;

const claimsOf = async (sims: Sims, game: string) =>
  (await sims.log(game)).flatMap(({ record }) =>
    record.kind === 'claim' ? [`${record.epoch}@${record.schemaVersion}`] : [],
  );

describe('a volatile game between two versions of its type', { timeout: 60_000 }, () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-1', VOLATILE_GAMES);
    await sims.pod('sim-2', NEWER);
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  it('moved to the newer one with a player connected, goes on with all that was shown, and never back', async () => {
    await sims.host('sim-1', 'moved', { ...TWITCH, options: { mode: 'restless' } });
    const viewer = (await Viewer.of(sims, 'moved')).show(await sims.join('moved', 'ann'));
    for (let n = 1; n <= 5; n++) sims.command('moved', 1, n, 'add', { tag: n });
    await eventually(() => viewer.row('counters', 1)?.last === 5 && viewer.last.tick > 30);
    expect(await sims.warm('sim-2', 'moved', TWITCH_2)).toEqual({ outcome: 'warm' });
    const tailSeq = await sims.release('sim-1', 'moved', 1);
    await sims.bus.flush();
    const { tick } = viewer.last;
    expect(await sims.host('sim-2', 'moved', { ...TWITCH_2, epoch: 2, tailSeq })).toMatchObject({
      outcome: 'hosted',
    });
    const first = await firstOf(sims, 'moved', 2);
    expect(first).toMatchObject({ schemaVersion: 2, tick });
    expect(JSON.parse(first.details)).toMatchObject({
      durability: 'volatile',
      options: { pace: 'restless' },
    });
    const reply = await sims.join('moved', 'ann', 2);
    expect(reply).toMatchObject({ epoch: 2, pod: 'sim-2', pid: 1, ack: 5 });
    expect(JSON.parse(reply.schema)).toMatchObject({ schemaVersion: 2 });
    viewer.show(reply);
    expect([viewer.row('counters', 1), viewer.row('totals', 1)]).toMatchObject([{ value: 5 }, { value: 5 }]);
    sims.command('moved', 1, 6, 'add', { tag: 6 });
    await eventually(() => viewer.row('counters', 1)?.last === 6);
    expect(viewer.row('totals', 1)).toMatchObject({ value: 7 });
    await eventually(() => viewer.ticks > tick);
    expect(await claimsOf(sims, 'moved')).toEqual(['1@1', '2@2']);

    for (const answer of [
      await sims.host('sim-1', 'moved', { ...TWITCH, epoch: 3 }),
      await sims.warm('sim-1', 'moved', TWITCH),
    ])
      expect(answer).toMatchObject({ outcome: 'refused', refusal: 'unknown_game_type' });
    expect(await claimsOf(sims, 'moved')).toEqual(['1@1', '2@2']);
  });

  it('whose older process is killed falls back by the promise at most, and goes on in the newer one', async () => {
    const doomed = await spawnService('simulation', { env: simEnv(sims.nats, 'sim-doomed', VOLATILE_GAMES) });
    await sims.host('sim-doomed', 'killed', TWITCH);
    const viewer = (await Viewer.of(sims, 'killed')).show(await sims.join('killed', 'ann'));
    sims.command('killed', 1, 1, 'add', { tag: 1 });
    await eventually(() => viewer.last.tick > 90);
    await doomed.kill();
    await sims.bus.flush();
    const { tick } = viewer.last;
    expect(await sims.host('sim-2', 'killed', { ...TWITCH_2, epoch: 2 })).toMatchObject({
      outcome: 'hosted',
    });
    const first = await firstOf(sims, 'killed', 2);
    expect(first.tick).toBeGreaterThanOrEqual(tick - LOSS_TICKS);
    expect(first).toMatchObject({ schemaVersion: 2 });
    viewer.show(await sims.join('killed', 'ann', 2));
    sims.command('killed', 1, 2, 'add', { tag: 2 });
    await eventually(() => viewer.row('counters', 1)?.last === 2);
    expect([viewer.row('counters', 1), viewer.row('totals', 1)]).toMatchObject([{ value: 3 }, { value: 3 }]);
  });

  it('sleeps and wakes in the newer one', async () => {
    await sims.host('sim-1', 'slept', TWITCH);
    const viewer = (await Viewer.of(sims, 'slept')).show(await sims.join('slept', 'ann'));
    sims.command('slept', 1, 1, 'add', { tag: 1 });
    await eventually(() => viewer.row('counters', 1)?.last === 1);
    sims.send('slept', { kind: 'leave', pid: 1, join: 1 });
    const isAsleep = async (pod: string) =>
      (await sims.list(pod)).some(({ game, state }) => game === 'slept' && state === 'sleeping');
    await eventually(() => isAsleep('sim-1'));
    const tailSeq = await sims.release('sim-1', 'slept', 1);
    await sims.host('sim-2', 'slept', { ...TWITCH_2, epoch: 2, tailSeq });
    await eventually(() => isAsleep('sim-2'));
    const reply = await sims.join('slept', 'bob');
    expect(JSON.parse(reply.schema)).toMatchObject({ schemaVersion: 2 });
    viewer.show(reply);
    // Who left took the counter along, not the total.
    expect(viewer.row('totals', 1)).toMatchObject({ value: 0 });
    expect(await claimsOf(sims, 'slept')).toEqual(['1@1', '2@2']);
  });

  it('stays with the older one when it cannot be migrated: nothing is claimed, and the reason is told', async () => {
    await sims.host('sim-1', 'heavy', { ...TWITCH, options: { mode: 'calm' } });
    const viewer = (await Viewer.of(sims, 'heavy')).show(await sims.join('heavy', 'ann'));
    sims.command('heavy', 1, 1, 'fatten', { rows: 1 });
    await eventually(() => viewer.row('ballast', 1) !== undefined);
    const detail = 'twitch@1 cannot become twitch@2: too heavy';
    await eventually(async () =>
      expect(await sims.warm('sim-2', 'heavy', TWITCH_2)).toMatchObject({
        refusal: 'unknown_game_type',
        detail,
      }),
    );
    expect(await sims.host('sim-2', 'heavy', { ...TWITCH_2, epoch: 2 })).toMatchObject({
      refusal: 'unknown_game_type',
      detail,
    });
    sims.command('heavy', 1, 2, 'add', { tag: 2 });
    await eventually(() => viewer.row('counters', 1)?.last === 2);
    expect(await claimsOf(sims, 'heavy')).toEqual(['1@1']);
  });
});

describe('a volatile game that a newer version claimed', () => {
  /** Takes no more. */
  const closed = (port: ChainPort): ChainPort => ({
    tail: () => port.tail(),
    read: (from, to) => port.read(from, to),
    purgeBelow: (seq) => port.purgeBelow(seq),
    append: async () => ({ kind: 'full', cause: 'full' }),
  });
  const newer = twitch2 as unknown as GameDefinition;
  const claims = (world: VolatileWorld) =>
    world.log.records.map(recordOf).flatMap((each) => (each.kind === 'claim' ? [each.schemaVersion] : []));

  it('and stored nothing of is still the older one: either version goes on', async () => {
    const world = new VolatileWorld({ sleepAfterMs: 600_000 });
    const owner = await world.own(1);
    for (let tick = 0; tick < 60; tick++) {
      owner.tick(world.clock.monotonicMs());
      await world.clock.advanceAsync(20);
    }
    void owner.leave('released');
    await world.clock.advanceAsync(200);
    const refused = await world.host(2, world.ports({ snapshots: closed }), newer);
    expect(refused).toMatchObject({ kind: 'refused', refusal: 'unavailable', epoch: 2 });
    const older = await world.host(3);
    expect(older.kind === 'hosted' && older.game.instance.tick).toBe(60);
    const result = await world.host(4, world.ports(), newer);
    expect(result.kind === 'hosted' && result.game.instance.tick).toBe(60);
    expect(await world.host(5)).toMatchObject({ kind: 'refused', refusal: 'unknown_game_type' });
    expect(claims(world)).toEqual([1, 2, 1, 2]);
  });

  it('and of which nothing was ever shown begins anew in the newer one', async () => {
    const world = new VolatileWorld();
    expect(await world.host(1, world.ports({ snapshots: closed }))).toMatchObject({ refusal: 'unavailable' });
    expect((await world.host(2, world.ports(), newer)).kind).toBe('hosted');
    expect(claims(world)).toEqual([1, 2]);
  });
});
