/** A log with everything that a loader meets: claims of two owners, deltas with hashes, snapshots. */

import type { GameDefinition } from '@breakwater/game-kit';
import { world } from '@breakwater/game-world';
import type { StoredRecord } from '../../src/domain/ports.ts';
import { MemoryWorld, random } from '../memory-world.ts';

export interface GoldenRecord {
  readonly seq: number;
  /** Base64. */
  readonly bytes: string;
}

export interface GoldenLog {
  readonly schemaVersion: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly records: readonly GoldenRecord[];
  readonly snapshots: readonly GoldenRecord[];
  /** Hash of the state behind the last record. */
  readonly hash: number;
}

export const worldDefinition = world as unknown as GameDefinition;

/** Plays a small World over two owners. Run once for each version of the record format or of World's schema. */
export async function recordGoldenLog(): Promise<GoldenLog> {
  const options = { objects: 12, regrowTicks: 5 };
  const stage = new MemoryWorld(
    { trouble: 0, random: random(5) },
    { hashEveryRecords: 1, snapshotEveryRecords: 8 },
    options,
    worldDefinition,
  );
  for (const epoch of [1, 2]) {
    const hosting = stage.host(epoch);
    await stage.clock.advanceAsync(300);
    await hosting;
    stage.join('ann', epoch);
    stage.join('böb', epoch);
    await stage.ticks(8);
    for (let n = 1; n <= 6; n++) {
      const at = (epoch - 1) * 6 + n;
      stage.command(1, at, 'steer', { dx: n, dy: 3 - n });
      stage.command(2, at, 'hit', { object: n });
      await stage.ticks(3);
    }
  }
  const state = stage.replay().instance;
  if (state === undefined) throw new Error('nothing was recorded');
  return {
    schemaVersion: worldDefinition.schemaVersion,
    options,
    records: stage.log.archive.map(toGolden),
    snapshots: stage.snapshots.archive.map(toGolden),
    hash: state.hash(),
  };
}

export const toGolden = ({ seq, bytes }: StoredRecord): GoldenRecord => ({
  seq,
  bytes: Buffer.from(bytes).toString('base64'),
});

export const fromGolden = ({ seq, bytes }: GoldenRecord): StoredRecord => ({
  seq,
  bytes: Uint8Array.from(Buffer.from(bytes, 'base64')),
});
