/** What lies in a log behind a snapshot, read as a new owner reads it and message by message. */

import { performance } from 'node:perf_hooks';
import { gameId, gameStream, subjectsFor } from '@breakwater/bus';
import {
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  type NatsBus,
} from '@breakwater/service-kit';
import { startNats } from '@breakwater/testkit';
import type { Benchmark, Row } from './benchmark.ts';
import { quantile, rounded } from './statistics.ts';

const GAMES = 20;
const BEHIND = [50, 500, 5_000] as const;
const RECORDS = 5_000;
/** About what the World commits in a tick with thirty players on their feet. */
const RECORD_BYTES = 300;
const RUNS = 7;
const PAGE = { limit: 4_096, maxBytes: 8 * 1_024 * 1_024 };
const STREAM = gameStream(0, { replicas: 1, maxBytes: 4e9, maxRecordsPerGame: 100_000 });
const WAYS = ['readSubject', 'readChain'] as const;

type Way = (typeof WAYS)[number];

export const replay: Benchmark = {
  name: 'replay',
  summary: `The log of one of ${GAMES} games in a stream, ${BEHIND.join(', ')} records of ${RECORD_BYTES} B behind the snapshot: until a new owner has read them, median of ${RUNS}.`,
  goal: 'at least twice as fast as message by message from 500 records on',
  async run(log) {
    await using nats = await startNats();
    await using bus = await openBus(nats.url);
    await bus.ensureStream(STREAM);
    const { subject, seqs } = await fill(bus);
    const keys: Record<string, number> = {};
    const rows: Row[] = [];
    for (const records of BEHIND) {
      const range = { fromSeq: seqs.at(-records)!, toSeq: seqs.at(-1)!, ...PAGE };
      const { readChain, readSubject } = await compare(bus, subject, range, records);
      const [ms, singlyMs, ratio] = [readChain, readSubject, readSubject / readChain].map((value) =>
        rounded(value),
      );
      log(`${records} records: ${ms} ms, message by message ${singlyMs} ms`);
      keys[`read${records}Ms`] = ms!;
      keys[`ratio${records}`] = ratio!;
      const cells = {
        ms: String(ms),
        'message by message, ms': String(singlyMs),
        'times faster': String(ratio),
      };
      rows.push({ name: `${records} records`, cells });
    }
    return { keys, rows };
  },
};

/** Median of each way in ms, measured in turns. */
async function compare(
  bus: NatsBus,
  subject: string,
  range: Range,
  records: number,
): Promise<Record<Way, number>> {
  const times: Record<Way, number[]> = { readChain: [], readSubject: [] };
  for (let run = 0; run < RUNS; run++)
    for (const way of WAYS) times[way].push(await timed(() => readAll(bus, way, subject, range), records));
  return { readChain: quantile(times.readChain, 0.5), readSubject: quantile(times.readSubject, 0.5) };
}

type Range = Parameters<NatsBus['readChain']>[2];

/** In pages, each of which begins with the record that is known already. */
async function readAll(bus: NatsBus, way: Way, subject: string, range: Range) {
  const seen = new Set<number>();
  for (let fromSeq = range.fromSeq; ; ) {
    const { messages, complete } = await bus[way](STREAM.name, subject, { ...range, fromSeq });
    for (const { seq } of messages) seen.add(seq);
    if (complete) return seen.size;
    fromSeq = messages.at(-1)!.seq;
  }
}

async function timed(read: () => Promise<number>, records: number): Promise<number> {
  const begunMs = performance.now();
  const count = await read();
  const tookMs = performance.now() - begunMs;
  if (count !== records) throw new Error(`${count} of ${records} records were read`);
  return tookMs;
}

/** Chains of all games, one record of each in turn; returns that of the first. */
async function fill(bus: NatsBus) {
  const subjects = subjectsFor(1);
  const body = Buffer.alloc(RECORD_BYTES);
  const logs = Array.from({ length: GAMES }, (_, index) => ({
    subject: subjects.gameLog(gameId(`bench-${index}`)),
    seqs: [0],
  }));
  for (let record = 0; record < RECORDS; record++) {
    await Promise.all(
      logs.map(async ({ subject, seqs }) => {
        const answer = await bus.commit(subject, body, { expectedLastSubjectSeq: seqs.at(-1)! });
        if (answer.kind !== 'stored') throw new Error(`a record was not stored: ${JSON.stringify(answer)}`);
        seqs.push(answer.seq);
      }),
    );
  }
  return logs[0]!;
}

async function openBus(url: string): Promise<NatsBus> {
  const { log } = createLogOutput({ service: 'bench', instance: 'bench', level: 'warn' });
  const metrics = new MetricRegistry().register(kitMetrics);
  return connectBus({ servers: [url], name: 'bench', log, metrics });
}
