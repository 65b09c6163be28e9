import {
  type ClaimRecord,
  type DeltaRecord,
  decodeGameRecord,
  decodeSnapshot,
  type GameRecord,
  type Snapshot,
} from '@breakwater/bus';
import { OwnerChain } from '../check-logs/rules/chain.ts';
import type { RecordSource, StoredRecord } from '../check-logs/sources.ts';
import { messageOf } from '../command.ts';
import { type Definitions, definitionOf } from './definitions.ts';
import { type Effects, EffectWatch } from './effects.ts';
import { Replay } from './replay.ts';

/** A record from which a log can be replayed: the first claim, or one that a snapshot stands behind. */
export interface Start {
  /** `the first claim`, or `the snapshot at record 17`. */
  readonly name: string;
  /** The record that the begun state includes. */
  readonly seq: number;
  /** For the versions that the log goes on in. */
  readonly definitions: Definitions;
  /** @throws Error when the state does not fit its type, or has not the hash that it says */
  begin(): Replay;
}

/** A snapshot as it is stored. */
export interface StoredSnapshot {
  readonly seq: number;
  readonly bytes: number;
  readonly snapshot: Snapshot | undefined;
  /** Why it cannot be used. */
  readonly problem: string | undefined;
}

/** One record of a log. */
export interface Step {
  readonly seq: number;
  readonly bytes: number;
  /** Unix ms, if the stream says. */
  readonly timeMs: number | undefined;
  /** Undefined when it cannot be read. */
  readonly record: GameRecord | undefined;
  /** Hash of the replayed state, when the record holds one to compare with. */
  readonly hash: { readonly stored: number; readonly replayed: number } | undefined;
  /** What it did; undefined while nothing is replayed. */
  readonly effects: Effects | undefined;
  /** What is wrong with it. */
  readonly fault: string | undefined;
  /** The state so far; undefined before the start and after a fault. */
  readonly replay: Replay | undefined;
}

/** Snapshots of a game in the order of their stream. */
export async function readSnapshots(game: string, source: RecordSource): Promise<StoredSnapshot[]> {
  const all: StoredSnapshot[] = [];
  for await (const { seq, data } of source.snapshots(game)) {
    const decoded = decodeSnapshot(data);
    all.push({
      seq,
      bytes: data.length,
      snapshot: decoded.ok ? decoded.value : undefined,
      problem: decoded.ok ? undefined : decoded.error.sentence,
    });
  }
  return all;
}

/** Records from which the log may be replayed, earliest first, and why the others are none. */
export function startsOf(
  first: StoredRecord | undefined,
  snapshots: readonly StoredSnapshot[],
  definitions: Definitions,
): { readonly starts: readonly Start[]; readonly problems: readonly string[] } {
  const starts: Start[] = [];
  const problems: string[] = [];
  const claim = first === undefined ? undefined : claimStart(first, definitions);
  if (typeof claim === 'string') problems.push(claim);
  else if (claim !== undefined) starts.push(claim);
  for (const stored of snapshots) {
    const start = snapshotStart(stored, definitions);
    if (typeof start === 'string') problems.push(start);
    else starts.push(start);
  }
  return { starts: starts.sort((a, b) => a.seq - b.seq), problems };
}

function claimStart({ seq, data }: StoredRecord, definitions: Definitions): Start | string {
  const decoded = decodeGameRecord(data);
  if (!decoded.ok) return `record ${seq} cannot be read: ${decoded.error.sentence}`;
  const record = decoded.value;
  if (record.kind !== 'claim' || record.epoch !== 1)
    return `the log begins with record ${seq}, which is not its first claim`;
  const definition = definitionOf(definitions, record.type, record.schemaVersion);
  if (definition === undefined) return `the type ${record.type}@${record.schemaVersion} is not here`;
  return { name: 'the first claim', seq, definitions, begin: () => Replay.begin(definition, record.details) };
}

function snapshotStart({ seq, snapshot, problem }: StoredSnapshot, definitions: Definitions): Start | string {
  if (snapshot === undefined) return `snapshot ${seq} cannot be read: ${problem}`;
  const definition = definitionOf(definitions, snapshot.type, snapshot.schemaVersion);
  if (definition === undefined)
    return `snapshot ${seq} is of ${snapshot.type}@${snapshot.schemaVersion}, which is not here`;
  const begin = () => {
    const replay = Replay.from(definition, snapshot);
    if (replay.hash() !== snapshot.hash) throw new Error('its state does not have the hash that it says');
    return replay;
  };
  return { name: `the snapshot at record ${snapshot.logSeq}`, seq: snapshot.logSeq, definitions, begin };
}

