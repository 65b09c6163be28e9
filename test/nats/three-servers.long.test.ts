import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, type NatsNode, type NatsServer, startNats } from '@breakwater/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect, it } from 'vitest';
import { UnderLoad } from './under-load.ts';

/** Rounds until a leader that was alone had the appends in process: on a busy machine leaders change by themselves. */
const ATTEMPTS = 5;
const PATIENCE = { timeoutMs: 60_000, intervalMs: 200 };

async function withNats<T>(nats: NatsServer, use: (nc: NatsConnection) => Promise<T>): Promise<T> {
  const nc = await connect({ servers: [...nats.urls], timeout: 10_000 });
  try {
    return await use(nc);
  } finally {
    await nc.close();
  }
}

/** The server that leads a stream. */
function leaderOf(nats: NatsServer, stream: string): Promise<NatsNode> {
  return withNats(nats, async (nc) => {
    const { cluster } = await (await jetstreamManager(nc, { timeout: 10_000 })).streams.info(stream);
    const leader = nats.servers.find(({ name }) => name === cluster?.leader);
    if (leader === undefined) throw new Error(`${stream} has no leader`);
    return leader;
  });
}

async function lead(nats: NatsServer, stream: string, server: NatsNode): Promise<void> {
  const request = JSON.stringify({ placement: { preferred: server.name } });
  await eventually(async () => {
    if ((await leaderOf(nats, stream)) === server) return;
    await withNats(nats, (nc) => nc.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, request));
    throw new Error(`${server.name} does not lead ${stream} yet`);
  }, PATIENCE);
}

it('faults 25 and 26: of three servers the one that leads the games is alone, killed and paused: all goes on, nothing is lost', async () => {
  await using nats = await startNats({ servers: 3 });
  const first = nats.servers[0]!;
  // One stream for all games and one for all rooms, so that one server can lead them.
  const all = { BREAKWATER_REPLICAS: '3', BREAKWATER_PARTITIONS: '1' };
  const writers = { ...all, BREAKWATER_NATS_URL: first.url, BREAKWATER_LOG_LEVEL: 'debug' };
  const env = { edge: all, matchmaker: all, simulation: writers, chat: writers };
  await using load = await UnderLoad.start({ nats, env });

  // A leader without followers takes an append and cannot say that it is stored. Asked again it says so, for as long
  // as it takes itself for the leader: some seconds.
  const followers = nats.servers.filter((server) => server !== first);
  const isSeen = (service: string, code: string) =>
    load.troubles(service).some((cause) => cause.startsWith(code));
  const haveBothAppeared = () => isSeen('simulation', '10164 ') && isSeen('chat', '10158 ');
  for (let attempt = 0; attempt < ATTEMPTS && !haveBothAppeared(); attempt++) {
    for (const stream of ['GAMES_0', 'ROOMS_0']) await lead(nats, stream, first);
    for (const follower of followers) follower.pause();
    for (let waits = 0; waits < 16 && !haveBothAppeared(); waits++) await sleep(500);
    for (const follower of followers) follower.resume();
    await load.goesOn();
  }
  expect(haveBothAppeared(), 'appends that are in process').toBe(true);

  const killed = await leaderOf(nats, 'GAMES_0');
  await killed.kill();
  await load.goesOn();
  await killed.restart();
  await killed.waitUntilWhole(3);

  const paused = await leaderOf(nats, 'GAMES_0');
  paused.pause();
  await sleep(5_000);
  paused.resume();
  await load.goesOn();
  await load.finish();
}, 480_000);
