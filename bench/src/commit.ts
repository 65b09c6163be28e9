/** 500 games that append 20 times a second each, staggered: how long from append to feed. */

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { gameId, gameStream, subjectsFor } from '@breakwater/bus';
import {
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  type NatsBus,
} from '@breakwater/service-kit';
import { startNats } from '@breakwater/testkit';
import type { Benchmark } from './benchmark.ts';
import { measureCpu } from './cpu.ts';
import { PARTITIONS } from './load/room-feeder.ts';
import { quantile, rounded } from './statistics.ts';

const GAMES = 500;
const TICKS_PER_SECOND = 20;
const WARM_UP_MS = 3_000;
const MEASURE_MS = 15_000;
/** About what the World commits in a tick with thirty players on their feet. */
const RECORD_BYTES = 300;

/** One game: appends to its chain when its turn comes, never twice at once, as an owner does. */
class Appender {
  readonly #bus: NatsBus;
  readonly #subject: string;
  readonly #record = Buffer.alloc(RECORD_BYTES);
  #lastSeq = 0;
  #isInFlight = false;

  constructor(bus: NatsBus, subject: string) {
    this.#bus = bus;
    this.#subject = subject;
  }

  async append(): Promise<boolean> {
    if (this.#isInFlight) return false;
    this.#isInFlight = true;
    this.#record.writeDoubleLE(performance.now());
    const options = { expectedLastSubjectSeq: this.#lastSeq, timeoutMs: 5_000 };
    const answer = await this.#bus.commit(this.#subject, this.#record, options);
    this.#isInFlight = false;
    if (answer.kind !== 'stored') throw new Error(`an append was not stored: ${JSON.stringify(answer)}`);
    this.#lastSeq = answer.seq;
    return true;
  }
}

export const commit: Benchmark = {
  name: 'commit',
  summary: `${GAMES} games, ${TICKS_PER_SECOND} appends a second each, staggered, on one nats-server: from the append to the feed.`,
  goal: 'p99 below 25 ms',
  async run(log) {
    await using nats = await startNats();
    await using bus = await openBus(nats.url);
    const subjects = subjectsFor(PARTITIONS);
    await createStreams(bus);
    const latencies: number[] = [];
    let isMeasuring = false;
    let skipped = 0;
    const games = Array.from({ length: GAMES }, (_, index) => gameId(`bench-${index}`));
    for (const game of games) {
      bus.subscribe(subjects.gameFeed(game), {}, (message) => {
        if (isMeasuring) latencies.push(performance.now() - sentAtMs(message.data));
      });
    }
    const appenders = games.map((game) => new Appender(bus, subjects.gameLog(game)));
    const stop = staggered(appenders, (isAppended) => {
      if (!isAppended && isMeasuring) skipped++;
    });
    await sleep(WARM_UP_MS);
    const cpu = measureCpu({ node: process.pid, nats: nats.pid });
    isMeasuring = true;
    await sleep(MEASURE_MS);
    isMeasuring = false;
    const used = cpu();
    stop();
    await sleep(500);
    const commitsPerSecond = rounded((latencies.length * 1_000) / MEASURE_MS, 4);
    const [p50Ms, p99Ms] = [rounded(quantile(latencies, 0.5)), rounded(quantile(latencies, 0.99))];
    log(`${commitsPerSecond} commits a second, p50 ${p50Ms} ms, p99 ${p99Ms} ms, ${skipped} turns skipped`);
    return {
      keys: { commitsPerSecond, p50Ms, p99Ms, skippedTurns: skipped },
      rows: [
        {
          name: `${GAMES} games at ${TICKS_PER_SECOND} Hz`,
          cells: {
            'commits/s': String(commitsPerSecond),
            'p50 ms': String(p50Ms),
            'p99 ms': String(p99Ms),
            'turns skipped': String(skipped),
            'CPU share, appender and listener': (used.node / (MEASURE_MS / 1_000)).toFixed(2),
            'CPU share, NATS': (used.nats / (MEASURE_MS / 1_000)).toFixed(2),
          },
        },
      ],
    };
  },
};

function sentAtMs(record: Uint8Array): number {
  return new DataView(record.buffer, record.byteOffset).getFloat64(0, true);
}

/** Gives each appender its turn 20 times a second, spread evenly over the 50 ms. */
function staggered(appenders: readonly Appender[], onTurn: (isAppended: boolean) => void): () => void {
  const periodMs = 1_000 / TICKS_PER_SECOND;
  const startMs = performance.now();
  let turns = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / periodMs) * appenders.length);
    // A blocked loop is not caught up with: turns that are long over are left out.
    turns = Math.max(turns, due - appenders.length);
    for (; turns < due; turns++) appenders[turns % appenders.length]!.append().then(onTurn);
  }, 1);
  return () => clearInterval(timer);
}

async function openBus(url: string): Promise<NatsBus> {
  const { log } = createLogOutput({ service: 'bench', instance: 'bench', level: 'warn' });
  const metrics = new MetricRegistry().register(kitMetrics);
  return connectBus({ servers: [url], name: 'bench', log, metrics });
}

async function createStreams(bus: NatsBus): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const limits = { replicas: 1, maxBytes: 4e9, maxRecordsPerGame: 100_000 };
    await bus.ensureStream(gameStream(partition, limits));
  }
}
