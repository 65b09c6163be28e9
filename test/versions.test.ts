import { join } from 'node:path';
import { type Client, connect, type Game } from '@breakwater/client';
import { eventually, projectRoot, type Stack, spawnService, startStack } from '@breakwater/testkit';
import { expect, it } from 'vitest';

const as = (stack: Stack, user: string): Promise<Client> =>
  connect({ urls: stack.edgeUrls, token: stack.token(user), times: { gameSilenceMs: 600_000 } });

const folder = (version: 'old' | 'new') => ({
  BREAKWATER_SIMULATION_GAME_FOLDERS: join(projectRoot, 'test/versions', version),
});

function newProcess(stack: Stack) {
  return spawnService('simulation', {
    label: 'sim-new',
    readyTimeoutMs: 60_000,
    env: {
      ...folder('new'),
      BREAKWATER_NATS_URL: stack.nats.url,
      BREAKWATER_INSTANCE: 'sim-new',
      BREAKWATER_HTTP_HOST: '127.0.0.1',
      BREAKWATER_HTTP_PORT: '0',
    },
  });
}

const value = (game: Game, table: string, row: number) => game.replica.table(table).rows.get(row)?.value;

it('38: a game goes on in the new version of its type while it is played, and one that cannot ends with its last process', async () => {
  const env = { simulation: { ...folder('old'), BREAKWATER_SIMULATION_HAND_OVER_MS: '10000' } };
  await using stack = await startStack({ edges: 1, simulations: 1, env });
  await using ann = await as(stack, 'ann');
  await using bea = await as(stack, 'bea');
  const { game } = await ann.games.create('tally');
  const seats = [await ann.games.join(game), await bea.games.join(game)];
  const watched = await bea.games.join((await ann.games.create('relic')).game, { spectate: true });
  const relic = await ann.games.join(watched.id);
  const notes: string[] = [];
  for (const client of [ann, bea]) client.on('state', ({ state }) => notes.push(`client ${state}`));
  for (const seat of seats) seat.on('status', ({ status }) => notes.push(`game ${status}`));
  const ends: string[] = [];
  for (const seat of [relic, watched]) seat.on('ended', ({ reason }) => ends.push(reason));
  const renewed: number[] = [];
  for (const seat of seats)
    seat.on('state', ({ isNewReplica }) => {
      if (isNewReplica) renewed.push(seat.replica.schema.schemaVersion);
    });
  const play = (times: number) =>
    Promise.all(seats.flatMap((seat) => Array.from({ length: times }, () => seat.command('add').applied)));
  await play(5);

  await using newer = await newProcess(stack);
  await play(5);
  expect(seats.map(({ pod }) => pod)).toEqual(['simulation-1', 'simulation-1']);
  const isOver = stack.service('simulation-1').stop({ timeoutMs: 60_000 });
  const during = play(10);
  await eventually(() => expect(seats.map(({ pod }) => pod)).toEqual(['sim-new', 'sim-new']), {
    timeoutMs: 30_000,
  });
  // The game that has nowhere to go is played on until its process has to end.
  const beats = Number(value(relic, 'beats', 1));
  expect(ends).toEqual([]);
  await eventually(() => expect(value(relic, 'beats', 1)).toBeGreaterThan(beats));
  await during;
  await play(5);
  await eventually(() => expect(renewed).toEqual([2, 2]));
  await isOver;
  await eventually(() => expect(ends).toEqual(['version_gone', 'version_gone']));

  await play(5);
  for (const seat of seats) {
    expect(seat.replica.schema.schemaVersion).toBe(2);
    expect(seat.ack).toBe(30);
    const counts = seats.map(({ pid }) => Number(value(seat, 'counts', pid!)));
    for (const count of counts) expect(count).toBeGreaterThanOrEqual(10 + 2 * 10);
    const { rows } = seat.replica.table('hands');
    expect([...rows.values()]).toEqual([{ card: seat.pid! * 100 }]);
  }
  const [first, second] = seats.map(({ pid }) => Number(value(seats[0]!, 'counts', pid!)));
  await eventually(() => expect(value(seats[0]!, 'sum', 1)).toBe(first! + second!));
  expect(notes).toEqual([]);
  await expect(bea.games.join(watched.id)).rejects.toMatchObject({ code: 'game_ended' });
  expect(newer.exitStatus).toBeUndefined();
}, 120_000);
