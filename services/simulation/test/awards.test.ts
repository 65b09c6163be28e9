import { encodeGameRecord } from '@breakwater/bus';
import type { GameDefinition } from '@breakwater/game-kit';
import { FakeClock } from '@breakwater/testkit';
import { describe, expect, it, vi } from 'vitest';
import { postAwards } from '../src/domain/ledger.ts';
import type { OwnerOptions } from '../src/domain/owner-types.ts';
import { game as lab } from './games/lab/game.ts';
import { Way } from './memory-chain.ts';
import { givenBy, ledgerRecordOf, MemoryLedgers } from './memory-ledgers.ts';
import { type LivingOwner, MemoryWorld, random, recordOf } from './memory-world.ts';

/** One game in calm weather with its first owner and its players ann (pid 1) and bob (pid 2). */
async function play(
  shared: { clock?: FakeClock; ledgers?: MemoryLedgers; game?: string } = {},
  options: Partial<OwnerOptions> = {},
  settings: Partial<GameDefinition> = {},
) {
  const definition = { ...(lab as unknown as GameDefinition), ...settings };
  const world = new MemoryWorld({ trouble: 0, random: random(5) }, options, {}, definition, shared);
  await host(world, 1);
  for (const user of ['ann', 'bob']) world.join(user, 1);
  await world.ticks(5);
  return world;
}

async function host(world: MemoryWorld, epoch: number): Promise<LivingOwner> {
  const hosting = world.host(epoch);
  await world.clock.advanceAsync(500);
  expect((await hosting).kind).toBe('hosted');
  return world.owners.at(-1)!;
}

const kindsOf = (world: MemoryWorld) => world.log.archive.map((record) => recordOf(record).kind);

function expectTotals(world: MemoryWorld, totals: Readonly<Record<string, number>>): void {
  expect(world.violations).toEqual([]);
  expect(world.ledgers.violations).toEqual([]);
  expect(Object.fromEntries(givenBy(world))).toEqual(totals);
  for (const [user, total] of Object.entries(totals)) expect(world.ledgers.totalOf(user)).toBe(total);
}

/** Nothing of the outbox is left in the log's state. */
const outboxOf = (world: MemoryWorld) => world.replay().instance!.awards();

/** Holds back what the log stores until it is let go. */
function holdLog(world: MemoryWorld) {
  const apply = world.log.apply.bind(world.log);
  let isHeld = true;
  world.log.apply = (bytes, expectedSeq) =>
    isHeld ? { kind: 'full', cause: 'held back' } : apply(bytes, expectedSeq);
  return () => {
    isHeld = false;
  };
}

