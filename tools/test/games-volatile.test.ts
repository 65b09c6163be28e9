import {
  encodeGameRecord,
  encodeSnapshot,
  type GameRecord,
  gameId,
  type Snapshot,
  subjectsFor,
} from '@breakwater/bus';
import { hashParts } from '@breakwater/game-kit';
import type { NatsBus } from '@breakwater/service-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NatsSource } from '../src/check-logs/nats-source.ts';
import { loadDefinitions } from '../src/games/definitions.ts';
import { describeInspection } from '../src/games/describe-inspection.ts';
import { inspectGame } from '../src/games/inspect.ts';
import { isVolatileLog, whyNotReplayed } from '../src/games/volatile.ts';
import { readGameAwards } from '../src/ledger/game-awards.ts';
import { createStreams, HonestRun, PARTITIONS } from './check-logs/honest-run.ts';
import { openBus } from './open-bus.ts';

const subjects = subjectsFor(PARTITIONS);
const DETAILS = JSON.stringify({ options: {}, seed: 1, durability: 'volatile' });
const NOTHING = { shared: new Uint8Array(0), server: new Uint8Array(0), slices: [] };

let nats: Awaited<ReturnType<typeof openBus>>;
let bus: NatsBus;
let source: NatsSource;

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

const claim = (epoch: number): GameRecord => ({
  kind: 'claim',
  epoch,
  nonce: `nonce-${epoch}`,
  n: 0,
  pod: `sim-${epoch}`,
  type: 'twitch',
  schemaVersion: 1,
  details: DETAILS,
});
const marker = (epoch: number): GameRecord => ({
  kind: 'delta',
  epoch,
  nonce: `nonce-${epoch}`,
  n: 1,
  tick: 0,
  parts: NOTHING,
});

async function store(game: string, records: readonly GameRecord[]): Promise<void> {
  for (const record of records) await bus.commit(subjects.gameLog(gameId(game)), encodeGameRecord(record));
}

function snapshot(tick: number, change: Partial<Snapshot> = {}): Uint8Array {
  const parts = { ...NOTHING, shared: Uint8Array.of(tick) };
  return encodeSnapshot({
    epoch: 1,
    nonce: 'nonce-1',
    n: tick,
    type: 'twitch',
    schemaVersion: 1,
    details: DETAILS,
    logSeq: 2,
    tick,
    hash: hashParts({ tick, ...parts }),
    parts,
    ...change,
  });
}

test('of a volatile game replay says in one sentence that nothing is kept to replay', async () => {
  await store('twitch', [claim(1), marker(1)]);
  expect(await whyNotReplayed('twitch', source)).toMatch(/^twitch is volatile: .* nothing is kept to replay/);
  const { game } = await HonestRun.make(bus, 'honest');
  expect(await whyNotReplayed(game, source)).toBeUndefined();
});

test('its log is known as one also when it was cut down to a new marker', async () => {
  await store('cut', [marker(7), claim(8)]);
  expect(await isVolatileLog(source.game('cut'))).toBe(true);
});

test('inspect shows claims, marker and snapshots, and whether those have their hash', async () => {
  await store('seen', [claim(1), marker(1), claim(2)]);
  for (const bytes of [snapshot(3), snapshot(4, { hash: 0x1234 })])
    await bus.commit(subjects.gameSnapshots(gameId('seen')), bytes);
  const inspection = await inspectGame('seen', undefined, source, await loadDefinitions(), 5);
  expect(inspection).toMatchObject({ isVolatile: true, faults: [], replayedFrom: undefined });
  expect(inspection.records.map(({ kind }) => kind)).toEqual(['claim', 'marker', 'claim']);
  expect(inspection.snapshots.map(({ tick, state }) => [tick, state])).toEqual([
    [3, 'has its hash'],
    [4, expect.stringMatching(/^has the hash [0-9a-f]{8}$/)],
  ]);
  expect(describeInspection(inspection)).toContain('Volatile: deltas are shown and not stored');
});

test('the ledger check leaves it out', async () => {
  await store('unpaid', [claim(1), marker(1)]);
  expect(await readGameAwards('unpaid', source, await loadDefinitions())).toBe(
    'volatile games, which give no awards',
  );
});
