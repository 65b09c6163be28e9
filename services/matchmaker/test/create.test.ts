import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { refusalOf, TestBed } from './matchmakers.ts';

test('the same creation twice at once through two matchmakers makes one game', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  await bed.matchmaker();
  const sims = [await bed.simulation('sim-a', { hostDelayMs: 50 }), await bed.simulation('sim-b')];
  await eventually(async () => expect(await bed.types()).toEqual(['world']));

  const answers = await Promise.all(Array.from({ length: 12 }, () => bed.create('ann', 'first')));

  const games = new Set(answers.map(({ info }) => info.game));
  expect(games.size).toBe(1);
  expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect(new Set(answers.map(({ info }) => info.state))).toEqual(new Set(['running']));
  expect(sims.flatMap((sim) => [...sim.hosted.keys()])).toEqual([...games]);
  expect(sims.flatMap((sim) => sim.hostRequests)).toHaveLength(1);
});

test('another key of the same user, and the same key of another user, are other games', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  await bed.simulation('sim-a');
  await eventually(() => bed.create('ann', 'one'));

  const answers = [
    await bed.create('ann', 'one'),
    await bed.create('ann', 'two'),
    await bed.create('bob', 'one'),
  ];

  expect(new Set(answers.map(({ info }) => info.game)).size).toBe(3);
  expect(answers.map(({ isNew }) => isNew)).toEqual([false, true, true]);
});

test('a creation that was left half done is finished by the retry', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker({ BREAKWATER_MATCHMAKER_STARTING_WAIT_MS: '200' });
  let isReady = false;
  const sim = await bed.simulation('sim-a', {
    onHost: () => (isReady ? undefined : { outcome: 'refused', refusal: 'unavailable', epoch: 0 }),
  });
  await eventually(async () => expect(await bed.types()).toEqual(['world']));
  expect(await refusalOf(bed.create('ann', 'half'))).toBe('unavailable');
  const [left] = await bed.list();
  expect(left?.state).toBe('starting');
  isReady = true;

  const again = await bed.create('ann', 'half');

  expect(again).toMatchObject({ isNew: false, info: { game: left?.game, state: 'running', pod: 'sim-a' } });
  expect([...sim.hosted.keys()]).toEqual([left?.game]);
});

test('options and a title reach the process and the list', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const sim = await bed.simulation('sim-a');
  const { info } = await eventually(() =>
    bed.create('ann', 'opt', { title: 'Reef', options: { size: 7, flags: ['a'] } }),
  );

  expect(sim.hostRequests.at(-1)).toMatchObject({
    game: info.game,
    epoch: 1,
    options: { size: 7, flags: ['a'] },
  });
  const [listed] = await bed.list('world');
  expect(listed).toMatchObject({ game: info.game, title: 'Reef', pod: 'sim-a', maxPlayers: 4, epoch: 1 });
  expect(await bed.list('chess')).toEqual([]);
});

test('options that the process refuses leave no game behind, and the key can be used again', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  await bed.simulation('sim-a', {
    onHost: ({ options }) =>
      options.size === -1 ? { outcome: 'refused', refusal: 'bad_options', epoch: 0 } : undefined,
  });
  await eventually(async () => expect(await bed.types()).toEqual(['world']));

  expect(await refusalOf(bed.create('ann', 'k', { options: { size: -1 } }))).toBe('bad_options');
  expect(await bed.list()).toEqual([]);
  expect((await bed.create('ann', 'k', { options: { size: 1 } })).isNew).toBe(true);
});

test.each(['no_capacity', 'bad_options'] as const)(
  'a process that says nothing may have begun the game: it stays listed when the next one refuses (%s)',
  async (refusal) => {
    await using bed = await TestBed.start();
    await bed.matchmaker();
    const slow = await bed.simulation('sim-a', { hostDelayMs: 2_000 });
    const other = await bed.simulation('sim-b', {
      onHost: () => ({ outcome: 'refused', refusal, epoch: 0 }),
    });
    await eventually(async () => expect(await bed.processes()).toHaveLength(2));

    expect(await refusalOf(bed.create('ann', 'mine'))).toBe('unavailable');
    expect([slow.hostRequests.length, other.hostRequests.length]).toEqual([1, 1]);
    await eventually(() => expect(slow.hosted.size).toBe(1));

    const again = await eventually(() => bed.create('ann', 'mine'));
    expect(again).toMatchObject({ isNew: false, info: { pod: 'sim-a', state: 'running' } });
    expect([...slow.hosted.keys()]).toEqual([again.info.game]);
    expect((await bed.list()).map(({ game }) => game)).toEqual([again.info.game]);
  },
);

test('a type that nobody hosts, and processes without room, are told apart', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  expect(await refusalOf(bed.create('ann', 'a'))).toBe('no_capacity');
  await bed.simulation('sim-a', { maxGames: 1 });
  await eventually(() => bed.create('ann', 'b'));

  expect(await refusalOf(bed.create('ann', 'c', { type: 'chess' }))).toBe('unknown_game_type');
  expect(await refusalOf(bed.create('ann', 'd'))).toBe('no_capacity');
  expect(await bed.list()).toHaveLength(1);
});

test('a process that refuses is followed by the next one', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const full = await bed.simulation('sim-a', {
    onHost: () => ({ outcome: 'refused', refusal: 'no_capacity', epoch: 0 }),
    types: [{ type: 'world', schemaVersion: 2, maxPlayers: 4 }],
  });
  const other = await bed.simulation('sim-b', {
    types: [{ type: 'world', schemaVersion: 2, maxPlayers: 4 }],
  });
  await eventually(async () => {
    await bed.create('ann', `k${other.hostRequests.length}`);
    expect(full.hostRequests.length).toBeGreaterThan(0);
    expect(other.hosted.size).toBeGreaterThan(0);
  });

  const { info } = await bed.create('ann', 'last');

  expect(info).toMatchObject({ pod: 'sim-b', state: 'running' });
  expect(other.hostRequests.at(-1)).toMatchObject({ schemaVersion: 2, epoch: 1 });
});

test('ids, keys and types that are none are refused', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  for (const bad of ['', 'a b', 'a.b', 'a>b', 'x'.repeat(65), 'é', 'a\r\nb']) {
    expect(await refusalOf(bed.create(bad, 'key'))).toBe('bad_request');
    expect(await refusalOf(bed.create('ann', bad))).toBe('bad_request');
    expect(await refusalOf(bed.quick('ann', 'key', bad))).toBe('bad_request');
    expect(await refusalOf(bed.find(bad))).toBe('bad_request');
  }
  expect(await refusalOf(bed.find('nowhere'))).toBe('game_not_found');
});
