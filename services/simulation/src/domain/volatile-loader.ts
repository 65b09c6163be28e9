/** A volatile game's state: its newest good snapshot and nothing after it, as its deltas are stored nowhere. */

import { type ClaimRecord, decodeGameRecord, decodeSnapshot, type GameRecord } from '@breakwater/bus';
import { decodeDetails } from './game-factory.ts';
import { type LoaderDeps, readAll } from './loader.ts';
import { type StoredRecord, sleep } from './ports.ts';
import { CorruptLogError, isBadLog, Replay, WrongVersionError } from './replay.ts';
import { type Retry, SECOND_LOOK_MS, untilRead } from './settle.ts';
import { readSnapshot } from './snapshots.ts';

/** Where the chain of snapshots stood when it was read. */
export interface SnapshotPlace {
  /** Sequence of the newest one, 0 when there is none. */
  readonly lastSeq: number;
  /** Of the newest owner that is known from them, 0 for none. */
  readonly epoch: number;
  /** Sequence of the one that the game was loaded from. */
  readonly goodSeq?: number;
}

export interface VolatileLoaderDeps extends LoaderDeps {
  /** A newer snapshot than the one at `newestSeq` (0: none) is known to be stored: it is to be read again. */
  readonly isStale?: ((newestSeq: number) => boolean) | undefined;
}

export type VolatileLoad =
  | {
      readonly kind: 'loaded';
      /** Without an instance where the log says that nothing was shown yet. */
      readonly replay: Replay;
      readonly place: SnapshotPlace;
      /** How many records the log has. */
      readonly records: number;
    }
  | { readonly kind: 'lost' | 'unreadable' | 'wrong_version'; readonly detail: string };

/** By the log up to `tailSeq`. @throws when a stream cannot be read now */
export async function loadVolatile(deps: VolatileLoaderDeps, tailSeq: number): Promise<VolatileLoad> {
  const records = (await readAll(deps.log, tailSeq)).map(({ seq, bytes }) => ({
    seq,
    bytes,
    record: recordOf(bytes),
  }));
  const claim = records.findLast(({ record }) => record?.kind === 'claim')?.record as ClaimRecord | undefined;
  if (claim !== undefined && !isVolatileClaim(claim))
    return {
      kind: 'wrong_version',
      detail: `the game is a committed ${claim.type}, this process has a volatile one`,
    };
  // The marker is the one delta of the log: a snapshot was stored before it.
  const isShown = records.some(({ record }) => record?.kind === 'delta');
  // By a part of the log the game would begin anew, whatever was shown of it.
  const lastSeq = records.at(-1)?.seq ?? 0;
  if (!isShown && lastSeq !== tailSeq)
    throw new Error(`the log was read up to ${lastSeq}, and its newest record is ${tailSeq}`);
  const start = isShown ? await fromSnapshots(deps) : await fromClaims(deps, records);
  return start.kind === 'loaded' ? { ...start, records: records.length } : start;
}

/** Until the streams can be read; and as what is lost is given up for good, that takes two looks. */
export async function loadVolatileForCertain(
  deps: VolatileLoaderDeps,
  tailSeq: number,
  retry: Retry,
): Promise<VolatileLoad | 'abandoned'> {
  const load = () => untilRead(() => loadVolatile(deps, tailSeq), retry);
  const first = await load();
  if (first === 'abandoned' || first.kind !== 'lost') return first;
  await sleep(retry.clock, SECOND_LOOK_MS);
  return await load();
}

export function isVolatileClaim({ details }: ClaimRecord): boolean {
  try {
    return decodeDetails(details).durability === 'volatile';
  } catch {
    return false;
  }
}

type Start =
  | { readonly kind: 'loaded'; readonly replay: Replay; readonly place: SnapshotPlace }
  | { readonly kind: 'lost' | 'unreadable' | 'wrong_version'; readonly detail: string };

async function fromClaims(deps: VolatileLoaderDeps, records: readonly StoredRecord[]): Promise<Start> {
  const replay = new Replay(deps.factory);
  const tail = await newestOf(deps);
  try {
    for (const record of records) replay.apply(record);
    return { kind: 'loaded', replay, place: { lastSeq: tail?.seq ?? 0, epoch: epochOf(tail) } };
  } catch (cause) {
    if (!isBadLog(cause)) throw cause;
    deps.onBadStart?.(cause.message);
    if (cause instanceof WrongVersionError) return { kind: 'wrong_version', detail: cause.message };
    return { kind: cause instanceof CorruptLogError ? 'unreadable' : 'lost', detail: cause.message };
  }
}

async function fromSnapshots(deps: VolatileLoaderDeps): Promise<Start> {
  let lastSeq = 0;
  let epoch = 0;
  let problem: Start = { kind: 'lost', detail: 'the game was shown, and no snapshot of it can be read' };
  for await (const { seq, bytes } of newestFirst(deps)) {
    lastSeq = Math.max(lastSeq, seq);
    epoch = Math.max(epoch, epochOf({ seq, bytes }));
    const start = trySnapshot(deps, { seq, bytes }, { lastSeq, epoch });
    if (start.kind === 'loaded' || start.kind === 'wrong_version') return start;
    deps.onBadStart?.(start.detail);
    if (start.kind === 'unreadable') problem = start;
  }
  return problem;
}

/** As a rule only the first one is looked at. */
async function* newestFirst(deps: VolatileLoaderDeps): AsyncGenerator<StoredRecord> {
  const tail = await newestOf(deps);
  if (tail === undefined) return;
  yield tail;
  yield* (await readAll(deps.snapshots, tail.seq - 1)).reverse();
}

async function newestOf({ snapshots, isStale }: VolatileLoaderDeps): Promise<StoredRecord | undefined> {
  const tail = await snapshots.tail();
  if (isStale?.(tail?.seq ?? 0)) throw new Error('the snapshots are not read to their end');
  return tail;
}

const epochOf = (stored: StoredRecord | undefined): number =>
  (stored && readSnapshot(stored.bytes)?.epoch) ?? 0;

function trySnapshot(
  deps: LoaderDeps,
  { seq, bytes }: StoredRecord,
  before: Omit<SnapshotPlace, 'goodSeq'>,
): Start {
  const decoded = decodeSnapshot(bytes);
  if (!decoded.ok) return { kind: 'lost', detail: `snapshot ${seq} ${decoded.error.sentence}` };
  const replay = new Replay(deps.factory);
  try {
    replay.begin(decoded.value);
    return { kind: 'loaded', replay, place: { ...before, goodSeq: seq } };
  } catch (cause) {
    if (!isBadLog(cause)) throw cause;
    const isForeign = decoded.value.schemaVersion !== deps.factory.definition.schemaVersion;
    const isOther = cause instanceof WrongVersionError || isForeign;
    return { kind: isOther ? 'wrong_version' : 'unreadable', detail: cause.message };
  }
}

function recordOf(bytes: Uint8Array): GameRecord | undefined {
  const decoded = decodeGameRecord(bytes);
  return decoded.ok ? decoded.value : undefined;
}
