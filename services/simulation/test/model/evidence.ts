/** What a run leaves behind, from the model or from the real thing, and every rule it is held against. */

import { decodeGameRecord, decodeSnapshot, type GameRecord } from '@breakwater/bus';
import type { GameInstance } from '@breakwater/game-kit';
import type { GameFactory } from '../../src/domain/game-factory.ts';
import type { StoredRecord } from '../../src/domain/ports.ts';
import { Replay } from '../../src/domain/replay.ts';
import type { game as lab } from '../games/lab/game.ts';
import type { Sent } from './sent.ts';
import { type Committed, shownFaults } from './shown-rules.ts';
import type { Shown } from './watcher.ts';

export interface Evidence {
  readonly factory: GameFactory;
  /** Everything that was ever stored in the log, purged or not. */
  readonly records: readonly StoredRecord[];
  /** Every snapshot that an owner ever stored. */
  readonly snapshots: readonly StoredRecord[];
  readonly sent: Sent;
  /** By player: what was shown, in order. */
  readonly shown: ReadonlyMap<string, readonly Shown[]>;
}

type Lab = GameInstance<NonNullable<(typeof lab)['types']>['tables']>;

export function recordOf({ bytes }: StoredRecord): GameRecord {
  const decoded = decodeGameRecord(bytes);
  if (!decoded.ok) throw decoded.error;
  return decoded.value;
}

/** Everything that is wrong, as sentences; none for a run that was safe. */
export function faultsOf(evidence: Evidence): string[] {
  const records = evidence.records.map(recordOf);
  const chain = [...chainFaults(records), ...versionFaults(records)];
  if (chain.length > 0) return chain;
  const { faults, committed } = replayAll(evidence);
  // Of a log that is wrong in itself nothing else can be said.
  return faults.length > 0 ? faults : shownFaults(evidence, committed);
}

/** After a claim only the epoch that it began appends, without a hole; after the end nobody does. */
export function chainFaults(records: readonly GameRecord[]): string[] {
  return records.flatMap((record, index) => chainFault(record, records[index - 1]) ?? []);
}

export function chainFault(record: GameRecord, before: GameRecord | undefined): string | undefined {
  const isClaimOf = (leastEpoch: number) =>
    record.kind === 'claim' && record.n === 0 && record.epoch >= leastEpoch;
  if (before === undefined)
    return isClaimOf(1) ? undefined : 'the log begins with something else than claim 1';
  if (before.kind === 'end') return 'a record follows the end';
  if (record.epoch < before.epoch) return 'a record of a lower epoch was stored after a claim';
  if (record.epoch === before.epoch && record.nonce === before.nonce)
    return record.n === before.n + 1 ? undefined : 'a hosting skipped or repeated a number';
  return isClaimOf(before.epoch + 1) ? undefined : 'another hosting wrote without a claim of a higher epoch';
}

/** Once a game has gone on in a version it never goes on in an older one. */
function versionFaults(records: readonly GameRecord[]): string[] {
  const faults: string[] = [];
  let claimed = 0;
  let played = 0;
  for (const record of records) {
    if (record.kind === 'claim') claimed = record.schemaVersion;
    else if (claimed < played) faults.push(`a game of version ${played} went on in version ${claimed}`);
    else if (record.kind === 'delta') played = claimed;
  }
  return faults;
}

/**
 * Hash by hash the log replays; at every record each seat counted what its player sent, once; every snapshot is the
 * state at its record, so that it and the records after it lead where all records lead.
 */
function replayAll({ factory, records, snapshots, sent, shown }: Evidence): {
  faults: string[];
  committed: Map<number, Committed>;
} {
  const faults: string[] = [];
  const committed = new Map<number, Committed>();
  const snapshotHashes = hashesBySeq(snapshots);
  const pids = sent.pids();
  const shownSeqs = new Set([...shown.values()].flatMap((all) => all.map(seqOf)));
  const replay = new Replay(factory);
  for (const record of records) {
    try {
      replay.apply(record);
    } catch (cause) {
      return { faults: [...faults, `the log does not replay: ${String(cause)}`], committed };
    }
    const { seq, head, instance } = replay;
    if (instance === undefined || head === undefined) continue;
    faults.push(...countFaults(instance as unknown as Lab, sent, seq));
    const hash = snapshotHashes.get(seq);
    if (hash !== undefined && hash !== instance.hash())
      faults.push(`the snapshot at ${seq} is another state`);
    snapshotHashes.delete(seq);
    if (!shownSeqs.has(seq)) continue;
    const { tick, shared } = instance.encodeState();
    const acks = new Map(pids.map((pid) => [pid, instance.ackOf(pid) ?? 0]));
    committed.set(seq, { epoch: head.epoch, tick, shared, acks });
  }
  for (const seq of snapshotHashes.keys()) faults.push(`the snapshot at ${seq} is of no record`);
  return { faults, committed };
}

function hashesBySeq(snapshots: readonly StoredRecord[]): Map<number, number> {
  const hashes = new Map<number, number>();
  for (const { bytes } of snapshots) {
    const decoded = decodeSnapshot(bytes);
    if (!decoded.ok) throw decoded.error;
    hashes.set(decoded.value.logSeq, decoded.value.hash);
  }
  return hashes;
}

const seqOf = (each: Shown): number => (each.kind === 'state' ? each.reply.seq : each.seq);

function countFaults(instance: Lab, sent: Sent, seq: number): string[] {
  const faults: string[] = [];
  const { counters, object, scores, hands } = instance.tables;
  for (const { id: pid, value } of counters) {
    const ack = instance.ackOf(pid) ?? 0;
    const count = sent.countOf(pid, 'add', ack);
    // What comes after the end is numbered and has no effect.
    if (value > count || (value < count && instance.ended === undefined))
      faults.push(`at ${seq} seat ${pid} counted ${value} of ${count} commands up to ${ack}`);
  }
  const cards = new Map<number, number>();
  for (const { owner } of hands) cards.set(owner, (cards.get(owner) ?? 0) + 1);
  for (const [pid, count] of cards) {
    const ack = instance.ackOf(pid);
    if (ack !== undefined && count > sent.countOf(pid, 'draw', ack))
      faults.push(`at ${seq} seat ${pid} has drawn ${count} cards with ${ack} commands applied`);
  }
  let xp = 0;
  for (const score of scores) xp += score.xp - sent.countOf(score.id, 'earn', instance.ackOf(score.id) ?? 0);
  const { hp = 1 } = object.row(1) ?? {};
  if (xp > (hp === 0 ? 10 : 0)) faults.push(`at ${seq} the one object paid ${xp}`);
  return faults;
}
