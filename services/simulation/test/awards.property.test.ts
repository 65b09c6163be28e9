import { FakeClock } from '@breakwater/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { givenBy, MemoryLedgers } from './memory-ledgers.ts';
import { MemoryWorld, random, TICK_MS } from './memory-world.ts';

type Op =
  | { readonly op: 'ticks'; readonly count: number }
  | { readonly op: 'earn'; readonly game: number; readonly pid: number }
  | { readonly op: 'host' | 'crash' | 'pause' | 'resume' | 'break'; readonly game: number }
  | { readonly op: 'trim'; readonly pid: number }
  | { readonly op: 'down' | 'up' | 'lose' };

/** `npm run test:long` */
const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const TIMES = IS_LONG ? 25 : 1;
const TIMEOUT_MS = IS_LONG ? 900_000 : 60_000;
const USERS = ['ann', 'bob', 'cyd'];

const game = fc.nat({ max: 1 });
const pid = fc.integer({ min: 1, max: USERS.length });
const op = <const T extends string>(...names: T[]) => fc.constantFrom(...names);
const ops: fc.Arbitrary<Op> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: op('ticks'), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 10, arbitrary: fc.record({ op: op('earn'), game, pid }) },
  { weight: 6, arbitrary: fc.record({ op: op('host', 'crash', 'pause', 'resume', 'break'), game }) },
  { weight: 2, arbitrary: fc.record({ op: op('trim'), pid }) },
  { weight: 3, arbitrary: fc.record({ op: op('down', 'up', 'lose') }) },
);

/** Two games on one clock that give awards to the same three users. */
class Games {
  readonly clock = new FakeClock();
  readonly ledgers = new MemoryLedgers();
  readonly worlds: readonly MemoryWorld[];
  readonly #sent = new Map<string, number>();

  constructor(seed: number) {
    const options = { maxRestartsPerMinute: 1_000 };
    this.worlds = ['one', 'two'].map((name, index) => {
      const weather = { trouble: 0, random: random(seed + index) };
      const shared = { game: name, clock: this.clock, ledgers: this.ledgers };
      return new MemoryWorld(weather, options, {}, undefined, shared);
    });
  }

  async start(): Promise<void> {
    for (const world of this.worlds) await this.host(world, 1);
    for (const world of this.worlds) for (const user of USERS) world.join(user, 1);
    await this.ticks(5);
  }

  async host(world: MemoryWorld, epoch: number): Promise<void> {
    const hosting = world.host(epoch, 60_000);
    await this.clock.advanceAsync(3_000);
    expect((await hosting).kind).toBe('hosted');
  }

  async ticks(count: number): Promise<void> {
    for (let left = count; left > 0; left--) {
      for (const world of this.worlds) world.stepOwners();
      await this.clock.advanceAsync(TICK_MS);
    }
  }

  /** The next command of a player; what was lost with an owner is sent again. */
  command(world: MemoryWorld, pid: number, name: string, args: Record<string, unknown>): void {
    const replay = world.replay().instance;
    const key = `${world.game}/${pid}`;
    const ack = replay?.ackOf(pid) ?? 0;
    const n = (this.#sent.get(key) ?? 0) + 1;
    this.#sent.set(key, n);
    for (let lost = ack + 1; lost < n; lost++) world.command(pid, lost, 'earn', { amount: lost });
    world.command(pid, n, name, args);
  }

  async perform(op: Op): Promise<void> {
    switch (op.op) {
      case 'ticks':
        return this.ticks(op.count);
      case 'earn':
        return this.command(this.worlds[op.game]!, op.pid, 'earn', { amount: op.pid });
      case 'break':
        return this.command(this.worlds[op.game]!, 1, 'breakStep', {});
      case 'host':
        void this.worlds[op.game]!.host(this.worlds[op.game]!.tailEpoch + 1);
        return this.clock.advanceAsync(1);
      case 'crash':
        return this.worlds[op.game]!.crash(0);
      case 'pause':
        return this.worlds[op.game]!.owners[0]?.way.pause();
      case 'resume':
        return this.worlds[op.game]!.owners[0]?.way.resume();
      case 'trim':
        return this.ledgers.trim(USERS[op.pid - 1]!);
      case 'down':
      case 'up':
        this.ledgers.isDown = op.op === 'down';
        return;
      case 'lose':
        this.ledgers.acksToLose += 1;
        return;
      default:
        op satisfies never;
    }
  }

  /** The weather clears, each game has an owner that is not paused, and its outbox runs empty. */
  async settle(): Promise<void> {
    this.ledgers.isDown = false;
    for (const world of this.worlds) {
      world.weather.trouble = 0;
      for (const { way } of world.owners) way.resume();
    }
    await this.clock.advanceAsync(6_000);
    for (const world of this.worlds) await this.host(world, world.tailEpoch + 1);
    await this.ticks(60);
  }

  check(): void {
    const sums = new Map<string, number>();
    for (const world of this.worlds) {
      expect(world.violations).toEqual([]);
      expect(world.replay().instance!.awards()).toEqual([]);
      for (const [user, amount] of givenBy(world)) sums.set(user, (sums.get(user) ?? 0) + amount);
    }
    expect(this.ledgers.violations).toEqual([]);
    for (const user of USERS) expect(this.ledgers.totalOf(user)).toBe(sums.get(user) ?? 0);
  }
}

async function run(trouble: number, numRuns: number): Promise<number> {
  let awarded = 0;
  const property = fc.asyncProperty(
    fc.array(ops, { minLength: 5, maxLength: 50 }),
    fc.integer(),
    async (list, seed) => {
      const games = new Games(seed);
      await games.start();
      for (const world of games.worlds) world.weather.trouble = trouble;
      for (const each of list) await games.perform(each);
      await games.settle();
      games.check();
      awarded += USERS.reduce((sum, user) => sum + games.ledgers.totalOf(user), 0);
    },
  );
  await fc.assert(property, { numRuns: numRuns * TIMES });
  return awarded;
}

describe('totals of users who play two games', { timeout: TIMEOUT_MS }, () => {
  it('are the sum of what the logs gave, whoever crashed, was paused, overtaken or trimmed', async () => {
    expect(await run(0, 40)).toBeGreaterThan(100);
  });

  it('are so too when logs and ledgers lose, delay and doubt', async () => {
    expect(await run(0.3, 40)).toBeGreaterThan(100);
  });
});
