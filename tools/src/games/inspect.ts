import type { ClaimRecord, GameEntry, Snapshot } from '@breakwater/bus';
import { hashParts } from '@breakwater/game-kit';
import type { RecordSource } from '../check-logs/sources.ts';
import { readWhole } from '../check-logs/whole-reading.ts';
import type { Definitions } from './definitions.ts';
import type { Effects } from './effects.ts';
import { isMarker, isVolatileLog } from './volatile.ts';
import { firstOf, hex, readSnapshots, type Start, type Step, startsOf, walk } from './walk.ts';

export interface HostingRow {
  readonly seq: number;
  readonly epoch: number;
  readonly nonce: string;
  readonly pod: string;
  readonly type: string;
  readonly records: number;
  readonly lastTick: number;
  readonly hashes: number;
}

export interface SnapshotRow {
  readonly seq: number;
  readonly bytes: number;
  readonly logSeq: number | undefined;
  readonly epoch: number | undefined;
  readonly tick: number | undefined;
  readonly hash: string | undefined;
  readonly state: string;
}

export interface RecordRow {
  readonly seq: number;
  readonly epoch: number | undefined;
  readonly n: number | undefined;
  readonly kind: string;
  readonly tick: number | undefined;
  readonly bytes: number;
  readonly hash: string | undefined;
  readonly effects: Effects | undefined;
  readonly fault: string | undefined;
}

/** All that is stored of one game. */
export interface Inspection {
  readonly game: string;
  /** Undefined when the registry does not know it any more. */
  readonly entry: GameEntry | undefined;
  /** Its deltas are not stored: the log holds claims and one marker, the newest snapshot all of the game. */
  readonly isVolatile: boolean;
  readonly log: {
    readonly records: number;
    readonly bytes: number;
    readonly firstSeq: number;
    readonly lastSeq: number;
  };
  /** Each hosting by its claim, the newest 200; the first one may have been purged. */
  readonly claims: readonly HostingRow[];
  readonly snapshots: readonly SnapshotRow[];
  /** The newest records. */
  readonly records: readonly RecordRow[];
  /** Records that are not as they must be, the oldest twenty. */
  readonly faults: readonly string[];
  readonly replayedFrom: string | undefined;
  /** Why there is an end, if there is one. */
  readonly end: string | undefined;
  /** Awards that are not known to be in their users' ledgers, by user. A game ends only when there are none. */
  readonly outbox: readonly WaitingAwards[];
}

export interface WaitingAwards {
  readonly user: string;
  readonly awards: number;
  readonly xp: number;
}

const MAX_FAULTS = 20;
const MAX_CLAIMS = 200;

/** Reads all that is stored of a game. @throws Error when the streams cannot be read */
export function inspectGame(
  game: string,
  entry: GameEntry | undefined,
  source: RecordSource,
  definitions: Definitions,
  lastRecords: number,
): Promise<Inspection> {
  return readWhole(source, game, () => inspectOnce(game, entry, source, definitions, lastRecords));
}

async function inspectOnce(
  game: string,
  entry: GameEntry | undefined,
  source: RecordSource,
  definitions: Definitions,
  lastRecords: number,
): Promise<Inspection> {
  const snapshots = await readSnapshots(game, source);
  const { starts } = startsOf(await firstOf(source.game(game)), snapshots, definitions);
  const isVolatile = await isVolatileLog(source.game(game));
  const start = isVolatile ? undefined : starts.find(isUsable);
  const gathered = new Gathering(lastRecords, new Set(snapshots.map(({ snapshot }) => snapshot?.logSeq)));
  for await (const step of walk(source.game(game), start)) gathered.take(step);
  const rows = snapshots.map(({ seq, bytes, snapshot, problem }) => ({
    seq,
    bytes,
    logSeq: snapshot?.logSeq,
    epoch: snapshot?.epoch,
    tick: snapshot?.tick,
    hash: snapshot && hex(snapshot.hash),
    state:
      problem ??
      (isVolatile ? ownState(snapshot) : snapshotState(gathered.hashAt(snapshot?.logSeq), snapshot?.hash)),
  }));
  return { game, entry, isVolatile, ...gathered.result(), snapshots: rows, replayedFrom: start?.name };
}

