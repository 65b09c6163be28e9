/** Bugs put between the real code and the model's world: the runs have to find each of them. */

import { decodeSnapshot, encodeGameRecord, encodeSnapshot } from '@breakwater/bus';
import type { ChainPort } from '../../src/domain/ports.ts';
import type { DatedRecord } from '../../src/domain/retention.ts';
import type { Broker } from './broker.ts';
import { recordOf } from './evidence.ts';

/** What stands between the parts under test and their surroundings. */
export interface Seam {
  readonly log?: (port: ChainPort, broker: Broker) => ChainPort;
  readonly snapshots?: (port: ChainPort, broker: Broker) => ChainPort;
  /** The last record of a log as a sweep reads it. */
  readonly sweptTail?: (tail: DatedRecord | undefined) => DatedRecord | undefined;
  readonly nonce?: (nonce: string) => string;
  /** Who is asked to give the game up stops at once. */
  readonly isReleaseAbrupt?: boolean;
  /** The sequence before a record as the edge reads it off the feed. */
  readonly prevOf?: (prev: number, position: number) => number;
}

type Append = ChainPort['append'];

const withAppend =
  (change: (append: Append, broker: Broker) => Append): NonNullable<Seam['log']> =>
  (port, broker) => ({ ...port, append: change(port.append, broker) });

const isClaim = (bytes: Uint8Array): boolean => recordOf({ seq: 0, bytes }).kind === 'claim';
const tailSeq = ({ log }: Broker): number => log.records.at(-1)?.seq ?? 0;

export const SEEDED_BUGS: Readonly<Record<string, Seam>> = {
  'a timeout counts as refused for good': {
    log: withAppend((append) => async (bytes, expectedSeq) => {
      const outcome = await append(bytes, expectedSeq);
      return outcome.kind === 'doubt' ? { kind: 'invalid', cause: outcome.cause } : outcome;
    }),
  },
  'a timeout counts as not stored, and the next record follows': {
    log: withAppend((append) => async (bytes, expectedSeq) => {
      const outcome = await append(bytes, expectedSeq);
      return outcome.kind === 'doubt' ? { kind: 'stored', seq: expectedSeq } : outcome;
    }),
  },
  'the claim is skipped': {
    log: withAppend((append, broker) => async (bytes, expectedSeq) => {
      if (expectedSeq === 0 || !isClaim(bytes)) return append(bytes, expectedSeq);
      return { kind: 'stored', seq: tailSeq(broker) };
    }),
  },
  'the state for a join leaves before its record is stored': {
    log: withAppend((append, { log }) => async (bytes, expectedSeq) => {
      if (isClaim(bytes)) return append(bytes, expectedSeq);
      void append(bytes, expectedSeq);
      return { kind: 'stored', seq: log.seqOfNext(bytes) };
    }),
  },
  'the log is purged up to the newest snapshot': {
    log: (port, { snapshots }) => ({
      ...port,
      purgeBelow(seq) {
        const newest = decodeSnapshot(snapshots.records.at(-1)?.bytes ?? new Uint8Array());
        return port.purgeBelow(newest.ok ? Math.max(seq, newest.value.logSeq) : seq);
      },
    }),
  },
  'no hosting can be told from another by its nonce': { nonce: () => 'nonce' },
  'an append expects whatever is there': {
    log: withAppend((append, broker) => (bytes) => append(bytes, tailSeq(broker))),
  },
  'a snapshot names a later record than its state': {
    snapshots: withAppend((append, broker) => (bytes, expectedSeq) => {
      const decoded = decodeSnapshot(bytes);
      if (!decoded.ok) return append(bytes, expectedSeq);
      return append(encodeSnapshot({ ...decoded.value, logSeq: tailSeq(broker) }), expectedSeq);
    }),
  },
  'what is quiet counts as ended': {
    sweptTail: (tail) => {
      if (tail === undefined) return undefined;
      const { epoch, nonce, n } = recordOf(tail);
      return { ...tail, bytes: encodeGameRecord({ kind: 'end', epoch, nonce, n, reason: 'quiet' }) };
    },
  },
  'the first delta of a new version looks like any other': {
    log: withAppend((append) => (bytes, expectedSeq) => {
      const record = recordOf({ seq: 0, bytes });
      if (record.kind !== 'delta' || record.isWhole !== true) return append(bytes, expectedSeq);
      const { isWhole: _whole, ...rest } = record;
      return append(encodeGameRecord(rest), expectedSeq);
    }),
  },
  'the edge overlooks a hole in the feed': { prevOf: (_prev, position) => position },
};
