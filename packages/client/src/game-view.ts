/** The replica of a game and what the kit's own tables say in it about this player. */

import { type AnyRows, Replica, ReplicaError } from '@breakwater/game-kit/replica';
import type { GameDeltaFrame, GameStateFrame } from '@breakwater/protocol';

/** Tables that every game has: the last command applied and the session by player, and commands without effect. */
const SEATS = '$seats';
const REJECTS = '$rejects';
/** Stands in `replica.tick` while bytes are read, to tell bad bytes from a listener that threw. */
const READING = -1;

export interface Rejection {
  readonly n: number;
  readonly reason: string;
}

export class GameView {
  #replica: Replica<AnyRows> | undefined;
  #schemaText = '';
  readonly #onReject: (rejection: Rejection) => void;
  readonly #onThrow: (error: unknown) => void;

  constructor(onReject: (rejection: Rejection) => void, onThrow: (error: unknown) => void) {
    this.#onReject = onReject;
    this.#onThrow = onThrow;
  }

  get replica(): Replica<AnyRows> {
    if (this.#replica === undefined) throw new ReplicaError('schema', 'the game was not joined yet');
    return this.#replica;
  }

  get tickHz(): number {
    return this.#replica?.schema.tickHz ?? 0;
  }

  /** Takes the schema of a join; true if the replica is another object now. Throws `ReplicaError('schema')`. */
  adopt(schema: unknown): boolean {
    const text = JSON.stringify(schema);
    if (this.#replica !== undefined && text === this.#schemaText) return false;
    const replica = new Replica<AnyRows>(schema);
    replica.tables.get(REJECTS)?.on({ event: (row) => this.#rejected(row) });
    this.#replica = replica;
    this.#schemaText = text;
    return true;
  }

  /** False if the bytes do not fit: nothing was applied then. */
  applyState(frame: GameStateFrame): boolean {
    // A spectator has no slice; a player's is never empty.
    const slice = frame.slice.length === 0 ? undefined : frame.slice;
    return this.#apply((replica) => replica.applyState(frame.shared, slice));
  }

  applyDelta(frame: GameDeltaFrame, slice: Uint8Array | undefined): boolean {
    return this.#apply((replica) => replica.applyDelta(frame.shared, slice));
  }

  /** Number of the last command of player `pid` that the state covers. */
  ackOf(pid: number): number | undefined {
    return this.#seatNumber(pid, 'ack');
  }

  /** The join that plays the seat of `pid`: of this session or, above its own, of one that replaced it. */
  joinOf(pid: number): number | undefined {
    return this.#seatNumber(pid, 'join');
  }

  #seatNumber(pid: number, column: 'ack' | 'join'): number | undefined {
    const value = this.#replica?.tables.get(SEATS)?.rows.get(pid)?.[column];
    return typeof value === 'number' ? value : undefined;
  }

  #rejected(row: { readonly [column: string]: unknown }): void {
    if (typeof row.n === 'number' && typeof row.reason === 'string')
      this.#onReject({ n: row.n, reason: row.reason });
  }

  #apply(change: (replica: Replica<AnyRows>) => void): boolean {
    const { replica } = this;
    const tick = replica.tick;
    replica.tick = READING;
    try {
      change(replica);
    } catch (error) {
      if (replica.tick === READING) {
        replica.tick = tick;
        if (error instanceof ReplicaError) return false;
      }
      this.#onThrow(error);
    }
    return true;
  }
}
