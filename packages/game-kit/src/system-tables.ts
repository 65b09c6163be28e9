import { bool, f64, text, u32 } from './columns.ts';
import { table } from './table.ts';

/** 32 UTF-16 code units, the protocol's limit of a display name, take at most three bytes each. */
export const MAX_NAME_BYTES = 96;
export const MAX_USER_BYTES = 64;
export const MAX_REASON_BYTES = 64;
export const MAX_EDGE_BYTES = 64;

/** The kit's own tables. They stand behind the author's, so that adding one moves no table number. */
export const SYSTEM_TABLES = {
  /** One row a seat; its id is the pid, the player's number, which is never used again in this game. */
  $players: table({ visibility: 'all', columns: { name: text(MAX_NAME_BYTES), connected: bool() } }),
  /** One row: how many may play, and whether and why the game has ended. */
  $game: table({
    visibility: 'all',
    columns: { seats: u32(), ended: bool(), reason: text(MAX_REASON_BYTES) },
  }),
  /** By pid: the number of the last command applied, and the join that plays now: an older session sees it rise. */
  $seats: table({ visibility: 'owner', columns: { ack: u32(), join: f64() } }),
  /** Commands that were numbered as applied and had no effect, with the reason. */
  $rejects: table({
    visibility: 'owner',
    transient: true,
    columns: { n: u32(), reason: text(MAX_REASON_BYTES) },
  }),
  /**
   * By pid: who sits there, and through which edge, so that a new owner knows whose silence matters.
   * `disconnectedAtTick` counts only while the player is not connected.
   */
  $sessions: table({
    visibility: 'server',
    columns: {
      user: text(MAX_USER_BYTES),
      join: f64(),
      edge: text(MAX_EDGE_BYTES),
      disconnectedAtTick: u32(),
    },
  }),
  /** Who left lately, so that a late copy of an old join brings nobody back. */
  $departed: table({
    visibility: 'server',
    columns: { user: text(MAX_USER_BYTES), join: f64(), atTick: u32() },
  }),
  /** One row: where the random numbers stand. */
  $random: table({ visibility: 'server', columns: { a: u32(), b: u32(), c: u32(), d: u32() } }),
  /** One row: the tick at which the last connected player went. */
  $clock: table({ visibility: 'server', columns: { idleSinceTick: u32() } }),
  /** The outbox: XP that was given and is not known to be in its user's ledger. `epoch` 0: given since the last delta. */
  $awards: table({
    visibility: 'server',
    columns: { user: text(MAX_USER_BYTES), amount: u32(), epoch: u32(), n: u32(), index: u32() },
  }),
};

/** Tables that came later: a log from before them is read as if it had them, empty. */
export const LATER_TABLES: ReadonlySet<string> = new Set(['$awards']);

export type SystemTables = typeof SYSTEM_TABLES;
