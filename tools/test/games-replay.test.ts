import { encodeSnapshot, gameId, type Snapshot, subjectsFor } from '@breakwater/bus';
import type { NatsBus } from '@breakwater/service-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NatsSource } from '../src/check-logs/nats-source.ts';
import { loadDefinitions } from '../src/games/definitions.ts';
import { describeInspection } from '../src/games/describe-inspection.ts';
import { inspectGame } from '../src/games/inspect.ts';
import { describeReplay, replayLog } from '../src/games/replay-log.ts';
import { readSnapshots } from '../src/games/walk.ts';
import {
  createStreams,
  HonestRun,
  PARTITIONS,
  type RunOptions,
  type WorldInstance,
} from './check-logs/honest-run.ts';
import { openBus } from './open-bus.ts';

let nats: Awaited<ReturnType<typeof openBus>>;
let bus: NatsBus;
let source: NatsSource;
let runs = 0;

beforeAll(async () => {
  nats = await openBus();
  bus = nats.bus;
  await createStreams(bus);
  source = await NatsSource.open({ nats: nats.url, partitions: PARTITIONS });
});

afterAll(async () => {
  await source?.[Symbol.asyncDispose]();
  await nats?.[Symbol.asyncDispose]();
});

async function gameOf(options: RunOptions = {}): Promise<string> {
  return (await HonestRun.make(bus, `r${++runs}`, options)).game;
}

const replay = async (game: string) => replayLog(game, source, await loadDefinitions());

async function storeSnapshot(game: string, change: Partial<Snapshot>): Promise<void> {
  const [stored] = await readSnapshots(game, source);
  const bytes = encodeSnapshot({ ...stored!.snapshot!, ...change });
  await bus.commit(subjectsFor(PARTITIONS).gameSnapshots(gameId(game)), bytes);
}

test('an honest log is replayed from its first claim, over a takeover', async () => {
  const report = await replay(await gameOf());
  expect(report).toMatchObject({ ok: true, problems: [] });
  expect(report.runs).toMatchObject([{ from: 'the first claim', records: 162, lastTick: 160 }]);
  expect(report.runs[0]?.hashes).toBe(17);
});

test('the first record whose hash differs is named, and the snapshot from which the rest is good', async () => {
  let hash = 0;
  const game = await gameOf({
    store: (record) => {
      if (record.kind !== 'delta' || record.tick !== 50 || record.hash === undefined) return [record];
      hash = record.hash;
      return [{ ...record, hash: hash ^ 1 }];
    },
  });
  const report = await replay(game);
  expect(report.ok).toBe(false);
  expect(report.runs).toHaveLength(2);
  const [first, second] = report.runs;
  expect(first?.fault?.text).toContain(`and the replay gives ${hash.toString(16).padStart(8, '0')}`);
  expect(first?.records).toBe(50);
  expect(second).toMatchObject({ fault: undefined, lastTick: 160 });
  const text = describeReplay(report);
  expect(text).toContain(`the first record that does not fit is ${first?.fault?.seq}`);
  expect(text).toContain(`the snapshot at record ${second?.fromSeq} leads to the end`);
});

test('a record that is missing is never stepped over', async () => {
  const report = await replay(await gameOf({ store: (record, index) => (index === 120 ? [] : [record]) }));
  expect(report.ok).toBe(false);
  expect(report.runs.map(({ fault }) => fault?.text)).toEqual([
    expect.stringMatching(/^has number \d+ after number \d+$/),
    expect.stringMatching(/^has number \d+ after number \d+$/),
  ]);
  expect(describeReplay(report)).toContain('no start leads to the end');
});

test('snapshots that lie, or are of another type, are no start and inspect says so', async () => {
  const game = await gameOf();
  await storeSnapshot(game, { hash: 1 });
  await storeSnapshot(game, { type: 'chess' });
  const report = await replay(game);
  expect(report.ok).toBe(true);
  expect(report.problems).toEqual([expect.stringContaining('is of chess@1, which is not here')]);

  const inspection = await inspectGame(game, undefined, source, await loadDefinitions(), 5);
  const states = inspection.snapshots.map(({ state }) => state);
  expect(states).toEqual(['as the log', expect.stringContaining('the log gives'), 'as the log']);
  expect(inspection.claims).toMatchObject([
    { epoch: 1, pod: 'sim-a', records: 81 },
    { epoch: 2, pod: 'sim-b', records: 82, lastTick: 160 },
  ]);
  expect(inspection.records).toHaveLength(5);
});

test('inspect says whose awards wait for the ledger, and nothing of it when there are none', async () => {
  const inspect = async (game: string) =>
    describeInspection(await inspectGame(game, undefined, source, await loadDefinitions(), 5));
  const options = {
    cheat: ({ tables }: WorldInstance, tick: number) => {
      if (tick < 158) return;
      for (const user of tick === 158 ? ['ann', 'bob'] : ['ann'])
        tables.$awards.insert({ user, amount: 7, epoch: 2, n: tick, index: 0 });
    },
  };
  expect(await inspect(await gameOf(options))).toContain(
    'Awards that wait for the ledger: ann 3 (21 XP), bob 1 (7 XP).',
  );
  expect(await inspect(await gameOf())).not.toContain('wait for the ledger');
});
