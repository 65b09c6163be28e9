/** What an owner stores when it gives its game up, or goes on after a throw, while something waits that breaks the step. */

import { decodeSnapshot } from '@breakwater/bus';
import type { GameInstance } from '@breakwater/game-kit';
import { describe, expect, it } from 'vitest';
import type { OwnerOptions } from '../src/domain/owner-types.ts';
import { MemoryWorld, random, recordOf } from './memory-world.ts';
import { VolatileWorld } from './volatile-world.ts';

const ANN = { kind: 'join', user: 'ann', name: 'ann', edge: 'edge', session: 's', spectate: false } as const;
const NOBODY = { state: () => undefined, error: () => undefined };
const breakStep = (n: number) =>
  ({ kind: 'command', pid: 1, join: 1, n, name: 'breakStep', args: {} }) as const;

async function played(options: Partial<OwnerOptions> = {}): Promise<MemoryWorld> {
  const world = new MemoryWorld({ trouble: 0, random: random(3) }, options, { mode: 'restless' });
  await takeOver(world, 1);
  world.join('ann', 1);
  await world.ticks(5);
  world.command(1, 1);
  await world.ticks(5);
  return world;
}

async function takeOver(world: MemoryWorld, epoch: number): Promise<void> {
  const hosting = world.host(epoch);
  await world.clock.advanceAsync(300);
  expect((await hosting).kind).toBe('hosted');
}

async function leave(world: MemoryWorld, reason: 'released' | 'shutdown'): Promise<void> {
  const leaving = world.owners[0]!.owner.leave(reason);
  await world.clock.advanceAsync(300);
  await leaving;
}

const isBroken = (instance: GameInstance | undefined): boolean => {
  const { secret } = instance!.tables as unknown as { secret: Iterable<{ throwNow: number }> };
  return Array.from(secret).some(({ throwNow }) => throwNow !== 0);
};
const marks = (world: MemoryWorld) =>
  world.log.archive.map(recordOf).filter((record) => record.kind === 'delta' && record.isRestart).length;

describe('an owner that gives its game up', () => {
  it.each(['released', 'shutdown'] as const)(
    'stores nothing of a command whose step throws (%s)',
    async (reason) => {
      const world = await played();
      world.command(1, 2, 'breakStep', {});
      await leave(world, reason);
      expect(world.restarts).toHaveLength(1);
      expect(isBroken(world.replay().instance)).toBe(false);
      await takeOver(world, 2);
      await world.ticks(20);
      expect(world.restarts).toHaveLength(1);
      expect(world.replay().instance?.ackOf(1)).toBe(1);
      expect(world.violations).toEqual([]);
    },
  );

  it('stores what else was waiting, one step further', async () => {
    const world = await played();
    const { tick } = world.replay().instance!;
    world.stepOwners();
    world.command(1, 2);
    await leave(world, 'released');
    const { instance } = world.replay();
    expect(instance?.ackOf(1)).toBe(2);
    expect(instance?.tick).toBe(tick + 2);
  });

  it('stores a mark of a restart that it owes, and nothing beside it that could throw', async () => {
    const world = await played();
    world.command(1, 2, 'breakStep', {});
    world.stepOwners();
    world.command(1, 2, 'breakStep', {});
    await world.clock.advanceAsync(100);
    expect(world.restarts).toHaveLength(1);
    world.command(1, 2, 'breakStep', {});
    await leave(world, 'released');
    expect(marks(world)).toBe(1);
    expect(isBroken(world.replay().instance)).toBe(false);
    await takeOver(world, 2);
    await world.ticks(20);
    expect(world.restarts).toHaveLength(1);
  });
});

it('a command that comes again while a restart is stored is not stored with it', async () => {
  const world = await played({ maxRestartsPerMinute: 10 });
  world.command(1, 2, 'breakStep', {});
  world.stepOwners();
  await world.clock.advanceAsync(100);
  world.command(1, 2, 'breakStep', {});
  world.stepOwners();
  await world.clock.advanceAsync(100);
  expect(marks(world)).toBe(1);
  expect(isBroken(world.replay().instance)).toBe(false);
  await world.ticks(30);
  expect(world.restarts).toHaveLength(2);
  expect(marks(world)).toBe(2);
  world.command(1, 2);
  await world.ticks(10);
  expect(world.replay().instance?.ackOf(1)).toBe(2);
  expect(world.violations).toEqual([]);
});

describe('an owner of a volatile game that gives it up', () => {
  it.each(['released', 'shutdown'] as const)(
    'stores nothing of a command whose step throws, and all that was shown (%s)',
    async (reason) => {
      const world = new VolatileWorld();
      const throws: unknown[] = [];
      const onRestart = (error: unknown) => void throws.push(error);
      const owner = await world.own(1, {}, { onRestart });
      owner.receive({ ...ANN, join: 1, answer: NOBODY });
      const pass = async (ticking: typeof owner, count: number) => {
        for (let left = count; left > 0; left--) {
          ticking.tick(world.clock.monotonicMs());
          await world.clock.advanceAsync(20);
        }
      };
      await pass(owner, 63);
      owner.command(breakStep(1));
      const leaving = owner.leave(reason);
      await world.clock.advanceAsync(500);
      await leaving;
      expect(throws).toHaveLength(1);
      expect(decodeSnapshot(world.snapshots.records.at(-1)!.bytes)).toMatchObject({ value: { tick: 63 } });
      const next = await world.own(2, {}, { onRestart });
      await pass(next, 60);
      expect(throws).toHaveLength(1);
      expect(next.state).toBe('running');
      next.stop('shutdown');
    },
  );
});
