/** What the owner of a game needs from outside. Everything here can be played by memory in a test. */

import type { RecordHead } from '@breakwater/bus';
import type { LedgerPorts } from './ledger.ts';

/** Stops what was scheduled; calling it again does nothing. */
export type Cancel = () => void;

export interface ClockPort {
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  after(delayMs: number, fn: () => void): Cancel;
}

/**
 * What is known of an append. Only `stored` and `invalid` are certain; after `refused`, `full` and `doubt` the tail
 * decides, because an earlier copy of the same record may have been stored.
 */
export type AppendOutcome =
  | { readonly kind: 'stored'; readonly seq: number }
  | { readonly kind: 'refused' | 'full' | 'doubt'; readonly cause: string }
  /** Not stored, and never will be as it is. */
  | { readonly kind: 'invalid'; readonly cause: string };

export interface StoredRecord {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** The chain of records on one subject. Reads give what the stream's leader has, and reject when that cannot be known. */
export interface ChainPort {
  /** Stores `bytes` if the subject's last sequence is `expectedSeq` (0: it is empty). Never rejects. */
  append(bytes: Uint8Array, expectedSeq: number, trace?: string): Promise<AppendOutcome>;
  /** The newest record; `undefined` when there is none. */
  tail(): Promise<StoredRecord | undefined>;
  /** Records from `fromSeq` to `toSeq`, both included, by rising sequence: all, or the first two or more of them. */
  read(fromSeq: number, toSeq: number): Promise<readonly StoredRecord[]>;
  /** Removes what lies below `seq`. */
  purgeBelow(seq: number): Promise<void>;
}

/** The log of one game. */
export type LogPort = ChainPort;
/** The snapshots of one game. */
export type SnapshotPort = ChainPort;

export interface OwnerPorts {
  readonly log: LogPort;
  readonly snapshots: SnapshotPort;
  readonly ledger: LedgerPorts;
  readonly clock: ClockPort;
  /** 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

export type HeadOf = (bytes: Uint8Array) => RecordHead | undefined;

export function isSameHead(a: RecordHead | undefined, b: RecordHead): boolean {
  return a !== undefined && a.epoch === b.epoch && a.nonce === b.nonce && a.n === b.n;
}

export const sleep = (clock: ClockPort, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.after(delayMs, resolve));
