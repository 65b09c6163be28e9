/** One tick of a full World, in the real simulation process: step, encode, commit. */

import { setTimeout as sleep } from 'node:timers/promises';
import { decodeStateReply, type GameId, gameId, podId, type Subjects, subjectsFor } from '@breakwater/bus';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Benchmark } from './benchmark.ts';
import { measureCpu } from './cpu.ts';
import { PARTITIONS } from './load/room-feeder.ts';
import { startBenchStack } from './stack.ts';
import { rounded } from './statistics.ts';

const GAMES = 20;
const PLAYERS = 100;
const MOVING = 30;
const OBJECTS = 500;
const TICKS_PER_SECOND = 20;
const SETTLE_MS = 3_000;
const MEASURE_MS = 15_000;
const EDGE = 'bench-edge';

export const tick: Benchmark = {
  name: 'tick',
  summary: `The World with ${PLAYERS} players, ${OBJECTS} objects and ${MOVING} players moving: CPU of the simulation process for one tick, all it does included.`,
  goal: 'at most 0.5 ms',
  async run(log) {
    await using stack = await startBenchStack({
      simulations: 1,
      env: { simulation: { BREAKWATER_LOG_LEVEL: 'warn' } },
    });
    const nats = await connect({ servers: stack.nats.url });
    const subjects = subjectsFor(PARTITIONS);
    const heartbeat = startEdgeHeartbeat(nats, subjects);
    const games = Array.from({ length: GAMES }, (_, index) => gameId(`bench-${index}`));
    for (const game of games) await fill(nats, subjects, game);
    const steering = startSteering(nats, subjects, games);
    let records = 0;
    for (const game of games) nats.subscribe(subjects.gameFeed(game), { callback: () => void records++ });
    await sleep(SETTLE_MS);
    records = 0;
    const cpu = measureCpu({ simulation: stack.pidOf('simulation-1'), nats: stack.nats.pid });
    const startMs = performance.now();
    await sleep(MEASURE_MS);
    const used = cpu();
    const ticks = ((performance.now() - startMs) / 1_000) * TICKS_PER_SECOND * GAMES;
    clearInterval(heartbeat);
    clearInterval(steering);
    await nats.close();
    const [cpuMs, natsMs] = [rounded((used.simulation * 1e3) / ticks), rounded((used.nats * 1e3) / ticks)];
    const committedShare = rounded(records / ticks, 4);
    log(`${cpuMs} ms a tick, NATS ${natsMs} ms, ${committedShare} of the ticks committed on their own`);
    return {
      keys: { cpuMs, natsMs, committedShare },
      rows: [
        {
          name: `${GAMES} Worlds in one process`,
          cells: {
            'simulation, CPU ms a tick': String(cpuMs),
            'NATS, CPU ms a tick': String(natsMs),
            'ticks committed on their own': `${(committedShare * 100).toFixed(1)} %`,
          },
        },
      ],
    };
  },
};

/** Hosts the game and takes every seat, as matchmaker and edge do. */
async function fill(nats: NatsConnection, subjects: Subjects, game: GameId): Promise<void> {
  const host = { game, epoch: 1, type: 'world', schemaVersion: 1, options: { objects: OBJECTS }, seed: 7 };
  const hosted = await nats.request(subjects.sim(podId('simulation-1'), 'host'), JSON.stringify(host), {
    timeout: 10_000,
  });
  const { ok, outcome } = hosted.json<{ ok: boolean; outcome?: string }>();
  if (!ok || outcome !== 'hosted') throw new Error(`the game was not hosted: ${hosted.string()}`);
  const joins = Array.from({ length: PLAYERS }, async (_, index) => {
    const join = {
      kind: 'join',
      edge: EDGE,
      session: `s${index}`,
      user: `u${index}`,
      name: `Player ${index}`,
      join: 1,
      spectate: false,
    };
    const reply = await nats.request(subjects.gameIn(game), JSON.stringify(join), { timeout: 10_000 });
    const state = decodeStateReply(reply.data);
    if (!state.ok) throw new Error(`a player could not join: ${reply.string()}`);
    return state.value.pid;
  });
  await Promise.all(joins);
}

/** Without it the simulation would take the players for disconnected. */
function startEdgeHeartbeat(nats: NatsConnection, subjects: Subjects): NodeJS.Timeout {
  const beat = JSON.stringify({ kind: 'heartbeat', edge: EDGE, incarnation: 'bench', version: 0 });
  const [subject] = [subjects.allEdgePresence().replace('*', EDGE)];
  nats.publish(subject, beat);
  return setInterval(() => nats.publish(subject, beat), 1_000);
}

/** Thirty players of each game turn round once a second, so that they never stand at the edge of the map. */
function startSteering(nats: NatsConnection, subjects: Subjects, games: readonly GameId[]): NodeJS.Timeout {
  let n = 0;
  const turn = () => {
    n++;
    const angle = n % 2 === 0 ? 1 : -1;
    for (const game of games) {
      for (let pid = 1; pid <= MOVING; pid++) {
        const args = { dx: angle * ((pid % 7) + 2), dy: angle * ((pid % 5) - 2) };
        nats.publish(
          subjects.gameIn(game),
          JSON.stringify({ kind: 'command', pid, join: 1, n, name: 'steer', args }),
        );
      }
    }
  };
  turn();
  return setInterval(turn, 1_000);
}
