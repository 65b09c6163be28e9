import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  awardId,
  decodeGameRecord,
  decodeLedgerRecord,
  decodeSnapshot,
  encodeGameRecord,
  encodeLedgerRecord,
} from '@breakwater/bus';
import { describe, expect, it } from 'vitest';
import { GameFactory } from '../../src/domain/game-factory.ts';
import { Replay } from '../../src/domain/replay.ts';
import { fromGolden, type GoldenLog, worldDefinition } from './golden-log.ts';
import { type GoldenVersions, mint } from './golden-versions.ts';

const golden: GoldenLog = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/world-1.json'), 'utf8'));
const records = golden.records.map(fromGolden);
const factory = new GameFactory(worldDefinition, () => undefined);

/**
 * `golden/world-1.json` was written once, by `recordGoldenLog`. If one of these fails, games that are stored cannot be
 * loaded any more: that needs a new version, and a file beside this one.
 */
describe('the log of a World of an earlier day (fault 38)', () => {
  it('replays, hash by hash, to the state that was noted then', () => {
    const replay = new Replay(factory);
    for (const record of records) replay.apply(record);
    expect(replay.head?.epoch).toBe(2);
    expect(replay.instance?.hash()).toBe(golden.hash);
  });

  it.each(golden.snapshots.map((snapshot, index) => [index, snapshot] as const))(
    'leads to the same state from snapshot %i and the records after it',
    (_index, snapshot) => {
      const decoded = decodeSnapshot(fromGolden(snapshot).bytes);
      if (!decoded.ok) throw decoded.error;
      const replay = new Replay(factory);
      replay.begin(decoded.value);
      for (const record of records) if (record.seq > decoded.value.logSeq) replay.apply(record);
      expect(replay.instance?.hash()).toBe(golden.hash);
    },
  );

  it('has snapshots and hashes enough to be worth something', () => {
    expect(golden.snapshots.length).toBeGreaterThan(2);
    expect(golden.records.length).toBeGreaterThan(30);
  });
});

const versions: GoldenVersions = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden/mint-2.json'), 'utf8'),
);

/** Written once, by `recordGoldenVersions`. */
describe('a log of an earlier day with a restart, a new version, awards and an end (fault 38)', () => {
  const stored = versions.records.map(fromGolden);
  const decoded = stored.map(({ bytes }) => {
    const record = decodeGameRecord(bytes);
    if (!record.ok) throw record.error;
    return record.value;
  });
  const newer = new GameFactory(mint, () => undefined);

  it('replays over both versions, hash by hash, to its end', () => {
    const replay = new Replay(newer);
    for (const record of stored) replay.apply(record);
    expect(replay).toMatchObject({ schemaVersion: 2, ended: 'done' });
    expect(replay.restarts).toHaveLength(1);
    expect(replay.instance?.hash()).toBe(versions.hash);
  });

  it('leads there from each of its snapshots as well', () => {
    const ends = versions.snapshots.map((snapshot) => {
      const start = decodeSnapshot(fromGolden(snapshot).bytes);
      if (!start.ok) throw start.error;
      const replay = new Replay(newer);
      replay.begin(start.value);
      for (const record of stored) if (record.seq > start.value.logSeq) replay.apply(record);
      return [start.value.schemaVersion, replay.instance?.hash()];
    });
    expect(ends).toEqual([1, 1, 1, 2].map((version) => [version, versions.hash]));
  });

  it('has every kind of record, and each would be written the same today', () => {
    const kinds = decoded.map((record) => {
      if (record.kind !== 'delta') return record.kind;
      return `delta${record.isRestart ? ' after a restart' : ''}${record.isWhole ? ' of all' : ''}`;
    });
    expect(new Set(kinds)).toEqual(
      new Set(['claim', 'delta', 'delta after a restart', 'delta of all', 'end']),
    );
    for (const [index, record] of decoded.entries())
      expect(encodeGameRecord(record)).toEqual(stored[index]!.bytes);
  });

  it('has ledgers that add up to the totals that were noted then, and would be written the same', () => {
    for (const [user, chain] of Object.entries(versions.ledgers)) {
      const records = chain.map((record) => {
        const { bytes } = fromGolden(record);
        const ledger = decodeLedgerRecord(bytes);
        if (!ledger.ok) throw ledger.error;
        expect(encodeLedgerRecord(ledger.value)).toEqual(bytes);
        return ledger.value;
      });
      const awards = records.flatMap((record) => record.awards);
      expect(records.at(-1)?.total).toBe(versions.totals[user]);
      expect(awards.reduce((sum, { amount }) => sum + amount, 0)).toBe(versions.totals[user]);
      expect(new Set(awards.map((award) => awardId('game', award))).size).toBe(awards.length);
      expect(new Set(awards.map(({ epoch }) => epoch)).size).toBeGreaterThan(1);
    }
  });
});
