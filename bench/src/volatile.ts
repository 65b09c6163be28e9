/** The same full World committed and volatile: what a tick costs, and how soon a command is seen. */

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decodeGameRecord, type GameId, gameId, type Subjects, subjectsFor } from '@breakwater/bus';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Benchmark, Row } from './benchmark.ts';
import { measureCpu } from './cpu.ts';
import { fill, MOVING, OBJECTS, PLAYERS, startEdgeHeartbeat, startSteering } from './load/full-worlds.ts';
import { PARTITIONS } from './load/room-feeder.ts';
import { startBenchStack } from './stack.ts';
import { quantile, rounded } from './statistics.ts';

const GAMES = 10;
const TICKS_PER_SECOND = 20;
const SETTLE_MS = 3_000;
const MEASURE_MS = 15_000;
/** Stands still but for the commands that are timed. */
const PROBE_PID = PLAYERS;
const PROBE_EVERY_MS = 337;
const GAMES_HERE = fileURLToPath(new URL('../games', import.meta.url));

interface Figures {
  readonly cpuMs: number;
  readonly natsMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const KINDS = [
  {
    type: 'world',
    name: 'committed',
    subject: (subjects: Subjects, game: GameId) => subjects.gameFeed(game),
  },
  {
    type: 'world-volatile',
    name: 'volatile',
    subject: (subjects: Subjects, game: GameId) => subjects.gameLive(game),
  },
] as const;

export const volatile: Benchmark = {
  name: 'volatile',
  summary: `${GAMES} Worlds with ${PLAYERS} players, ${OBJECTS} objects and ${MOVING} players moving, first committed, then volatile: CPU for one tick, and the time from a command to the delta that holds it, the wait for the tick included, as a subscriber of NATS sees it.`,
  goal: 'volatile costs less and is seen sooner',
  async run(log) {
    const found: Figures[] = [];
    for (const kind of KINDS) {
      found.push(await measure(kind));
      log(`${kind.name}: ${JSON.stringify(found.at(-1))}`);
    }
    const [committed, live] = found as [Figures, Figures];
    return {
      keys: {
        committedCpuMs: committed.cpuMs,
        volatileCpuMs: live.cpuMs,
        committedNatsMs: committed.natsMs,
        volatileNatsMs: live.natsMs,
        committedP50Ms: committed.p50Ms,
        volatileP50Ms: live.p50Ms,
        committedP99Ms: committed.p99Ms,
        volatileP99Ms: live.p99Ms,
      },
      rows: found.map((figures, index) => rowOf(KINDS[index]!.name, figures)),
    };
  },
};

function rowOf(name: string, { cpuMs, natsMs, p50Ms, p99Ms }: Figures): Row {
  return {
    name,
    cells: {
      'simulation, CPU ms a tick': String(cpuMs),
      'NATS, CPU ms a tick': String(natsMs),
      'command to delta, p50 ms': String(p50Ms),
      'p99 ms': String(p99Ms),
    },
  };
}

async function measure({ type, subject }: (typeof KINDS)[number]): Promise<Figures> {
  await using stack = await startBenchStack({
    simulations: 1,
    env: {
      simulation: {
        BREAKWATER_LOG_LEVEL: 'warn',
        BREAKWATER_SIMULATION_GAME_FOLDERS: `games,${GAMES_HERE}`,
      },
    },
  });
  const nats = await connect({ servers: stack.nats.url });
  const subjects = subjectsFor(PARTITIONS);
  const heartbeat = startEdgeHeartbeat(nats, subjects);
  const games = Array.from({ length: GAMES }, (_, index) => gameId(`bench-${index}`));
  for (const game of games) await fill(nats, subjects, game, type);
  const steering = startSteering(nats, subjects, games);
  const probes = games.map((game) => startProbe(nats, subjects, game, subject(subjects, game)));
  await sleep(SETTLE_MS);
  for (const probe of probes) probe.delaysMs.length = 0;
  const cpu = measureCpu({ simulation: stack.pidOf('simulation-1'), nats: stack.nats.pid });
  const startMs = performance.now();
  await sleep(MEASURE_MS);
  const used = cpu();
  const ticks = ((performance.now() - startMs) / 1_000) * TICKS_PER_SECOND * GAMES;
  clearInterval(heartbeat);
  clearInterval(steering);
  for (const probe of probes) clearInterval(probe.timer);
  await nats.close();
  const delaysMs = probes.flatMap((probe) => probe.delaysMs);
  return {
    cpuMs: rounded((used.simulation * 1e3) / ticks),
    natsMs: rounded((used.nats * 1e3) / ticks),
    p50Ms: rounded(quantile(delaysMs, 0.5)),
    p99Ms: rounded(quantile(delaysMs, 0.99)),
  };
}

/** One player sends a command now and then; the delta that counts it as applied has a slice of that player. */
function startProbe(nats: NatsConnection, subjects: Subjects, game: GameId, subject: string) {
  const delaysMs: number[] = [];
  let sentMs: number | undefined;
  let n = 0;
  nats.subscribe(subject, {
    callback: (_error, message) => {
      if (sentMs === undefined) return;
      const decoded = decodeGameRecord(message.data);
      if (!decoded.ok || decoded.value.kind !== 'delta') return;
      if (!decoded.value.parts.slices.some(({ pid }) => pid === PROBE_PID)) return;
      delaysMs.push(performance.now() - sentMs);
      sentMs = undefined;
    },
  });
  const timer = setInterval(() => {
    if (sentMs !== undefined) return;
    n += 1;
    sentMs = performance.now();
    const args = { dx: n % 2 === 0 ? 1 : -1, dy: 0 };
    const command = { kind: 'command', pid: PROBE_PID, join: 1, n, name: 'steer', args };
    nats.publish(subjects.gameIn(game), JSON.stringify(command));
  }, PROBE_EVERY_MS);
  return { delaysMs, timer };
}
