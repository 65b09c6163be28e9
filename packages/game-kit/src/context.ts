import type { FieldValues } from './fields.ts';
import type { Random } from './random.ts';
import type { TablesOf } from './table.ts';

/** A seated player, as the rules see them. */
export interface Player {
  /** The player's number: rises, never used again in this game. */
  readonly pid: number;
  readonly name: string;
  readonly connected: boolean;
}

/** What every hook of a game gets. Good for the duration of the call. */
export interface GameContext<T, O> {
  readonly tables: TablesOf<T>;
  /** Ticks since the game began. */
  readonly tick: number;
  readonly random: Random;
  readonly options: FieldValues<O>;
  /** Everyone with a seat, by rising pid. */
  readonly players: Iterable<Player>;
  player(pid: number): Player | undefined;
  /**
   * Gives a seated player `amount` XP (a whole number, 1 to 1,000,000,000), which is added to the user's total exactly
   * once, whatever happens to this game. A command or join is undone and rejected as `awards_full` when the outbox
   * has no room, as `own_awards_full` when this user's share of it has none; in `tick` look at `awardRoomOf` first.
   * Throws `GameError` in a `volatile` game.
   */
  award(pid: number, amount: number): void;
  /** So many awards can be given before those that wait are in the ledger. */
  readonly awardRoom: number;
  /** So many of them to this player; 0 for who has no seat. */
  awardRoomOf(pid: number): number;
  /** Undoes the command (or refuses the join) and tells its sender why: a short code of at most 64 bytes. */
  reject(reason: string): never;
  /** Ends the game for everyone after this tick. */
  end(reason: string): void;
}
