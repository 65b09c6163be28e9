import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { refusalOf, TestBed } from './matchmakers.ts';

const WORLD_1 = { type: 'world', schemaVersion: 1, maxPlayers: 4 };
const WORLD_2 = { type: 'world', schemaVersion: 2, maxPlayers: 4 };

/** Every process that was started has been heard. */
async function areHeard(bed: TestBed, count: number): Promise<void> {
  await eventually(async () => expect(await bed.processes()).toHaveLength(count));
}

test('a game is moved: warmed up, released, and claimed at the tail that the owner told', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const owner = await bed.simulation('sim-a');
  const { game } = (await eventually(() => bed.create('ann', 'mine'))).info;
  const successor = await bed.simulation('sim-b');
  const third = await bed.simulation('sim-c');
  await areHeard(bed, 3);

  expect(await bed.move(game, 'sim-b')).toMatchObject({ game, pod: 'sim-b', epoch: 2 });

  expect(successor.warmRequests).toMatchObject([{ game, type: 'world', schemaVersion: 1 }]);
  expect(owner.releaseRequests).toMatchObject([{ game, epoch: 1 }]);
  expect(successor.hostRequests).toMatchObject([{ game, epoch: 2, tailSeq: 1_001 }]);
  expect(await bed.entry(game)).toMatchObject({ pod: 'sim-b', epoch: 2, state: 'running' });
  expect(owner.hosted.has(game)).toBe(false);

  expect((await bed.move(game)).pod).not.toBe('sim-b');
  expect(await bed.move(game, 'sim-c')).toMatchObject({ pod: 'sim-c' });
  expect(third.hosted.has(game)).toBe(true);
});

test('a move that cannot be is refused, and the game stays', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const owner = await bed.simulation('sim-a');
  const { game } = (await eventually(() => bed.create('ann', 'mine'))).info;
  await bed.simulation('sim-full', { maxGames: 0 });
  await bed.simulation('sim-chess', { types: [{ type: 'chess', schemaVersion: 1, maxPlayers: 2 }] });
  const draining = await bed.simulation('sim-drains');
  draining.drain();
  const unwilling = await bed.simulation('sim-no', {
    onWarm: () => ({ outcome: 'refused', refusal: 'unavailable' }),
  });
  await eventually(async () => {
    const processes = await bed.processes();
    expect(processes).toHaveLength(5);
    expect(processes.find(({ pod }) => pod === 'sim-drains')?.isDraining).toBe(true);
  });

  expect(await refusalOf(bed.move('nowhere'))).toBe('game_not_found');
  expect(await refusalOf(bed.move(game, 'sim-x'))).toBe('bad_request');
  expect(await refusalOf(bed.move(game, 'sim-full'))).toBe('no_capacity');
  expect(await refusalOf(bed.move(game, 'sim-drains'))).toBe('no_capacity');
  expect(await refusalOf(bed.move(game, 'sim-chess'))).toBe('unknown_game_type');
  expect(await refusalOf(bed.move(game))).toBe('unavailable');

  expect(unwilling.warmRequests).toHaveLength(1);
  expect(await bed.move(game, 'sim-a')).toMatchObject({ pod: 'sim-a', epoch: 1 });
  expect(owner.releaseRequests).toEqual([]);
  expect(owner.hosted.get(game)?.epoch).toBe(1);
});

test('a successor that fails after the release leaves the game to another', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const owner = await bed.simulation('sim-a');
  const { game } = (await eventually(() => bed.create('ann', 'mine'))).info;
  await bed.simulation('sim-b', {
    onHost: () => ({ outcome: 'refused', refusal: 'unavailable', epoch: 1 }),
  });
  await areHeard(bed, 2);

  const moved = await bed.move(game, 'sim-b');

  expect(moved).toMatchObject({ pod: 'sim-a', epoch: 2 });
  expect(owner.hosted.get(game)?.epoch).toBe(2);
});

test('an owner that refuses to give the game up keeps it', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const owner = await bed.simulation('sim-a', {
    onRelease: () => {
      throw new Error('not now');
    },
  });
  const { game } = (await eventually(() => bed.create('ann', 'mine'))).info;
  const successor = await bed.simulation('sim-b');
  await areHeard(bed, 2);

  expect(await refusalOf(bed.move(game))).toBe('unavailable');

  expect(successor.warmRequests).toHaveLength(1);
  expect(successor.hostRequests).toEqual([]);
  expect((await bed.find(game)).info).toMatchObject({ pod: 'sim-a', epoch: 1 });
  expect(owner.hosted.has(game)).toBe(true);
});

