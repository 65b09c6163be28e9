import { cp, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, connect, type Game } from '@breakwater/client';
import {
  eventually,
  freePort,
  type NatsServer,
  type Stack,
  startNats,
  startStack,
} from '@breakwater/testkit';
import { Crowd, checkLedger, signedTokens } from '@breakwater/tools';
import { expect, it } from 'vitest';

const PATIENT = { timeoutMs: 60_000 };
const SECRET = 'the same before and after the restore';
const FLOOR = 1_000;

/** A Breakwater on a NATS that outlives it, at an address that clients find again. */
function startOn(
  nats: NatsServer,
  edgePort: number,
  matchmaker: Record<string, string> = {},
): Promise<Stack> {
  // There is no other edge that clients could move to.
  const edge = {
    BREAKWATER_EDGE_JWT_SECRET: SECRET,
    BREAKWATER_EDGE_DRAIN_SPREAD_MS: '200',
    BREAKWATER_EDGE_DRAIN_GRACE_MS: '200',
  };
  const env = { edge, matchmaker };
  return startStack({ nats, edges: 1, edgePorts: [edgePort], simulations: 1, env });
}

/** In the order of docs/backup.md. */
async function stopServices(stack: Stack): Promise<void> {
  for (const services of [stack.matchmakers, stack.edges, stack.chats, stack.simulations])
    await Promise.all(services.map((service) => service.stop({ signal: 'SIGTERM' })));
}

async function steer(game: Game, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await game.command('steer', { dx: 1, dy: 0 }).applied;
}

it('a backup that was put back: pages that saw what came after it play and talk on, and every total is right', async () => {
  await using nats = await startNats();
  const edgePort = await freePort();
  const store = join(nats.dir, 'store');
  const backup = join(nats.dir, 'backup');
  const tokens = signedTokens(SECRET, 'restore');
  const urls = [`http://127.0.0.1:${edgePort}`];
  const as = (number: number): Promise<Client> =>
    connect({ urls, token: () => tokens(number), reconnect: { maxDelayMs: 1_000 } });
  const totals = async () => {
    const report = await checkLedger({ nats: nats.url });
    expect(report.violations).toEqual([]);
    return report.checked;
  };

  const first = await startOn(nats, edgePort);
  await using ann = await as(100);
  await using ben = await as(101);
  const { game: id } = await ann.games.create('world', { options: { objects: 20 } });
  await using crowd = new Crowd({ players: 4, urls, tokens, run: 'restore', play: { games: 0, game: id } });
  crowd.start();
  const game = await ann.games.join(id);
  const room = await ann.rooms.join('general');
  const other = await ben.rooms.join('general');
  await steer(game, 3);
  await room.send('kept');
  await eventually(
    async () => expect((await totals())['awards found in the logs']).toBeGreaterThan(0),
    PATIENT,
  );
  await stopServices(first);
  await nats.kill();
  await cp(store, backup, { recursive: true });
  await nats.restart();

  const second = await startOn(nats, edgePort);
  await steer(game, 4);
  await room.send('undone');
  await eventually(() => expect(other.messages.at(-1)?.text).toBe('undone'), PATIENT);
  await second.simulations[0]!.restart();
  await steer(game, 1);
  expect(game.ack).toBe(8);
  const shown = { epoch: game.epoch, seq: game.seq };
  await stopServices(second);
  await nats.kill();
  await rename(store, join(nats.dir, 'lost'));
  await rename(backup, store);
  await nats.restart();

  await using third = await startOn(nats, edgePort, { BREAKWATER_MATCHMAKER_EPOCH_FLOOR: String(FLOOR) });
  await eventually(() => expect(game.epoch).toBeGreaterThanOrEqual(FLOOR), PATIENT);
  expect(shown.epoch).toBeLessThan(FLOOR);
  await steer(game, 1);
  expect(game.ack).toBe(4);
  await room.send('after it');
  await eventually(() => expect(other.messages.at(-1)?.text).toBe('after it'), PATIENT);
  for (const { messages } of [room, other])
    expect(messages.map(({ text }) => text)).toEqual(['kept', 'after it']);
  // The bots, too, go on with the numbers that the game knows, and what they earn from here on is added.
  const before = (await totals()).XP ?? 0;
  await eventually(async () => expect((await totals()).XP).toBeGreaterThan(before), PATIENT);
  await crowd.stop();
  expect(third.simulations[0]!.process.exitStatus).toBeUndefined();
}, 240_000);
