/** One tick of a full World, in the real simulation process: step, encode, commit. */

import { setTimeout as sleep } from 'node:timers/promises';
import { gameId, subjectsFor } from '@breakwater/bus';
import { connect } from '@nats-io/transport-node';
import type { Benchmark } from './benchmark.ts';
import { measureCpu } from './cpu.ts';
import { fill, MOVING, OBJECTS, PLAYERS, startEdgeHeartbeat, startSteering } from './load/full-worlds.ts';
import { PARTITIONS } from './load/room-feeder.ts';
import { startBenchStack } from './stack.ts';
import { rounded } from './statistics.ts';

const GAMES = 20;
const TICKS_PER_SECOND = 20;
const SETTLE_MS = 3_000;
const MEASURE_MS = 15_000;

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
    for (const game of games) await fill(nats, subjects, game, 'world');
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