/** Goes through a log, replaying it from `start` on. After a fault the state is not followed any more. */
export async function* walk(
  records: AsyncIterable<StoredRecord>,
  start: Start | undefined,
): AsyncGenerator<Step> {
  const walker = new Walker(start);
  for await (const record of records) yield walker.step(record);
}

class Walker {
  readonly #start: Start | undefined;
  readonly #chain = new OwnerChain();
  #replay: Replay | undefined;
  #watch: EffectWatch | undefined;
  /** The newest. */
  #claim: ClaimRecord | undefined;

  constructor(start: Start | undefined) {
    this.#start = start;
  }

  step({ seq, data, timeMs }: StoredRecord): Step {
    const decoded = decodeGameRecord(data);
    const plain = { seq, timeMs, bytes: data.length, hash: undefined, effects: undefined };
    if (!decoded.ok) {
      this.#replay = undefined;
      const fault = `cannot be read: ${decoded.error.sentence}`;
      return { ...plain, record: undefined, fault, replay: undefined };
    }
    const record = decoded.value;
    const fault = this.#chain.follow(record) ?? this.#apply(record) ?? this.#begin(seq);
    const hash = fault === undefined ? this.#compare(record) : undefined;
    const effects = fault === undefined ? this.#watch?.take() : undefined;
    const found = fault ?? hashFault(hash);
    if (found !== undefined) this.#replay = undefined;
    return { ...plain, record, hash, effects, fault: found, replay: this.#replay };
  }

  #begin(seq: number): string | undefined {
    if (this.#start?.seq !== seq) return undefined;
    return attempt(() => {
      this.#replay = this.#start?.begin();
      this.#watch = this.#replay && new EffectWatch(this.#replay);
    });
  }

  #apply(record: GameRecord): string | undefined {
    if (record.kind === 'claim') this.#claim = record;
    const replay = this.#replay;
    if (replay === undefined) return undefined;
    if (record.kind === 'claim') return this.#versionFault(record);
    if (record.kind !== 'delta') return undefined;
    if (record.isWhole) return this.#beginAnew(record);
    const problem = attempt(() => replay.apply(record));
    if (problem !== undefined) return problem;
    return replay.tick === record.tick ? undefined : `says tick ${record.tick} and leads to ${replay.tick}`;
  }

  /** The log holds the tables of another version from here on. */
  #beginAnew(record: DeltaRecord): string | undefined {
    const claim = this.#claim;
    const definition = claim && this.#definitionOf(claim);
    if (claim === undefined || definition === undefined) return 'begins a version that no claim named';
    return attempt(() => {
      const replay = Replay.begin(definition, claim.details);
      replay.apply(record);
      this.#replay = replay;
      this.#watch = new EffectWatch(replay);
    });
  }

  #definitionOf({ type, schemaVersion }: ClaimRecord) {
    return this.#start && definitionOf(this.#start.definitions, type, schemaVersion);
  }

  #versionFault(claim: ClaimRecord): string | undefined {
    if (this.#definitionOf(claim) !== undefined) return undefined;
    return `goes on as ${claim.type}@${claim.schemaVersion}, which is not here`;
  }

  #compare(record: GameRecord): Step['hash'] {
    if (this.#replay === undefined || record.kind !== 'delta' || record.hash === undefined) return undefined;
    return { stored: record.hash, replayed: this.#replay.hash() };
  }
}

function hashFault(hash: Step['hash']): string | undefined {
  if (hash === undefined || hash.stored === hash.replayed) return undefined;
  return `holds the hash ${hex(hash.stored)}, and the replay gives ${hex(hash.replayed)}`;
}

export const hex = (value: number): string => value.toString(16).padStart(8, '0');

function attempt(step: () => void): string | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    return `cannot be applied: ${messageOf(error)}`;
  }
}

/** The first record of a log. */
export async function firstOf(records: AsyncIterable<StoredRecord>): Promise<StoredRecord | undefined> {
  for await (const record of records) return record;
  return undefined;
}
