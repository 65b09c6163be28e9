/** A game's state from its newest good snapshot and the deltas after it: the one way to start one. */

import { decodeSnapshot, type Snapshot } from '@breakwater/bus';
import type { GameFactory } from './game-factory.ts';
import { type ChainPort, type LogPort, type SnapshotPort, type StoredRecord, sleep } from './ports.ts';
import { CorruptLogError, isBadLog, LogHoleError, Replay, WrongVersionError } from './replay.ts';
import { type Retry, SECOND_LOOK_MS, untilRead } from './settle.ts';

export interface LoaderDeps {
  readonly log: LogPort;
  readonly snapshots: SnapshotPort;
  readonly factory: GameFactory;
  /** Told of every start that did not work out. */
  readonly onBadStart?: (problem: string) => void;
}

export type LoadResult =
  | {
      readonly kind: 'loaded';
      readonly replay: Replay /** Log sequence of the snapshot it began at, or 0. */;
      readonly fromSeq: number;
    }
  /** Records are gone: no snapshot and not the first record either leads to the tail. */
  | { readonly kind: 'lost'; readonly detail: string }
  /** Everything is there, but this process makes no game of it: another one may. */
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'wrong_version'; readonly detail: string };

/** The owner may trim and purge while a loader reads; each time it is sent back to a newer snapshot. */
const MAX_ROUNDS = 8;

export interface FoundSnapshot {
  /** Sequence in the snapshots' own stream. */
  readonly seq: number;
  readonly snapshot: Snapshot;
}

/** Readable snapshots of states up to `tailSeq`, newest first. @throws when the stream cannot be read */
export async function goodSnapshots(port: SnapshotPort, tailSeq: number): Promise<FoundSnapshot[]> {
  const tail = await port.tail();
  if (tail === undefined) return [];
  const found: FoundSnapshot[] = [];
  for (const { seq, bytes } of await readAll(port, tail.seq)) {
    const decoded = decodeSnapshot(bytes);
    if (decoded.ok && decoded.value.logSeq <= tailSeq) found.push({ seq, snapshot: decoded.value });
  }
  return found.reverse();
}

/** All records up to `toSeq`. @throws when the stream cannot be read */
export async function readAll(port: ChainPort, toSeq: number): Promise<StoredRecord[]> {
  const all: StoredRecord[] = [];
  for (let from = 1; from <= toSeq; ) {
    const batch = await port.read(from, toSeq);
    if (batch.length === 0) break;
    all.push(...batch);
    from = batch.at(-1)!.seq + 1;
  }
  return all;
}

/** Loads up to the record at `tailSeq`. @throws when a stream cannot be read now */
export async function loadGame(deps: LoaderDeps, tailSeq: number): Promise<LoadResult> {
  let newestTried = -1;
  let detail = 'the log has no beginning';
  let isUnreadable = false;
  let isForeign = false;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const found = await goodSnapshots(deps.snapshots, tailSeq);
    const newest = found[0]?.snapshot.logSeq ?? 0;
    if (newest <= newestTried) break;
    newestTried = newest;
    for (const snapshot of [...found.map((each) => each.snapshot), undefined]) {
      const replay = new Replay(deps.factory);
      const attempt = await tryStart(deps, replay, snapshot, tailSeq);
      if (attempt instanceof Replay)
        return { kind: 'loaded', replay: attempt, fromSeq: snapshot?.logSeq ?? 0 };
      if (attempt instanceof WrongVersionError) return { kind: 'wrong_version', detail: attempt.message };
      deps.onBadStart?.(attempt.message);
      isUnreadable ||= attempt instanceof CorruptLogError;
      isForeign ||= isUnreadable && isOfOther(replay, deps.factory);
      detail = attempt.message;
    }
  }
  // Those who wrote it can read it: it is their game still, whatever this process makes of their tables.
  if (isForeign) return { kind: 'wrong_version', detail };
  return { kind: isUnreadable ? 'unreadable' : 'lost', detail };
}

/** It came as far as a claim or snapshot, of another version than this process has. */
function isOfOther({ schemaVersion }: Replay, { definition }: GameFactory): boolean {
  return schemaVersion !== 0 && schemaVersion !== definition.schemaVersion;
}

/** Until the streams can be read; and as what is lost is given up for good, that takes two looks. */
export async function loadForCertain(
  deps: LoaderDeps,
  tailSeq: number,
  retry: Retry,
): Promise<LoadResult | 'abandoned'> {
  const load = () => untilRead(() => loadGame(deps, tailSeq), retry);
  const first = await load();
  if (first === 'abandoned' || first.kind !== 'lost') return first;
  await sleep(retry.clock, SECOND_LOOK_MS);
  return await load();
}

type BadStart = LogHoleError | CorruptLogError | WrongVersionError;

async function tryStart(
  deps: LoaderDeps,
  replay: Replay,
  snapshot: Snapshot | undefined,
  tailSeq: number,
): Promise<Replay | BadStart> {
  try {
    if (snapshot !== undefined) replay.begin(snapshot);
    await replayTo(deps.log, replay, tailSeq);
    return replay;
  } catch (cause) {
    if (isBadLog(cause)) return cause;
    throw cause;
  }
}

/**
 * Applies what lies between the replay and the record at `toSeq`. Each batch begins with the record that was
 * applied last: as only a prefix is ever purged, seeing it again shows that nothing after it is gone.
 */
export async function replayTo(log: LogPort, replay: Replay, toSeq: number): Promise<void> {
  while (replay.seq < toSeq) {
    const batch = await log.read(Math.max(1, replay.seq), toSeq);
    const isFirst = replay.seq === 0;
    if (!isFirst && !replay.isLastApplied(batch[0])) {
      throw new LogHoleError(`the record at ${replay.seq} is gone, so later ones may be`);
    }
    const fresh = isFirst ? batch : batch.slice(1);
    if (fresh.length === 0) throw new LogHoleError(`no record follows ${replay.seq}, but ${toSeq} should`);
    for (const record of fresh) replay.apply(record);
  }
}
