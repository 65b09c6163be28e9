import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emptyInstance } from '../src/index.ts';
import { Replica } from '../src/replica.ts';
import { type GoldenLog, partsOf, recordGoldenLog } from './golden/golden-log.ts';
import { sample } from './sample-game.ts';

const golden: GoldenLog = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/sample-1.json'), 'utf8'));

/**
 * `sample-1.json` was written once, by `recordGoldenLog`. If one of these fails, games that are stored cannot be read
 * any more: that needs a new version of the format, not a new file.
 */
describe('a log of an earlier day (fault 38)', () => {
  it('replays to the hashes that were noted then', () => {
    const instance = emptyInstance(sample, { seed: 0 });
    expect(golden.records.length).toBe(20);
    for (const record of golden.records) {
      instance.applyDelta(partsOf(record));
      expect(instance.hash()).toBe(record.hash);
    }
  });

  it('is read by a replica', () => {
    const replica = new Replica(sample.schema);
    for (const record of golden.records) {
      const { shared, slices } = partsOf(record);
      replica.applyDelta(shared, slices.find((slice) => slice.pid === 2)?.bytes);
    }
    expect([...replica.table('$players').rows.values()]).toEqual([{ name: 'Böb 王😀', connected: true }]);
    expect(replica.table('players').rows.get(2)?.title).toBe('é\u0000\ufeff');
    expect(replica.table('hands').rows.size).toBe(1);
  });

  it('is written the same today', () => {
    expect(recordGoldenLog()).toEqual(golden);
  });
});
