import { type Client, connect, type Game } from '@breakwater/client';
import { eventually, type Stack, spawnService, startStack } from '@breakwater/testkit';
import { expect, it } from 'vitest';

const CLIENTS = 10;
const GAMES_EACH = 5;
const LIMIT = { timeoutMs: 60_000 };

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

it('fifty games outlive the drain of their process and the kill of the next one, and none of their players reconnects', async () => {
  await using stack = await startStack({ edges: 1, simulations: 0 });
  await using first = await simulation(stack, 'sim-first');
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, n) =>
      connect({ urls: stack.edgeUrls, token: stack.token(`user-${n}`), times: { gameSilenceMs: 600_000 } }),
    ),
  );
  await using stackOfClients = new AsyncDisposableStack();
  for (const client of clients) stackOfClients.use(client);
  const notes: string[] = [];
  const seats = (await Promise.all(clients.map(playFive))).flat();
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
    await Promise.all(seats.map((seat) => seat.command('steer', { dx: 1, dy: 0 }).applied));
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
}, 240_000);

async function playFive(client: Client): Promise<Game[]> {
  const games: Game[] = [];
  for (let n = 0; n < GAMES_EACH; n++) {
    const { game } = await client.games.create('world', { options: { objects: 5 } });
    games.push(await client.games.join(game));
  }
  return games;
}
