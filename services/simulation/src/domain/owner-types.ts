/** Options of an owner, and what it tells the one who hosts it. */

import type { GameState } from '@breakwater/bus';
import type { CommandOutcome } from './inbox.ts';
import type { SnapshotResult } from './snapshots.ts';

export interface OwnerOptions {
  /** Uncommitted ticks for this long freeze the game, in ms. */
  readonly freezeAfterMs: number;
  /** While players are connected there is an append at least this often, in ms. */
  readonly keepAliveMs: number;
  readonly snapshotEveryRecords: number;
  readonly hashEveryRecords: number;
  readonly maxInputs: number;
  readonly maxCommandsAhead: number;
  /** Largest record of the log. */
  readonly maxRecordBytes: number;
  readonly maxRestartsPerMinute: number;
  /** A volatile game loses no more than this in a crash, in ms: so far it may be ahead of its newest snapshot. */
  readonly volatileLossMs: number;
  /** Compare the game with its own encoding at every append. */
  readonly verify: boolean;
}

export const DEFAULT_OWNER_OPTIONS: OwnerOptions = {
  freezeAfterMs: 1_000,
  keepAliveMs: 1_000,
  snapshotEveryRecords: 200,
  hashEveryRecords: 100,
  maxInputs: 10_000,
  maxCommandsAhead: 256,
  maxRecordBytes: 1_000_000,
  maxRestartsPerMinute: 3,
  volatileLossMs: 1_000,
  verify: false,
};

/** `ended` reason of a game that could not go on. */
export const FAILED_REASON = 'failed';

/**
 * - `overtaken`: the log has another owner's record.
 * - `superseded`: a claim of a higher epoch was heard.
 * - `released`: asked to give it up.
 * - `restarted`: a volatile game threw; it is hosted anew, at a higher epoch, from its newest snapshot.
 * - `ended`, `failed`: the log ends with an `end` record (or is gone).
 * - `shutdown`: the process stops.
 */
export const STOP_REASONS = [
  'overtaken',
  'superseded',
  'released',
  'restarted',
  'ended',
  'failed',
  'shutdown',
] as const;
export type StopReason = (typeof STOP_REASONS)[number];

export const APPEND_RESULTS = ['stored', 'overtaken', 'cut_back', 'invalid', 'abandoned'] as const;
export type AppendResult = (typeof APPEND_RESULTS)[number];

/** All calls are synchronous and must not throw. */
export interface OwnerEvents {
  /** `ms` from encoding to certainty. */
  onAppend(result: AppendResult, ms: number, bytes: number): void;
  /** A delta of a volatile game went out. */
  onLive(bytes: number): void;
  /** An answer that was not a plain yes, or a read that failed. */
  onTrouble(cause: string): void;
  /** A snapshot or log that a start could not use. */
  onBadStart(problem: string): void;
  onCommand(outcome: CommandOutcome): void;
  /** It stands still while its log cannot be written: by so many ms longer than when this was last told. */
  onFrozen(ms: number): void;
  /** It goes on, after so many ms in all. */
  onThawed(frozenMs: number): void;
  /** The log has no room; said once until it has. */
  onFull(cause: string): void;
  onSnapshot(result: SnapshotResult): void;
  /** So many awards are part of their users' totals now. */
  onAwards(count: number): void;
  /** Awards could not be posted, and are tried again. */
  onAwardTrouble(cause: string): void;
  /** The game was thrown away and is loaded from its log again. */
  onRestart(error: unknown): void;
  onStateTooLarge(bytes: number): void;
  /** A user took a seat, by a committed join. */
  onJoined(user: string): void;
  onState(state: GameState): void;
  /** Last call: nothing is heard of this owner any more. */
  onStopped(reason: StopReason, detail?: string): void;
}
