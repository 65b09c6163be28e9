import { hashParts } from '@breakwater/game-kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { game as lab } from './games/lab/game.ts';
import { MemoryWorld, random } from './memory-world.ts';

type Op =
  | { readonly op: 'ticks'; readonly count: number }
  | { readonly op: 'join'; readonly user: number; readonly older: boolean }
  | { readonly op: 'command'; readonly user: number; readonly ahead: number }
  | { readonly op: 'host'; readonly above: number }
  | { readonly op: 'crash' | 'pause' | 'resume'; readonly which: number }
  /** A command that makes the next step throw, or a socket that falls. */
  | { readonly op: 'break' | 'drop'; readonly user: number }
  | { readonly op: 'damage'; readonly which: number; readonly how: number };

/** `npm run test:long` */
const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const TIMES = IS_LONG ? 25 : 1;
const TIMEOUT_MS = IS_LONG ? 900_000 : 60_000;

const which = fc.nat({ max: 3 });
const ops: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constant('ticks' as const), count: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('join' as const), user: which, older: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constant('command' as const), user: which, ahead: fc.nat({ max: 3 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('host' as const), above: fc.integer({ min: -1, max: 2 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom('crash' as const, 'pause' as const, 'resume' as const),
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constantFrom('break' as const, 'drop' as const), user: which }),
  },
);
const damage: fc.Arbitrary<Op> = fc.record({
  op: fc.constant('damage' as const),
  which,
  how: fc.nat({ max: 3 }),
});

class Players {
  readonly #joins = new Map<number, number>();
  readonly #sent = new Map<number, number>();

  join(world: MemoryWorld, user: number, older: boolean): void {
    const newest = (this.#joins.get(user) ?? 0) + (older ? 0 : 1);
    this.#joins.set(user, newest);
    world.join(`user-${user}`, older ? Math.max(1, newest - 1) : newest);
  }

  drop(world: MemoryWorld, user: number): void {
    world.drop(user + 1, this.#joins.get(user) ?? 1);
  }

  breakStep(world: MemoryWorld, user: number): void {
    const n = (this.#sent.get(user + 1) ?? 0) + 1;
    world.command(user + 1, n, 'breakStep', {});
  }

  /** The next command, sometimes one before its turn; resent with everything after the last ack at the end. */
  command(world: MemoryWorld, user: number, ahead: number): void {
    const pid = user + 1;
    const n = (this.#sent.get(pid) ?? 0) + 1;
    this.#sent.set(pid, Math.max(n, this.#sent.get(pid) ?? 0));
    world.command(pid, n + ahead);
    world.command(pid, n);
  }
}

function restless(seed: number, trouble: number): MemoryWorld {
  return new MemoryWorld({ trouble, random: random(seed) }, { maxRestartsPerMinute: 1_000 });
}

async function perform(world: MemoryWorld, players: Players, op: Op): Promise<void> {
  switch (op.op) {
    case 'ticks':
      return world.ticks(op.count);
    case 'join':
      return players.join(world, op.user, op.older);
    case 'command':
      return players.command(world, op.user, op.ahead);
    case 'host':
      void world.host(Math.max(1, world.tailEpoch + op.above));
      return world.clock.advanceAsync(1);
    case 'crash':
      return world.crash(op.which);
    case 'pause':
      return world.owners[op.which]?.way.pause();
    case 'resume':
      return world.owners[op.which]?.way.resume();
    case 'break':
      return players.breakStep(world, op.user);
    case 'drop':
      return players.drop(world, op.user);
    case 'damage':
      return world.damageSnapshot(op.which, op.how);
    default:
      op satisfies never;
  }
}

/** The weather clears, a new owner takes over, and everything has to be as the log says. */
async function settle(world: MemoryWorld): Promise<void> {
  world.weather.trouble = 0;
  for (const { way } of world.owners) way.resume();
  await world.clock.advanceAsync(6_000);
  const hosting = world.host(world.tailEpoch + 1, 60_000);
  await world.clock.advanceAsync(6_000);
  expect((await hosting).kind).toBe('hosted');
  world.join('last', 1);
  await world.ticks(10);
}

function checkAll(world: MemoryWorld): void {
  expect(world.violations).toEqual([]);
  const replay = world.replay();
  const { tables } = replay.instance as unknown as ReturnType<typeof hydrated>;
  for (const row of tables.counters) {
    const ack = replay.instance!.ackOf(row.id);
    expect([row.value, row.last]).toEqual([ack, ack]);
  }
  for (const { reply, tailSeq } of world.replies) {
    expect(reply.seq).toBeLessThanOrEqual(tailSeq);
    const then = world.replay(reply.seq);
    const state = then.instance!.encodeState();
    expect(reply.epoch).toBe(then.head!.epoch);
    expect(reply.tick).toBe(state.tick);
    expect(Buffer.compare(reply.parts.shared, state.shared)).toBe(0);
    expect(reply.ack).toBe(then.instance!.ackOf(reply.pid));
  }
  expect(world.replies.length).toBeGreaterThan(0);
  const [last] = world.owners.slice(-1);
  expect(last!.owner.epoch).toBe(world.tailEpoch);
}

declare function hydrated(): import('@breakwater/game-kit').GameInstance<
  NonNullable<(typeof lab)['types']>['tables']
>;

function run(makeOp: fc.Arbitrary<Op>, trouble: number, numRuns: number) {
  const property = fc.asyncProperty(
    fc.array(makeOp, { minLength: 1, maxLength: 60 }),
    fc.integer(),
    async (list, seed) => {
      const world = restless(seed, 0);
      const players = new Players();
      const first = world.host(1);
      await world.clock.advanceAsync(200);
      await first;
      world.weather.trouble = trouble;
      for (const op of list) await perform(world, players, op);
      await settle(world);
      checkAll(world);
    },
  );
  return fc.assert(property, { numRuns: numRuns * TIMES });
}

describe('owners on a stream that loses, delays and doubts', { timeout: TIMEOUT_MS }, () => {
  it('store exactly the committed prefix, never a stale record after a claim, and no answer ahead of the log', async () => {
    await run(ops, 0.3, 60);
  });

  it('do so in a calm with crashes, pauses and rival claims only', async () => {
    await run(ops, 0, 40);
  });

  it('find the state again when snapshots are damaged, as long as the log reaches back', async () => {
    const calm = fc.oneof({ weight: 8, arbitrary: ops }, { weight: 1, arbitrary: damage });
    const property = fc.asyncProperty(
      fc.array(calm, { minLength: 1, maxLength: 40 }),
      fc.integer(),
      async (list, seed) => {
        const world = restless(seed, 0.1);
        world.log.purgeBelow = () => undefined;
        const first = world.host(1, 60_000);
        await world.clock.advanceAsync(3_000);
        await first;
        const players = new Players();
        for (const op of list) await perform(world, players, op);
        await settle(world);
        checkAll(world);
        expect(hashParts(world.replay().instance!.encodeState())).toBe(world.replay().instance!.hash());
      },
    );
    await fc.assert(property, { numRuns: 30 * TIMES });
  });
});