describe('awards of one game', () => {
  it('are in the ledger once, leave the outbox with a later delta, and the user is told', async () => {
    const world = await play();
    world.command(1, 1, 'earn', { amount: 7 });
    world.command(2, 1, 'earn', { amount: 5 });
    await world.ticks(10);
    world.command(1, 2, 'earn', { amount: 3 });
    await world.ticks(10);
    expectTotals(world, { ann: 10, bob: 5 });
    expect(outboxOf(world)).toEqual([]);
    expect(world.ledgers.notices).toEqual([
      { user: 'ann', total: 7, amount: 7 },
      { user: 'bob', total: 5, amount: 5 },
      { user: 'ann', total: 10, amount: 3 },
    ]);
  });

  it('one breaker wins: of many hits on the last hit point one earns', async () => {
    const world = await play();
    for (const pid of [1, 2]) world.command(pid, 1, 'hit', {});
    await world.ticks(10);
    expectTotals(world, { ann: 10 });
  });

  it('SEED: nothing is posted before the delta that gave it is stored', async () => {
    const world = await play();
    const letGo = holdLog(world);
    world.command(1, 1, 'earn', { amount: 7 });
    await world.ticks(20);
    expect(world.ledgers.totalOf('ann')).toBe(0);
    letGo();
    await world.ticks(60);
    expectTotals(world, { ann: 7 });
  });

  it('an award whose delta was never stored is never posted', async () => {
    const world = await play();
    holdLog(world);
    world.command(1, 1, 'earn', { amount: 7 });
    await world.ticks(5);
    world.crash(0);
    expectTotals(world, {});
  });

  it('O1: a new owner posts what the one before it did not', async () => {
    const world = await play();
    world.ledgers.isDown = true;
    world.command(1, 1, 'earn', { amount: 7 });
    await world.ticks(10);
    expect(outboxOf(world)).toHaveLength(1);
    world.crash(0);
    world.ledgers.isDown = false;
    await host(world, 2);
    await world.ticks(10);
    expectTotals(world, { ann: 7 });
    expect(outboxOf(world)).toEqual([]);
  });

  it('O2: the game ends only when its outbox is empty', async () => {
    const world = await play();
    world.ledgers.isDown = true;
    world.command(1, 1, 'earn', { amount: 7 });
    world.command(1, 2, 'finish', {});
    await world.ticks(100);
    expect(kindsOf(world)).not.toContain('end');
    world.ledgers.isDown = false;
    await world.ticks(100);
    expect(kindsOf(world).at(-1)).toBe('end');
    expect(outboxOf(world)).toEqual([]);
    expectTotals(world, { ann: 7 });
  });

  it('O2: a game whose step throws too often ends as failed only when its awards are posted', async () => {
    const world = await play({}, { maxRestartsPerMinute: 0 });
    world.ledgers.isDown = true;
    world.command(1, 1, 'earn', { amount: 7 });
    await world.ticks(5);
    world.command(1, 2, 'breakStep', {});
    await world.ticks(100);
    expect(kindsOf(world)).not.toContain('end');
    world.ledgers.isDown = false;
    await world.ticks(100);
    expect(recordOf(world.log.archive.at(-1)!)).toMatchObject({ kind: 'end', reason: 'failed' });
    expect(world.stops).toEqual(['failed']);
    expectTotals(world, { ann: 7 });
  });

  it('O2: who asks while the end waits for the ledger is told so, and gets another answer once it is stored', async () => {
    const world = await play({}, { maxRestartsPerMinute: 0 });
    world.ledgers.isDown = true;
    world.command(1, 1, 'earn', { amount: 7 });
    await world.ticks(5);
    world.command(1, 2, 'breakStep', {});
    await world.ticks(5);
    const [{ owner } = { owner: undefined }] = world.owners;
    const housekeep = () => owner?.housekeep(world.clock.monotonicMs());
    world.join('cid', 1);
    housekeep();
    expect([owner?.awaitsLedger, world.errors]).toEqual([true, []]);
    await world.ticks(150);
    housekeep();
    expect([owner?.awaitsLedger, world.errors]).toEqual([true, ['busy']]);
    world.join('cid', 2);
    world.ledgers.isDown = false;
    await world.ticks(100);
    expect([owner?.awaitsLedger, world.errors]).toEqual([false, ['busy', 'game_failed']]);
    expectTotals(world, { ann: 7 });
  });

  it('a game falls asleep only when its outbox is empty', async () => {
    const world = await play();
    world.ledgers.isDown = true;
    world.command(1, 1, 'earn', { amount: 7 });
    await world.ticks(5);
    for (const pid of [1, 2]) world.drop(pid, 1);
    await world.ticks(150);
    expect(world.owners[0]!.owner.state).toBe('running');
    world.ledgers.isDown = false;
    await world.ticks(150);
    expect(world.owners[0]!.owner.state).toBe('sleeping');
    expectTotals(world, { ann: 7 });
  });

  it('O3: the ledger has the award and other ones behind it; the newest record still says so', async () => {
    const clock = new FakeClock();
    const ledgers = new MemoryLedgers();
    const world = await play({ clock, ledgers, game: 'one' });
    const other = await play({ clock, ledgers, game: 'two' });
    ledgers.acksToLose = 1;
    world.command(1, 1, 'earn', { amount: 7 });
    await world.ticks(1);
    while (ledgers.totalOf('ann') === 0) await world.tick();
    world.crash(0);
    other.command(1, 1, 'earn', { amount: 100 });
    await other.ticks(10);
    expect(ledgers.totalOf('ann')).toBe(107);
    await host(world, 2);
    await world.ticks(10);
    expect(ledgers.totalOf('ann')).toBe(107);
    expect(ledgers.violations).toEqual([]);
    expect(outboxOf(world)).toEqual([]);
  });

  it('O4: the same when all but the newest record of the ledger was trimmed', async () => {
    const clock = new FakeClock();
    const ledgers = new MemoryLedgers();
    const world = await play({ clock, ledgers, game: 'one' });
    const other = await play({ clock, ledgers, game: 'two' });
    world.command(1, 1, 'earn', { amount: 7 });
    while (ledgers.totalOf('ann') === 0) {
      world.stepOwners();
      await clock.advanceAsync(1);
    }
    world.crash(0);
    expect(outboxOf(world)).toHaveLength(1);
    other.command(1, 1, 'earn', { amount: 100 });
    await other.ticks(10);
    ledgers.trim('ann');
    expect(ledgers.chainOf('ann').records).toHaveLength(1);
    await host(world, 2);
    await world.ticks(10);
    expect(ledgers.totalOf('ann')).toBe(107);
    expect(ledgers.violations).toEqual([]);
    expect(outboxOf(world)).toEqual([]);
  });

  it('a restart from the log posts nothing a second time', async () => {
    const world = await play({}, { maxRestartsPerMinute: 100 });
    world.command(1, 1, 'earn', { amount: 7 });
    for (let n = 2; n < 30; n++) {
      world.command(1, n, n % 3 === 0 ? 'breakStep' : 'earn', n % 3 === 0 ? {} : { amount: n });
      await world.ticks(1);
    }
    await world.ticks(50);
    expect(world.restarts.length).toBeGreaterThan(0);
    expect(world.violations).toEqual([]);
    expect(world.ledgers.violations).toEqual([]);
    expect(world.ledgers.totalOf('ann')).toBe(givenBy(world).get('ann'));
    expect(outboxOf(world)).toEqual([]);
  });

  it('one user whose ledger cannot be read holds up nobody else', async () => {
    const world = await play();
    world.ledgers.chainOf('ann').onStored = () => undefined;
    world.ledgers.chainOf('ann').apply(new Uint8Array([99]), 0);
    world.command(1, 1, 'earn', { amount: 7 });
    world.command(2, 1, 'earn', { amount: 5 });
    await world.ticks(20);
    expect(world.ledgers.totalOf('bob')).toBe(5);
    await world.ticks(150);
    world.command(2, 2, 'earn', { amount: 6 });
    await world.ticks(8);
    expect(world.ledgers.totalOf('bob')).toBe(11);
    expect(outboxOf(world).map(({ user }) => user)).toEqual(['ann']);
  });

  it('hundreds for one user go in a few records', async () => {
    const world = await play({}, {}, { maxPendingAwardsPerUser: 200 });
    world.ledgers.isDown = true;
    for (let n = 1; n <= 200; n++) world.command(1, n, 'earn', { amount: 2 });
    await world.ticks(10);
    world.ledgers.isDown = false;
    await world.ticks(150);
    expectTotals(world, { ann: 400 });
    expect(world.ledgers.chainOf('ann').archive.length).toBe(4);
  });
});

