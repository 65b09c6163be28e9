import type { Connection } from './connection.ts';

/**
 * - `joining`: the owner is being asked.
 * - `live`: gets every delta.
 * - `skipping`: reads too slowly; deltas are left out.
 * - `syncing`: can read again and waits for full state.
 * - `unseated`: had its seat of an owner that a volatile game has lost; nothing but a new join helps.
 */
export type GamePhase = 'joining' | 'live' | 'skipping' | 'syncing' | 'unseated';

/** One connection in one game. */
export class GameMember {
  readonly connection: Connection;
  /** The number of the join, for the owner. */
  readonly join: number;
  phase: GamePhase = 'joining';
  /** The player's seat, or the one it had; 0 for a spectator. */
  pid = 0;
  /** What the client was shown last: nothing older may follow. */
  shownEpoch: number;
  shownSeq: number;
  /** JSON text of the schema that the client has; empty before its first state. */
  schema = '';
  /** Counted among those for whom records are kept. */
  isAttached = false;

  constructor(connection: Connection, join: number, shown: readonly number[] | undefined) {
    this.connection = connection;
    this.join = join;
    this.shownEpoch = shown?.[0] ?? 0;
    this.shownSeq = shown?.[1] ?? 0;
  }

  /** False once another owner of a volatile game may have given the seat to somebody else. */
  get hasSeat(): boolean {
    return this.pid !== 0 && this.phase !== 'unseated';
  }
}