function isUsable(start: Start): boolean {
  try {
    start.begin();
    return true;
  } catch {
    return false;
  }
}

function snapshotState(replayed: number | undefined, stored: number | undefined): string {
  if (replayed === undefined) return 'not compared';
  return replayed === stored ? 'as the log' : `the log gives ${hex(replayed)}`;
}

/** Nothing but itself tells what a snapshot of a volatile game should be. */
function ownState(snapshot: Snapshot | undefined): string {
  if (snapshot === undefined) return 'not compared';
  const { tick, parts, hash } = snapshot;
  const own = hashParts({ tick, ...parts });
  return own === hash ? 'has its hash' : `has the hash ${hex(own)}`;
}

class Gathering {
  readonly #lastRecords: number;
  /** Records behind which a snapshot stands. */
  readonly #snapshotSeqs: ReadonlySet<number | undefined>;
  readonly #claims: { -readonly [K in keyof HostingRow]: HostingRow[K] }[] = [];
  readonly #records: RecordRow[] = [];
  readonly #faults: string[] = [];
  readonly #hashes = new Map<number, number>();
  readonly #log = { records: 0, bytes: 0, firstSeq: 0, lastSeq: 0 };
  #end: string | undefined;
  #outbox: ReturnType<NonNullable<Step['replay']>['awards']> = [];

  constructor(lastRecords: number, snapshotSeqs: ReadonlySet<number | undefined>) {
    this.#lastRecords = lastRecords;
    this.#snapshotSeqs = snapshotSeqs;
  }

  take(step: Step): void {
    const { seq, bytes, record, hash, fault, replay } = step;
    if (this.#log.records === 0) this.#log.firstSeq = seq;
    this.#log.records += 1;
    this.#log.bytes += bytes;
    this.#log.lastSeq = seq;
    if (fault !== undefined && this.#faults.length < MAX_FAULTS) this.#faults.push(`record ${seq} ${fault}`);
    if (record?.kind === 'claim') this.#claim(seq, record);
    if (record?.kind === 'end') this.#end = record.reason;
    this.#outbox = replay?.awards() ?? [];
    this.#count(step);
    if (replay !== undefined && this.#snapshotSeqs.has(seq))
      this.#hashes.set(seq, hash?.replayed ?? replay.hash());
    this.#keep(step);
  }

  hashAt(seq: number | undefined): number | undefined {
    return seq === undefined ? undefined : this.#hashes.get(seq);
  }

  result() {
    return {
      log: this.#log,
      claims: this.#claims,
      records: this.#records,
      faults: this.#faults,
      end: this.#end,
      outbox: this.#waiting(),
    };
  }

  #waiting(): WaitingAwards[] {
    const users = new Map<string, WaitingAwards>();
    for (const { user, amount } of this.#outbox) {
      const { awards, xp } = users.get(user) ?? { awards: 0, xp: 0 };
      users.set(user, { user, awards: awards + 1, xp: xp + amount });
    }
    return [...users.values()];
  }

  #claim(seq: number, { epoch, nonce, pod, type, schemaVersion }: ClaimRecord): void {
    const counts = { records: 0, lastTick: 0, hashes: 0 };
    this.#claims.push({ seq, epoch, nonce, pod, type: `${type}@${schemaVersion}`, ...counts });
    if (this.#claims.length > MAX_CLAIMS) this.#claims.shift();
  }

  /** Adds a record to the hosting that it belongs to; what precedes the first claim belongs to none. */
  #count({ record, hash, fault }: Step): void {
    const claim = this.#claims.at(-1);
    if (claim === undefined) return;
    claim.records += 1;
    if (record?.kind === 'delta') claim.lastTick = record.tick;
    if (hash !== undefined && fault === undefined) claim.hashes += 1;
  }

  #keep({ seq, bytes, record, effects, fault }: Step): void {
    this.#records.push({
      seq,
      epoch: record?.epoch,
      n: record?.n,
      kind: record === undefined ? 'unreadable' : isMarker(record) ? 'marker' : record.kind,
      tick: record?.kind === 'delta' ? record.tick : undefined,
      bytes,
      hash: record?.kind === 'delta' && record.hash !== undefined ? hex(record.hash) : undefined,
      effects,
      fault,
    });
    if (this.#records.length > this.#lastRecords) this.#records.shift();
  }
}