describe('the list of games in a ledger', () => {
  function end(ledgers: MemoryLedgers, game: string) {
    const log = ledgers.logOf(game);
    const record = { kind: 'end', epoch: 1, nonce: game, n: 2, reason: 'over' } as const;
    log.apply(encodeGameRecord(record), log.records.at(-1)!.seq);
  }

  /** Logs of so many other games, which go on. */
  function fill(ledgers: MemoryLedgers, count: number) {
    const games = Array.from({ length: count }, (_, index) => `other-${index}`);
    const parts = { shared: new Uint8Array(), server: new Uint8Array(), slices: [] };
    for (const game of games) {
      const delta = { kind: 'delta', epoch: 1, nonce: game, n: 1, tick: 1, parts } as const;
      ledgers.logOf(game).apply(encodeGameRecord(delta), 0);
    }
    return games;
  }

  async function awardFromAll(ledgers: MemoryLedgers, clock: FakeClock, games: readonly string[]) {
    const calm = { trouble: 0, random: random(1) };
    for (const game of games) {
      const posting = postAwards({
        ports: ledgers.ports(game, clock, calm, new Way()),
        owner: { epoch: 1, nonce: game },
        random: random(2),
        user: 'ann',
        awards: [{ row: 1, user: 'ann', amount: 1, epoch: 1, n: 1, index: 0 }],
      });
      await clock.advanceAsync(500);
      await posting;
    }
  }
  const listed = (ledgers: MemoryLedgers) =>
    ledgerRecordOf(ledgers.chainOf('ann').records.at(-1)!).covered.map(({ game }) => game);

  it('does not grow with games that have ended', async () => {
    const clock = new FakeClock();
    const ledgers = new MemoryLedgers();
    const games = fill(ledgers, 60);
    for (const game of games) {
      await awardFromAll(ledgers, clock, [game]);
      end(ledgers, game);
    }
    expect(ledgers.totalOf('ann')).toBe(60);
    expect(listed(ledgers).length).toBeLessThan(16);
    expect(ledgers.violations).toEqual([]);
  });

  it('keeps every game that goes on; one too many waits in its outbox until one of them ends', async () => {
    const clock = new FakeClock();
    const ledgers = new MemoryLedgers();
    ledgers.maxGames = 12;
    const games = fill(ledgers, 12);
    await awardFromAll(ledgers, clock, games);
    expect(listed(ledgers)).toEqual(games);

    const world = await play({ clock, ledgers });
    world.command(1, 1, 'earn', { amount: 7 });
    await world.ticks(50);
    expect(ledgers.totalOf('ann')).toBe(12);
    expect(outboxOf(world)).toHaveLength(1);

    end(ledgers, games[3]!);
    await world.ticks(500);
    expect(ledgers.totalOf('ann')).toBe(19);
    expect(listed(ledgers)).not.toContain(games[3]);
    expect(outboxOf(world)).toEqual([]);
  });

  it("full for one user takes up that user's share of the outbox, and holds up nobody else", async () => {
    const clock = new FakeClock();
    const ledgers = new MemoryLedgers();
    ledgers.maxGames = 12;
    await awardFromAll(ledgers, clock, fill(ledgers, 12));
    const world = await play({ clock, ledgers }, {}, { maxPendingAwards: 64, maxPendingAwardsPerUser: 16 });
    const gameTail = vi.spyOn(ledgers, 'logOf');
    for (let n = 1; n <= 100; n++) world.command(1, n, 'earn', { amount: 7 });
    for (let n = 1; n <= 40; n++) {
      world.command(2, n, 'earn', { amount: 1 });
      await world.ticks(100);
    }
    const { tables } = world.replay().instance!;
    const scores = Array.from(tables.scores as Iterable<{ id: number; xp: number }>, ({ id, xp }) => [
      id,
      xp,
    ]);
    expect(scores).toEqual([
      [1, 16 * 7],
      [2, 40],
    ]);
    expect(ledgers.totalOf('bob')).toBe(40);
    expect(ledgers.totalOf('ann')).toBe(12);
    expect(outboxOf(world)).toHaveLength(16);
    // In 80 s, and each try looks at all twelve games: with the usual second between tries it would be a thousand.
    expect(gameTail.mock.calls.length).toBeLessThan(20 * 13);
    expect([...world.violations, ...ledgers.violations]).toEqual([]);
  });

  it('an owner that slept through the end of its game, and was taken off the list since, posts nothing', async () => {
    const clock = new FakeClock();
    const ledgers = new MemoryLedgers();
    const world = await play({ clock, ledgers, game: 'one' });
    ledgers.isDown = true;
    world.command(1, 1, 'earn', { amount: 7 });
    await world.ticks(10);
    const zombie = world.owners[0]!;
    zombie.way.pause();
    ledgers.isDown = false;

    await host(world, 2);
    await world.ticks(10);
    expect(ledgers.totalOf('ann')).toBe(7);
    world.command(1, 2, 'finish', {});
    await world.ticks(20);
    expect(kindsOf(world).at(-1)).toBe('end');

    ledgers.maxGames = 1;
    const other = await play({ clock, ledgers, game: 'two' });
    other.command(1, 1, 'earn', { amount: 100 });
    await other.ticks(20);
    expect(listed(ledgers)).toEqual(['two']);

    zombie.way.resume();
    await world.ticks(200);
    expect(world.stops).toContain('overtaken');
    expect(ledgers.totalOf('ann')).toBe(107);
    expect(ledgers.violations).toEqual([]);
  });
});
