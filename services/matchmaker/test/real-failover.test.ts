import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { TestBed } from './matchmakers.ts';
import { expectChain, logOf, ownersOf, Players, realSimulation, UNHURRIED } from './real-games.ts';

const GAMES = 20;
const LIMIT = { timeoutMs: 60_000 };

/** The log of each game ends with deltas of an owner at this epoch, and the registry names it. */
async function goOn(
  bed: TestBed,
  games: readonly string[],
  pods: readonly string[],
  epoch: number,
): Promise<void> {
  for (const game of games) {
    await eventually(async () => {
      const records = await logOf(bed, game);
      const own = records.filter((record) => record.epoch === epoch);
      expect(own[0]).toMatchObject({ kind: 'claim' });
      expect(own.filter(({ kind }) => kind === 'delta').length).toBeGreaterThan(2);
      expectChain(records);
      expect(records.some(({ kind }) => kind === 'end')).toBe(false);
      expect(pods).toContain(ownersOf(records).at(-1));
      expect(await bed.entry(game)).toMatchObject({ epoch, pod: ownersOf(records).at(-1) });
    }, LIMIT);
  }
}

test('twenty games outlive a kill, a move and a drain of their processes: each time an epoch more, in an unbroken log', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker(UNHURRIED);
  await bed.matchmaker(UNHURRIED);
  await using first = await realSimulation(bed, 'sim-a');
  await eventually(async () => expect(await bed.types()).toContain('world'), LIMIT);
  using players = new Players(bed);
  const games: string[] = [];
  for (let n = 0; n < GAMES; n++) {
    const { game } = (await bed.create('ann', `game-${n}`, { options: { objects: 10 } })).info;
    await players.join(game, `user-${n}`);
    games.push(game);
  }
  await using second = await realSimulation(bed, 'sim-b');
  await eventually(async () => expect(await bed.processes()).toHaveLength(2), LIMIT);

  await first.kill();
  await goOn(bed, games, ['sim-b'], 2);

  await using third = await realSimulation(bed, 'sim-c');
  await eventually(
    async () => expect((await bed.processes()).map(({ pod }) => pod)).toEqual(['sim-b', 'sim-c']),
    LIMIT,
  );
  expect(await bed.move(games[0]!)).toMatchObject({ pod: 'sim-c', epoch: 3 });
  const end = await second.stop({ timeoutMs: 60_000 });

  expect(end.code).toBe(0);
  await goOn(bed, games, ['sim-c'], 3);
  expect(third.pid).toBeGreaterThan(0);
}, 240_000);
