import { formatTable } from '../text-table.ts';
import { describeEffects } from './effects.ts';
import type { Inspection, RecordRow } from './inspect.ts';
import { printable } from './list.ts';

const CLAIM_HEAD = [
  'record',
  'epoch',
  'process',
  'type',
  'records',
  'to tick',
  'hashes held',
  'nonce',
] as const;
const SNAPSHOT_HEAD = ['snapshot', 'of record', 'epoch', 'tick', 'bytes', 'hash', 'state'] as const;
const RECORD_HEAD = ['record', 'epoch', 'n', 'kind', 'tick', 'bytes', 'hash', 'what it did'] as const;

const cell = (value: number | string | undefined): string => (value === undefined ? '' : String(value));

/** The inspection for people. */
export function describeInspection(inspection: Inspection): string {
  const { claims, snapshots, records, faults, replayedFrom, end, outbox, isVolatile } = inspection;
  const parts = [headOf(inspection)];
  const claimCells = claims.map((claim) =>
    [
      claim.seq,
      claim.epoch,
      claim.pod,
      claim.type,
      claim.records,
      claim.lastTick,
      claim.hashes,
      claim.nonce,
    ].map(cell),
  );
  parts.push(claims.length === 0 ? 'No claims.' : formatTable(CLAIM_HEAD, claimCells));
  const snapshotCells = snapshots.map((row) =>
    [row.seq, row.logSeq, row.epoch, row.tick, row.bytes, row.hash, row.state].map(cell),
  );
  parts.push(snapshots.length === 0 ? 'No snapshots.' : formatTable(SNAPSHOT_HEAD, snapshotCells));
  parts.push(formatTable(RECORD_HEAD, records.map(recordCells)));
  if (isVolatile)
    parts.push(
      'Volatile: deltas are shown and not stored; the newest good snapshot is all that a crash leaves.',
    );
  else
    parts.push(
      replayedFrom === undefined ? 'Not replayed: no start can be used.' : `Replayed from ${replayedFrom}.`,
    );
  const waiting = outbox.map(({ user, awards, xp }) => `${user} ${awards} (${xp} XP)`);
  if (waiting.length > 0) parts.push(`Awards that wait for the ledger: ${waiting.join(', ')}.`);
  if (end !== undefined) parts.push(`Ended: ${printable(end)}`);
  if (faults.length > 0) parts.push(faults.map((fault) => `✗ ${fault}`).join('\n'));
  return parts.join('\n\n');
}

function headOf({ game, entry, log }: Inspection): string {
  const kilobytes = (log.bytes / 1_000).toFixed(1);
  const stored =
    log.records === 0
      ? 'its log is empty'
      : `${log.records} records (${log.firstSeq} to ${log.lastSeq}), ${kilobytes} kB`;
  if (entry === undefined) return `${game}: not in the registry; ${stored}`;
  const { type, schemaVersion, state, epoch, pod, node, players, maxPlayers, reason, title } = entry;
  const where = pod === undefined ? '' : ` on ${pod}${node === undefined ? '' : ` (node ${node})`}`;
  const why = reason === undefined ? '' : `, because: ${printable(reason)}`;
  return `${game}: ${type}@${schemaVersion} “${printable(title)}”, ${state}${where}, epoch ${epoch}, ${players}/${maxPlayers} players${why}\n${stored}`;
}

function recordCells({
  seq,
  epoch,
  n,
  kind,
  tick,
  bytes,
  hash,
  effects,
  fault,
}: RecordRow): readonly string[] {
  const did = fault === undefined ? (effects === undefined ? '' : describeEffects(effects)) : `✗ ${fault}`;
  return [...[seq, epoch, n, kind, tick, bytes, hash].map(cell), printable(did)];
}
