import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect, type Game } from '@breakwater/client';
import { eventually, type Stack, spawnService, startStack } from '@breakwater/testkit';
import { comparedShare, describeReport, type GameRecorder, recordTo, StreamArchive } from '@breakwater/tools';
import { expect, it } from 'vitest';
import { expectLogsHold } from './kept.ts';

const CLIENTS = 10;
const GAMES_EACH = 5;
const LIMIT = { timeoutMs: 60_000 };

/** A game that is played, and what its player was shown. */
interface Seat {
  readonly game: Game;
  readonly recording: GameRecorder;
}

function simulation(stack: Stack, instance: string) {
  return spawnService('simulation', {
    label: instance,
    readyTimeoutMs: 60_000,
    env: {
      BREAKWATER_NATS_URL: stack.nats.url,
      BREAKWATER_INSTANCE: instance,
      BREAKWATER_HTTP_HOST: '127.0.0.1',
      BREAKWATER_HTTP_PORT: '0',
    },
  });
}

it('fifty games outlive the drain of their process and the kill of the next one: no player reconnects, and what was shown is in the logs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'breakwater-failover-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  await using stack = await startStack({ edges: 1, simulations: 0 });
  await using first = await simulation(stack, 'sim-first');
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, n) =>
      connect({ urls: stack.edgeUrls, token: stack.token(`user-${n}`), times: { gameSilenceMs: 600_000 } }),
    ),
  );
  await using stackOfClients = new AsyncDisposableStack();
  for (const client of clients) stackOfClients.use(client);
  await using archive = await StreamArchive.start({
    nats: stack.nats.url,
    file: join(folder, 'games.archive'),
  });
  const recorders = clients.map((client) => recordTo(client, join(folder, `${client.user}.jsonl`)));
  for (const recorder of recorders) stackOfClients.use(recorder);
  const notes: string[] = [];
  const played = (
    await Promise.all(clients.map((client, n) => playFive(client, (game) => recorders[n]!.game(game))))
  ).flat();
  const seats = played.map(({ game }) => game);
  for (const client of clients) client.on('state', ({ state }) => notes.push(`client ${state}`));
  for (const seat of seats) {
    seat.on('status', ({ status }) => notes.push(`game ${status}`));
    seat.on('ended', ({ reason }) => notes.push(`ended ${reason}`));
  }
  expect(seats.map(({ pod }) => pod)).toEqual(seats.map(() => 'sim-first'));
  const epochs = seats.map(({ epoch }) => epoch);
  /** Each game is in this process, and what its player does there takes effect once. */
  const goOn = async (pod: string, acks: number) => {
    await eventually(() => expect(seats.filter((seat) => seat.pod !== pod)).toHaveLength(0), LIMIT);
    await Promise.all(
      played.map(({ game, recording }) => {
        const sent = game.command('steer', { dx: 1, dy: 0 });
        recording.command('steer', sent);
        return sent.applied;
      }),
    );
    for (const seat of seats) expect(seat.ack).toBe(acks);
  };
  await goOn('sim-first', 1);

  await using second = await simulation(stack, 'sim-second');
  expect(await first.stop({ timeoutMs: 90_000 })).toEqual({ code: 0, signal: null });
  await goOn('sim-second', 2);

  await using third = await simulation(stack, 'sim-third');
  await second.kill();
  await goOn('sim-third', 3);

  expect(third.exitStatus).toBeUndefined();
  expect(notes).toEqual([]);
  expect(seats.map(({ epoch }, index) => epoch - epochs[index]!)).toEqual(seats.map(() => 2));
  await Promise.all(recorders.map((recorder) => recorder.close()));
  await archive.close();
  const report = await expectLogsHold({ paths: [folder], nats: stack.nats.url });
  expect(report.checked).toMatchObject({ clients: CLIENTS, games: CLIENTS * GAMES_EACH });
  expect(report.checked['acked commands'], describeReport(report)).toBe(3 * CLIENTS * GAMES_EACH);
  expect(report.checked['shown states'], describeReport(report)).toBeGreaterThan(1_000);
  expect(comparedShare(report), describeReport(report)).toBeGreaterThan(0.9);
  // Each game changed its owner twice; this process may have stood still meanwhile.
  const changes = (report.gaps.owner?.count ?? 0) + (report.gaps.client?.count ?? 0);
  expect(changes, describeReport(report)).toBeGreaterThanOrEqual(2 * CLIENTS * GAMES_EACH);
}, 240_000);

async function playFive(client: Client, record: (game: Game) => GameRecorder): Promise<Seat[]> {
  const seats: Seat[] = [];
  for (let n = 0; n < GAMES_EACH; n++) {
    const { game } = await client.games.create('world', { options: { objects: 5 } });
    const joined = await client.games.join(game);
    seats.push({ game: joined, recording: record(joined) });
  }
  return seats;
}
