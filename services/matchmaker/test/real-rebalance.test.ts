import { simStatus, subjectsFor } from '@breakwater/bus';
import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { TestBed } from './matchmakers.ts';
import { logOf, ownersOf, Players, realSimulation, TEST_GAMES, UNHURRIED } from './real-games.ts';

const LIMIT = { timeoutMs: 60_000 };
const BUDGET_MS = 8;
const BURN_MS = 12;
const SLOW = {
  ...UNHURRIED,
  BREAKWATER_MATCHMAKER_REBALANCE_TICK_BUDGET_MS: String(BUDGET_MS),
  BREAKWATER_MATCHMAKER_REBALANCE_HEARTBEATS: '3',
  BREAKWATER_MATCHMAKER_REBALANCE_MOVES_PER_MINUTE: '0.1',
};
const subjects = subjectsFor(4);

/** Heartbeats so far in which a process said that its ticks take longer than the budget. */
function slowHeartbeats(bed: TestBed): (pod: string) => number {
  const counts = new Map<string, number>();
  bed.bus.subscribe(subjects.simStatus(), {}, (message) => {
    const { pod, tickP99Ms } = simStatus(message.json());
    if (tickP99Ms > BUDGET_MS) counts.set(pod, (counts.get(pod) ?? 0) + 1);
  });
  return (pod) => counts.get(pod) ?? 0;
}

test('a real process whose ticks take too long is relieved of a game where that is asked for, and of no more than the limit allows', async () => {
  await using bed = await TestBed.start();
  const still = await bed.matchmaker(SLOW);
  await using slow = await realSimulation(bed, 'sim-slow', TEST_GAMES);
  await eventually(async () => expect(await bed.types()).toEqual(['heavy']), LIMIT);
  using players = new Players(bed);
  const games: string[] = [];
  for (const name of ['one', 'two', 'three']) {
    const { game } = (await bed.create('ann', name, { type: 'heavy', options: { burnMs: BURN_MS } })).info;
    await players.join(game, `user-${name}`);
    games.push(game);
  }
  await using calm = await realSimulation(bed, 'sim-calm', TEST_GAMES);
  await using idle = await realSimulation(bed, 'sim-idle', TEST_GAMES);
  await eventually(async () => expect(await bed.processes()).toHaveLength(3), LIMIT);
  const heartbeats = slowHeartbeats(bed);
  const ownersNow = async () => {
    const owners = await Promise.all(games.map(async (game) => ownersOf(await logOf(bed, game)).at(-1)!));
    return owners.sort();
  };
  /** So many heartbeats more in which the process was too slow. */
  const slowFor = async (count: number) => {
    const from = heartbeats('sim-slow');
    await eventually(() => expect(heartbeats('sim-slow')).toBeGreaterThan(from + count), LIMIT);
  };

  await slowFor(12);
  expect(await ownersNow()).toEqual(['sim-slow', 'sim-slow', 'sim-slow']);

  await bed.matchmaker({ ...SLOW, BREAKWATER_MATCHMAKER_REBALANCE: 'true' });
  await still.shutdown({ drain: true });
  await eventually(async () => expect(new Set(await ownersNow()).size).toBe(2), LIMIT);
  // It is as slow as before, and a process without games is there: only the limit holds the next one back.
  await slowFor(12);
  const owners = await ownersNow();

  expect(owners.filter((pod) => pod === 'sim-slow')).toHaveLength(2);
  for (const game of games) expect((await logOf(bed, game)).some(({ kind }) => kind === 'end')).toBe(false);
  expect([slow, calm, idle].map(({ exitStatus }) => exitStatus)).toEqual([undefined, undefined, undefined]);
}, 240_000);
