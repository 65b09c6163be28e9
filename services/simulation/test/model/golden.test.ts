import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSnapshot } from '@breakwater/bus';
import { describe, expect, it } from 'vitest';
import { GameFactory } from '../../src/domain/game-factory.ts';
import { Replay } from '../../src/domain/replay.ts';
import { fromGolden, type GoldenLog, worldDefinition } from './golden-log.ts';

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
