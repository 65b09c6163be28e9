/** Takes snapshots: chained, read back, two good ones kept, and only then the log purged below the older. */

import { decodeSnapshot, encodeSnapshot, type Snapshot } from '@breakwater/bus';
import { hashParts } from '@breakwater/game-kit';
import { recordHead } from './claim.ts';
import { type FoundSnapshot, goodSnapshots } from './loader.ts';
import type { LogPort, SnapshotPort } from './ports.ts';
import { appendUntilSettled, type Retry, readTail } from './settle.ts';

export type SnapshotResult =
  | {
      readonly kind: 'taken';
      readonly bytes: number /** Log sequence below which the log was purged, or 0. */;
      readonly purgedBelow: number;
    }
  /** A higher epoch takes them now, one of a later state is there, or another append came between. */
  | { readonly kind: 'refused' }
  /** Stored, but it did not read back as what was written. */
  | { readonly kind: 'unverified' }
  | { readonly kind: 'unavailable'; readonly cause: string };

export interface SnapshotDeps {
  readonly log: LogPort;
  readonly snapshots: SnapshotPort;
  readonly retry: Retry;
}

export const readSnapshot = (bytes: Uint8Array): Snapshot | undefined => {
  const decoded = decodeSnapshot(bytes);
  return decoded.ok ? decoded.value : undefined;
};

/** Stores `snapshot`, which must be committed state, and tidies up behind it. Never rejects. */
export async function takeSnapshot(deps: SnapshotDeps, snapshot: Snapshot): Promise<SnapshotResult> {
  try {
    const bytes = encodeSnapshot(snapshot);
    const appended = await appendSnapshot(deps, snapshot, bytes);
    if (appended !== 'stored') return appended;
    const found = await goodSnapshots(deps.snapshots, snapshot.logSeq);
    // One of a later epoch leads nowhere in this log, or is another owner's to count on.
    const good = found.filter((each) => each.snapshot.epoch <= snapshot.epoch && hasItsHash(each));
    const isThere = good.some(
      ({ snapshot: each }) => each.logSeq === snapshot.logSeq && each.hash === snapshot.hash,
    );
    await trimSnapshots(deps.snapshots, good);
    if (!isThere) return { kind: 'unverified' };
    return { kind: 'taken', bytes: bytes.length, purgedBelow: await purgeLog(deps.log, good) };
  } catch (cause) {
    return { kind: 'unavailable', cause: cause instanceof Error ? cause.message : String(cause) };
  }
}

async function appendSnapshot(
  deps: SnapshotDeps,
  snapshot: Snapshot,
  bytes: Uint8Array,
): Promise<'stored' | SnapshotResult> {
  const { log, snapshots, retry } = deps;
  const tail = await readTail(snapshots, retry);
  if (tail === 'abandoned') return { kind: 'unavailable', cause: 'given up' };
  const newest = tail === undefined ? undefined : readSnapshot(tail.bytes);
  if (newest !== undefined && (await isBeyond(newest, snapshot, log))) return { kind: 'refused' };
  const pending = { head: snapshot, bytes, expectedSeq: tail?.seq ?? 0 };
  const settled = await appendUntilSettled(snapshots, pending, readSnapshot, retry);
  switch (settled.kind) {
    case 'stored':
      return 'stored';
    case 'overtaken':
    case 'cut_back':
      return { kind: 'refused' };
    case 'invalid':
      return { kind: 'unavailable', cause: settled.cause };
    case 'abandoned':
      return { kind: 'unavailable', cause: 'given up' };
    default:
      return settled satisfies never;
  }
}

/**
 * What is trimmed and purged behind a snapshot trusts their order, so none of an earlier state may follow: one may be
 * on its way while another is taken to make room. A state or an epoch that the log has not come to is not real: the log
 * was restored from a backup.
 */
async function isBeyond(newest: Snapshot, snapshot: Snapshot, log: LogPort): Promise<boolean> {
  const isLaterEpoch = newest.epoch > snapshot.epoch;
  if (!isLaterEpoch && newest.logSeq <= snapshot.logSeq) return false;
  const tail = await log.tail();
  const reachedEpoch = tail && recordHead(tail.bytes)?.epoch;
  // A tail that cannot be read proves nothing.
  if (isLaterEpoch) return reachedEpoch === undefined || newest.epoch <= reachedEpoch;
  return tail !== undefined && newest.logSeq <= tail.seq;
}

const hasItsHash = ({ snapshot }: FoundSnapshot): boolean =>
  hashParts({ tick: snapshot.tick, ...snapshot.parts }) === snapshot.hash;

/** Keeps the two newest good ones and what came after; a single good one still outlives the bad ones before it. */
async function trimSnapshots(port: SnapshotPort, good: readonly FoundSnapshot[]): Promise<void> {
  const oldest = good[1] ?? good[0];
  if (oldest !== undefined) await port.purgeBelow(oldest.seq);
}

/** Strictly below the older of the two: its own record stays, so the log's last one always does. */
async function purgeLog(log: LogPort, good: readonly FoundSnapshot[]): Promise<number> {
  const older = good[1];
  if (older === undefined) return 0;
  await log.purgeBelow(older.snapshot.logSeq);
  return older.snapshot.logSeq;
}
