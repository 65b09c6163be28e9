import { describe, expect, it } from 'vitest';
import { MemoryWorld, random, recordOf } from './memory-world.ts';

const CALM = { trouble: 0, random: () => 0.5 };

async function hosted(world: MemoryWorld, epoch: number): Promise<void> {
  const hosting = world.host(epoch);
  await world.clock.advanceAsync(500);
  expect((await hosting).kind).toBe('hosted');
}

/** A game with two players and a command a tick, so that every append carries effects of one. */
async function played(): Promise<MemoryWorld> {
  const world = new MemoryWorld(CALM, { snapshotEveryRecords: 4 }, { mode: 'restless' });
  await hosted(world, 1);
  for (const user of ['ann', 'bob']) world.join(user, 1);
  await world.ticks(4);
  return world;
}

/** Kills the owner at the first moment of each kind, before it hears what became of what it had asked for. */
const MOMENTS = {
  'a delta is stored': (world: MemoryWorld, kill: () => void) => {
    const { onStored } = world.log;
    world.log.onStored = (record, before) => {
      onStored(record, before);
      kill();
    };
  },
  'a snapshot is stored, and not read back': (world: MemoryWorld, kill: () => void) => {
    world.snapshots.onStored = kill;
  },
  'snapshots are tidied, and the log is not purged': (world: MemoryWorld, kill: () => void) => {
    const purge = world.snapshots.purgeBelow.bind(world.snapshots);
    world.snapshots.purgeBelow = (seq) => {
      purge(seq);
      kill();
    };
  },
  'the log is purged': (world: MemoryWorld, kill: () => void) => {
    const purge = world.log.purgeBelow.bind(world.log);
    world.log.purgeBelow = (seq) => {
      purge(seq);
      kill();
    };
  },
} as const;

/** The next owner has exactly what was stored before its claim, and goes on ticking behind it. */
async function expectGoodSuccessor(world: MemoryWorld): Promise<void> {
  await hosted(world, 2);
  // What was under way when the old one died may still have arrived before the claim.
  const stored = world.replay(world.log.archive.find((record) => recordOf(record).epoch === 2)!.seq);
  world.join('ann', 2);
  await world.ticks(3);
  const { reply } = world.replies.at(-1)!;
  expect(reply).toMatchObject({ epoch: 2, pid: 1, ack: stored.instance!.ackOf(1) });
  const counters = Array.from(
    world.replay(reply.seq).instance!.tables.counters as Iterable<{
      id: number;
      value: number;
      last: number;
    }>,
    ({ id, value, last }) => [id, value, last],
  );
  expect(counters).toContainEqual([1, reply.ack, reply.ack]);
  const ticks = world.log.archive.flatMap((record) => {
    const decoded = recordOf(record);
    return decoded.kind === 'delta' ? [decoded.tick] : [];
  });
  expect(ticks).toEqual([...new Set(ticks)].toSorted((a, b) => a - b));
  expect(ticks.at(-1)).toBeGreaterThan(stored.instance!.tick);
  expect(world.violations).toEqual([]);
}

describe('fault 32: a process that is killed', () => {
  it.each(Object.entries(MOMENTS))(
    'when %s is followed by one with the stored prefix, each tick once',
    async (_moment, arm) => {
      const world = await played();
      let isDead = false;
      arm(world, () => {
        // What comes after is the next owner's.
        if (isDead) return;
        isDead = true;
        world.crash(0);
      });
      for (let n = 1; !isDead; n++) {
        world.command(1, n);
        await world.tick();
      }
      expect(world.owners).toEqual([]);
      await expectGoodSuccessor(world);
    },
  );

  it('at any other moment of a few ticks is so, too', async () => {
    for (let killMs = 0; killMs < 90; killMs += 6) {
      const world = await played();
      for (let ms = 0, n = 0; ms < killMs; ms++) {
        if (ms % 20 === 0) {
          world.command(1, ++n);
          world.stepOwners();
        }
        await world.clock.advanceAsync(1);
      }
      world.crash(0);
      await expectGoodSuccessor(world);
    }
  });
});

describe('fault 31: an owner that hears nothing of the claim', () => {
  it('is stopped by its next append, before its next tick, and answers nobody', async () => {
    const world = new MemoryWorld({ trouble: 0, random: random(5) }, {}, { mode: 'restless' });
    await hosted(world, 1);
    world.join('ann', 1);
    await world.ticks(10);
    const [old] = world.owners;
    old!.way.pause();
    await hosted(world, 2);
    old!.way.resume();
    const claimed = world.log.archive.length;
    world.join('bob', 1);
    await world.tick();
    await world.tick();
    expect(world.stops).toEqual(['overtaken']);
    expect(world.owners.map(({ epoch }) => epoch)).toEqual([2]);
    await world.ticks(5);
    const later = world.log.archive.slice(claimed).map(recordOf);
    expect(later.length).toBeGreaterThan(0);
    expect(later.every(({ epoch }) => epoch === 2)).toBe(true);
    const bobs = world.replies.filter(({ reply }) => reply.pid === 2);
    expect(bobs.map(({ reply }) => reply.epoch)).toEqual([2]);
    expect(world.violations).toEqual([]);
  });
});
