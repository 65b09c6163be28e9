import { decodeSnapshot, gameId, gameStreamName, snapshotStreamName, subjectsFor } from '@breakwater/bus';
import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { TestBed } from './matchmakers.ts';
import {
  expectChain,
  logOf,
  ownersOf,
  Players,
  realSimulation,
  TEST_GAMES,
  UNHURRIED,
} from './real-games.ts';

const LIMIT = { timeoutMs: 60_000 };
const MAX_MOVES = 3;
const PARTITIONS = 4;
const says = (text: string) => (line: { text: string }) => line.text.includes(text);

/** What the matchmaker asked of processes, in order. */
function questions(bed: TestBed): { verb: string; game: string }[] {
  const asked: { verb: string; game: string }[] = [];
  bed.bus.subscribe('sim.*.*', {}, (message) => {
    const verb = message.subject.split('.')[2]!;
    const { game } = message.json() as { game?: string };
    if (game !== undefined) asked.push({ verb, game });
  });
  return asked;
}

/** Games that are warm somewhere and not yet claimed there: the most at one time. */
function mostAtOnce(asked: readonly { verb: string; game: string }[]): number {
  const moving = new Set<string>();
  let most = 0;
  for (const { verb, game } of asked) {
    if (verb === 'warm') moving.add(game);
    if (verb === 'host') moving.delete(game);
    most = Math.max(most, moving.size);
  }
  return most;
}

async function create(bed: TestBed, players: Players, seats: readonly number[]): Promise<string[]> {
  const games: string[] = [];
  for (const [index, count] of seats.entries()) {
    const { game } = (await bed.create('ann', `game-${index}`, { type: 'heavy' })).info;
    for (let seat = 0; seat < count; seat++) await players.join(game, `user-${index}-${seat}`);
    games.push(game);
  }
  return games;
}

/** Each game goes on in this process, in an unbroken log without an end, and the registry knows it. */
async function goOn(bed: TestBed, games: readonly string[], pod: string, epoch: number): Promise<void> {
  for (const game of games)
    await eventually(async () => {
      const records = await logOf(bed, game);
      expectChain(records);
      expect(ownersOf(records).at(-1)).toBe(pod);
      expect(records.filter(({ kind }) => kind === 'end')).toEqual([]);
      expect(await bed.entry(game)).toMatchObject({ pod, epoch });
    }, LIMIT);
}

async function lostProcesses(httpPort: number): Promise<string | undefined> {
  const page = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  return /^breakwater_matchmaker_lost_processes_total\S* (\d+)/m.exec(page)?.[1];
}

test('a process that is told to end gives its games away a few at a time, the busiest last; one that ends by itself is taken over before its silence', async () => {
  await using bed = await TestBed.start();
  const matchmaker = await bed.matchmaker({
    ...UNHURRIED,
    BREAKWATER_MATCHMAKER_MAX_MOVES: String(MAX_MOVES),
    BREAKWATER_MATCHMAKER_MISSED_HEARTBEATS: '100',
  });
  await using first = await realSimulation(bed, 'sim-a', TEST_GAMES);
  await eventually(async () => expect(await bed.types()).toEqual(['heavy']), LIMIT);
  using players = new Players(bed);
  const seats = [3, 1, 0, 2, 1, 3, 0, 2, 1, 0, 2, 3];
  const games = await create(bed, players, seats);
  const pid = await players.join(games[0]!, 'breaker');
  const seatsOf = (game: string) => seats[games.indexOf(game)]! + (game === games[0] ? 1 : 0);
  await eventually(async () => {
    for (const { game, players: count } of await bed.list()) expect(count).toBe(seatsOf(game));
  }, LIMIT);
  await using second = await realSimulation(bed, 'sim-b', TEST_GAMES);
  await eventually(async () => expect(await bed.processes()).toHaveLength(2), LIMIT);
  const asked = questions(bed);

  first.signal('SIGTERM');

  expect(await first.exited).toEqual({ code: 0, signal: null });
  await goOn(bed, games, 'sim-b', 2);
  const order = [...new Set(asked.filter(({ verb }) => verb === 'warm').map(({ game }) => game))];
  expect([...order].sort()).toEqual([...games].sort());
  expect(order.map(seatsOf)).toEqual(games.map(seatsOf).sort((a, b) => a - b));
  expect(mostAtOnce(asked)).toBeLessThanOrEqual(MAX_MOVES);

  await using third = await realSimulation(bed, 'sim-c', TEST_GAMES);
  await eventually(
    async () => expect((await bed.processes()).map(({ pod }) => pod)).toContain('sim-c'),
    LIMIT,
  );
  players.command(games[0]!, pid, 'throwLater');
  expect(await second.exited).toEqual({ code: 1, signal: null });
  await goOn(bed, games, 'sim-c', 3);
  expect(await lostProcesses(matchmaker.httpPort)).toBeOneOf([undefined, '0']);
  expect(third.exitStatus).toBeUndefined();
}, 240_000);

test('games that nobody has room for wait with their process for its deadline, are left with a snapshot and no end, and come back where there is room', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker(UNHURRIED);
  await using first = await realSimulation(bed, 'sim-a', {
    ...TEST_GAMES,
    BREAKWATER_SIMULATION_HAND_OVER_MS: '2500',
  });
  await eventually(async () => expect(await bed.types()).toEqual(['heavy']), LIMIT);
  using players = new Players(bed);
  const games = await create(bed, players, [1, 1, 1]);
  await using full = await realSimulation(bed, 'sim-full', {
    ...TEST_GAMES,
    BREAKWATER_SIMULATION_MAX_GAMES: '1',
  });
  await eventually(async () => expect(await bed.processes()).toHaveLength(2), LIMIT);

  first.signal('SIGTERM');

  await first.waitForLine(says('the time to move them is over'), 60_000);
  expect(await first.exited).toEqual({ code: 0, signal: null });
  const owners = new Map<string, string>();
  for (const game of games) owners.set(game, ownersOf(await logOf(bed, game)).at(-1)!);
  expect([...owners.values()].sort()).toEqual(['sim-a', 'sim-a', 'sim-full']);
  const left = games.filter((game) => owners.get(game) === 'sim-a');
  for (const game of left) {
    expect((await logOf(bed, game)).filter(({ kind }) => kind === 'end')).toEqual([]);
    expect(await snapshotSeq(bed, game)).toBe(await tailSeq(bed, game));
  }

  await using third = await realSimulation(bed, 'sim-c', TEST_GAMES);

  await goOn(bed, left, 'sim-c', 2);
  expect(full.exitStatus ?? third.exitStatus).toBeUndefined();
}, 240_000);

const subjects = subjectsFor(PARTITIONS);

/** The place in the log that the newest snapshot stands for. */
async function snapshotSeq(bed: TestBed, game: string): Promise<number | undefined> {
  const id = gameId(game);
  const newest = await bed.bus.lastMessage(snapshotStreamName(id, PARTITIONS), subjects.gameSnapshots(id));
  const snapshot = newest && decodeSnapshot(newest.data);
  return snapshot?.ok ? snapshot.value.logSeq : undefined;
}

async function tailSeq(bed: TestBed, game: string): Promise<number | undefined> {
  const id = gameId(game);
  return (await bed.bus.lastMessage(gameStreamName(id, PARTITIONS), subjects.gameLog(id)))?.seq;
}
