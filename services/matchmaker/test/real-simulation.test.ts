import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { refusalOf, TestBed } from './matchmakers.ts';
import { expectChain, logOf, ownersOf, Players, realSimulation, UNHURRIED } from './real-games.ts';

test('a real game is created once, refuses bad options, and goes on in another process when its own is killed', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker(UNHURRIED);
  await bed.matchmaker(UNHURRIED);
  await using first = await realSimulation(bed, 'sim-a');
  await eventually(async () => expect(await bed.types()).toContain('world'));

  const options = { objects: 10 };
  const answers = await Promise.all(Array.from({ length: 6 }, () => bed.create('ann', 'mine', { options })));
  const { game } = answers[0]!.info;
  expect(new Set(answers.map(({ info }) => `${info.game} ${info.pod} ${info.epoch}`))).toEqual(
    new Set([`${game} sim-a 1`]),
  );
  expect(await refusalOf(bed.create('ann', 'bad', { options: { objects: -1 } }))).toBe('bad_options');
  expect((await bed.list('world')).map((info) => info.game)).toEqual([game]);

  await using second = await realSimulation(bed, 'sim-b');
  await first.kill();
  const found = await eventually(async () => {
    const answer = await bed.find(game);
    expect(answer.info.pod).toBe('sim-b');
    return answer;
  });
  expect(found.info).toMatchObject({ epoch: 2 });
  expect(['running', 'sleeping']).toContain(found.info.state);
  await eventually(async () => expect(await bed.entry(game)).toMatchObject({ pod: 'sim-b', epoch: 2 }));
  expect(second.pid).toBeGreaterThan(0);
}, 120_000);

test('fault 31: a real process that is stopped loses its game, and adds nothing to its log when it wakes', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker(UNHURRIED);
  await using first = await realSimulation(bed, 'sim-a');
  const { game } = (await eventually(() => bed.create('ann', 'mine', { options: { objects: 10 } }))).info;
  using players = new Players(bed);
  await players.join(game, 'ann');
  await using second = await realSimulation(bed, 'sim-b');
  await eventually(async () => expect(await bed.processes()).toHaveLength(2));
  first.pause();

  await eventually(async () => expect(await bed.entry(game)).toMatchObject({ pod: 'sim-b' }), {
    timeoutMs: 30_000,
  });
  first.resume();

  await eventually(async () =>
    expect(await bed.processes()).toMatchObject([
      { pod: 'sim-a', games: 0 },
      { pod: 'sim-b', games: 1 },
    ]),
  );
  const records = await logOf(bed, game);
  expectChain(records);
  expect(ownersOf(records)).toEqual(['sim-a', 'sim-b']);
  expect(second.pid).toBeGreaterThan(0);
}, 120_000);
