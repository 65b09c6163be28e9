import { describe, expect, it } from 'vitest';
import { MemoryWorld, random, recordOf } from './memory-world.ts';

async function hosted(
  options: ConstructorParameters<typeof MemoryWorld>[1] = {},
  game: Record<string, unknown> = {},
) {
  const world = new MemoryWorld({ trouble: 0, random: random(5) }, options, game);
  const hosting = world.host(1);
  await world.clock.advanceAsync(200);
  expect((await hosting).kind).toBe('hosted');
  return world;
}

describe('an owner', () => {
  it('freezes while an append is unsettled and goes on with the identical record', async () => {
    const world = await hosted();
    world.join('ann', 1);
    await world.ticks(5);
    world.weather.trouble = 1;
    world.command(1, 1);
    await world.ticks(100);
    const frozen = world.log.archive.length;
    const ticksBefore = world.replay().instance!.tick;
    world.weather.trouble = 0;
    world.command(1, 2);
    await world.clock.advanceAsync(3_000);
    await world.ticks(5);
    expect(world.log.archive.length).toBeGreaterThan(frozen);
    expect(world.replay().instance!.ackOf(1)).toBe(2);
    // A second's worth of ticks at most ran ahead of the log.
    expect(world.replay().instance!.tick - ticksBefore).toBeLessThan(70);
    expect(new Set(world.log.archive.map((record) => recordOf(record).nonce)).size).toBe(1);
    expect(world.violations).toEqual([]);
  });

  it('appends at least once a second while players are connected, and nothing when nobody is there', async () => {
    const world = await hosted({ keepAliveMs: 1_000 });
    world.join('ann', 1);
    await world.ticks(10);
    const before = world.log.archive.length;
    await world.ticks(500);
    const beats = world.log.archive.length - before;
    expect(beats).toBeGreaterThanOrEqual(8);
    expect(beats).toBeLessThanOrEqual(11);
    world.drop(1, 1);
    await world.ticks(100);
    const asleep = world.log.archive.length;
    await world.ticks(500);
    expect(world.log.archive.length).toBe(asleep);
    expect(world.owners[0]!.owner.state).toBe('sleeping');
  });

  it('appends in its first tick when it has players, though nothing changed, and leaves an empty game alone', async () => {
    const world = await hosted({ keepAliveMs: 60_000 });
    world.join('ann', 1);
    await world.ticks(5);
    world.crash(0);
    const second = world.host(2);
    await world.clock.advanceAsync(200);
    expect((await second).kind).toBe('hosted');
    await world.ticks(2);
    const kinds = () =>
      world.log.archive.map((record) => recordOf(record)).map(({ kind, epoch }) => `${kind} ${epoch}`);
    expect(kinds().slice(-2)).toEqual(['claim 2', 'delta 2']);
    await world.ticks(100);
    expect(kinds().at(-2)).toBe('claim 2');
    world.drop(1, 1);
    await world.ticks(200);
    expect(world.owners[0]!.owner.state).toBe('sleeping');
    world.crash(0);
    const before = world.log.archive.length;
    const third = world.host(3);
    await world.clock.advanceAsync(200);
    expect((await third).kind).toBe('hosted');
    await world.ticks(100);
    // The claim, and what a game leaves behind that goes to sleep.
    expect(kinds().slice(before)).toEqual(['claim 3', 'delta 3']);
    expect(world.owners[0]!.owner.state).toBe('sleeping');
  });

  it('gives up a game whose stored records are gone, after looking for a while', async () => {
    const world = await hosted({}, { mode: 'restless' });
    await world.ticks(5);
    world.log.records = [];
    world.log.lastSeq = 0;
    await world.ticks(50);
    expect(world.stops).toEqual([]);
    await world.ticks(2_000);
    expect(world.stops).toEqual(['failed']);
    expect(world.log.records).toEqual([]);
  });

  it('restarts a throwing game three times a minute and then marks it failed', async () => {
    const world = await hosted({}, { throwAtTick: 3 });
    await world.ticks(200);
    expect(world.restarts).toHaveLength(4);
    expect(world.stops).toEqual(['failed']);
    expect(recordOf(world.log.archive.at(-1)!)).toMatchObject({ kind: 'end', reason: 'failed' });
  });

  it('counts the restarts of the owners before it, also when a snapshot came between', async () => {
    for (const snapshotEveryRecords of [1_000, 2]) {
      const world = await hosted({ snapshotEveryRecords }, { throwAtTick: 30 });
      while (world.restarts.length < 2) await world.ticks(1);
      await world.ticks(2);
      world.crash(0);
      const hosting = world.host(2);
      await world.clock.advanceAsync(200);
      expect((await hosting).kind).toBe('hosted');
      await world.ticks(200);
      expect(world.restarts).toHaveLength(4);
      expect(world.stops).toEqual(['failed']);
      expect(recordOf(world.log.archive.at(-1)!)).toMatchObject({ kind: 'end', reason: 'failed', epoch: 2 });
      expect(world.violations).toEqual([]);
    }
  });

  it.each([
    ['while it is loaded again', () => true],
    ['before it could append', (state: { isTicking: boolean }) => state.isTicking],
  ] as const)('does not forget that its game threw when it leaves %s', async (_when, isTime) => {
    const world = await hosted({}, { throwAtTick: 30 });
    for (let epoch = 1; epoch <= 3; epoch++) {
      const { owner } = world.owners[0]!;
      while (world.restarts.length < epoch) await world.ticks(1);
      while (!isTime(owner)) await world.clock.advanceAsync(1);
      const leaving = owner.leave('released');
      await world.clock.advanceAsync(500);
      await leaving;
      const hosting = world.host(epoch + 1);
      await world.clock.advanceAsync(200);
      expect((await hosting).kind).toBe('hosted');
    }
    await world.ticks(100);
    expect(world.restarts).toHaveLength(4);
    expect(recordOf(world.log.archive.at(-1)!)).toMatchObject({ kind: 'end', reason: 'failed', epoch: 4 });
    expect(world.violations).toEqual([]);
  });

  it('snapshots a game in time although none of its owners lives long enough to', async () => {
    const world = await hosted({ snapshotEveryRecords: 60, keepAliveMs: 50 });
    for (let epoch = 2; epoch <= 9; epoch++) {
      world.join('ann', epoch);
      await world.ticks(40);
      world.crash(epoch - 2);
      const hosting = world.host(epoch);
      await world.clock.advanceAsync(200);
      expect((await hosting).kind).toBe('hosted');
    }
    expect(world.log.archive.length).toBeGreaterThan(60);
    expect(world.snapshots.archive.length).toBeGreaterThan(0);
    expect(world.violations).toEqual([]);
  });

  it('finds out that it was overtaken while it slept, when it looks', async () => {
    const world = await hosted();
    await world.ticks(100);
    const { owner, way } = world.owners[0]!;
    expect(owner.state).toBe('sleeping');
    await Promise.all([owner.checkTail(), world.clock.advanceAsync(100)]);
    expect(world.stops).toEqual([]);
    way.pause();
    const hosting = world.host(2);
    await world.clock.advanceAsync(300);
    expect((await hosting).kind).toBe('hosted');
    way.resume();
    await Promise.all([owner.checkTail(), world.clock.advanceAsync(100)]);
    expect(world.stops).toEqual(['overtaken']);
  });

  it('tells nobody that the game is full, or has ended, before that is stored', async () => {
    const world = await hosted({}, {});
    world.join('ann', 1);
    await world.ticks(5);
    world.command(1, 1, 'finish', {});
    world.owners[0]!.way.pause();
    await world.ticks(1);
    const rival = world.host(2);
    await world.clock.advanceAsync(300);
    expect((await rival).kind).toBe('hosted');
    const [old] = world.owners;
    old!.way.resume();
    world.join('bob', 1);
    await world.ticks(30);
    expect(world.stops).toEqual(['overtaken']);
    expect(world.errors).toEqual([]);
    expect(world.replies.at(-1)?.reply).toMatchObject({ epoch: 2 });
  });

  it('answers a join that a restart interrupted, once, with stored state', async () => {
    const world = await hosted();
    world.join('ann', 1);
    await world.ticks(5);
    world.command(1, 1, 'breakStep', {});
    world.join('bob', 1);
    await world.ticks(30);
    expect(world.restarts).toHaveLength(1);
    const bobs = world.replies.filter(({ reply }) => reply.pid === 2);
    expect(bobs).toHaveLength(1);
    const stored = world.replay(bobs[0]!.reply.seq).instance!;
    expect(Buffer.from(bobs[0]!.reply.parts.shared)).toEqual(Buffer.from(stored.encodeState().shared));
  });

  it('ends a game that nobody came back to, awake or asleep, when its type says so', async () => {
    const world = await hosted();
    const { definition } = world.factory;
    const awake = { ...definition, sleepAfterMs: 60_000, endAfterMs: 500 };
    const asleep = { ...definition, sleepAfterMs: 400, endAfterMs: 5_000 };
    for (const changed of [awake, asleep]) {
      const ending = new MemoryWorld({ trouble: 0, random: random(6) }, {}, {}, changed);
      void ending.host(1);
      await ending.clock.advanceAsync(200);
      for (let round = 0; round < 40; round++) {
        await ending.ticks(10);
        for (const { owner } of [...ending.owners]) owner.housekeep(ending.clock.monotonicMs());
      }
      expect(ending.stops).toEqual(['ended']);
      expect(recordOf(ending.log.archive.at(-1)!)).toMatchObject({ kind: 'end', reason: 'empty' });
    }
  });

  it('leaves within the time that it is given when its log does not answer', async () => {
    const world = await hosted({}, { mode: 'restless' });
    await world.ticks(3);
    world.weather.trouble = 1;
    await world.ticks(3);
    const ending = new AbortController();
    const left = world.owners[0]!.owner.leave('shutdown', ending.signal);
    ending.abort();
    await left;
    expect(world.stops).toEqual(['shutdown']);
  });

  it.each(['released', 'shutdown'] as const)(
    'that was told to leave (%s) commits what it has and writes nothing more; only who ends takes a snapshot',
    async (reason) => {
      const world = await hosted({ snapshotEveryRecords: 1_000 });
      world.join('ann', 1);
      await world.ticks(5);
      world.command(1, 1);
      const { owner } = world.owners[0]!;
      const leaving = owner.leave(reason);
      await world.clock.advanceAsync(500);
      expect(await leaving).toBe(world.log.lastSeq);
      expect(world.replay().instance!.ackOf(1)).toBe(1);
      expect(world.snapshots.records).toHaveLength(reason === 'shutdown' ? 1 : 0);
      const length = world.log.archive.length;
      world.join('bob', 1);
      await world.ticks(20);
      expect(world.log.archive.length).toBe(length);
    },
  );
});