test('an owner that answers nothing is claimed over, the others wait for the move', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker({ BREAKWATER_MATCHMAKER_RELEASE_TIMEOUT_MS: '200' });
  const owner = await bed.simulation('sim-a', { onRelease: () => new Promise(() => undefined) });
  const { game } = (await eventually(() => bed.create('ann', 'mine'))).info;
  const successor = await bed.simulation('sim-b');
  await areHeard(bed, 2);

  const move = bed.move(game, 'sim-b');
  await eventually(() => expect(owner.releaseRequests).toHaveLength(1));
  const [moved, found] = await Promise.all([move, bed.find(game)]);

  expect(moved).toMatchObject({ pod: 'sim-b', epoch: 2 });
  expect(found.info).toMatchObject({ epoch: moved.epoch });
  expect(successor.hostRequests.map(({ epoch, tailSeq }) => ({ epoch, tailSeq }))).toEqual([
    { epoch: 2, tailSeq: undefined },
  ]);
});

test('a process that drains is emptied, those with the fewest players first', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker({ BREAKWATER_MATCHMAKER_MAX_MOVES: '1' });
  await bed.matchmaker({ BREAKWATER_MATCHMAKER_MAX_MOVES: '1' });
  const draining = await bed.simulation('sim-a');
  const players = [3, 1, 4, 2, 0];
  const games: string[] = [];
  for (const count of players) {
    const { game } = (await eventually(() => bed.create('ann', `game-${count}`))).info;
    games[count] = game;
    draining.report(game, { players: count });
  }
  const other = await bed.simulation('sim-b');
  await eventually(async () =>
    expect((await bed.list()).map((info) => info.players).sort()).toEqual([0, 1, 2, 3, 4]),
  );
  await areHeard(bed, 2);

  draining.drain();

  await eventually(() => expect([...other.hosted.keys()].sort()).toEqual([...games].sort()));
  expect(draining.releaseRequests.map(({ game }) => game)).toEqual(games);
  expect(draining.hosted.size).toBe(0);
  expect(new Set(bed.claims.epochs.values())).toEqual(new Set([2]));
});

test('a drain with nowhere to go goes on when there is room', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const draining = await bed.simulation('sim-a');
  for (let n = 0; n < 3; n++) await eventually(() => bed.create('ann', `game-${n}`));
  const other = await bed.simulation('sim-b', { maxGames: 1 });
  await areHeard(bed, 2);
  draining.drain();
  await eventually(() => expect(other.hosted.size).toBe(1));
  expect(draining.hosted.size).toBe(2);

  other.maxGames = 10;

  await eventually(() => expect(other.hosted.size).toBe(3));
  expect(draining.hosted.size).toBe(0);
  expect((await bed.create('ann', 'after')).info.pod).toBe('sim-b');
});

test('a game goes to its own version where that is hosted, else to one that migrates it', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const old = await bed.simulation('old', { types: [WORLD_1] });
  const { game } = (await eventually(() => bed.create('ann', 'mine'))).info;
  const alien = await bed.simulation('alien', { types: [WORLD_2] });
  const newer = await bed.simulation('newer', { types: [{ ...WORLD_2, migratesFrom: [0, 1] }] });
  const same = await bed.simulation('same', { types: [WORLD_1] });
  await areHeard(bed, 4);

  expect(await bed.move(game)).toMatchObject({ pod: 'same', epoch: 2 });
  expect(await refusalOf(bed.move(game, 'alien'))).toBe('unknown_game_type');
  old.drain();
  same.drain();

  await eventually(async () =>
    expect(await bed.entry(game)).toMatchObject({ pod: 'newer', epoch: 3, schemaVersion: 2 }),
  );
  expect(newer.warmRequests).toMatchObject([{ game, schemaVersion: 2 }]);
  expect(newer.hostRequests).toMatchObject([{ game, schemaVersion: 2, tailSeq: 1_002 }]);
  expect(alien.hostRequests).toEqual([]);
});

test('operators see the processes as they are', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const first = await bed.simulation('sim-a', { node: 'north' });
  const { game } = (await eventually(() => bed.create('ann', 'mine'))).info;
  first.report(game, { players: 3 });
  await bed.simulation('sim-b');

  await eventually(async () =>
    expect(await bed.processes()).toMatchObject([
      { pod: 'sim-a', node: 'north', games: 1, players: 3, types: [{ type: 'world', schemaVersion: 1 }] },
      { pod: 'sim-b', games: 0, players: 0, isDraining: false, isCordoned: false },
    ]),
  );
});
