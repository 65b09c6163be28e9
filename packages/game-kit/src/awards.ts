import type { GameSettings } from './define.ts';
import { CommandRejected, GameError } from './errors.ts';
import type { SystemTables } from './system-tables.ts';
import type { RowOf, TablesOf } from './table.ts';

/** Largest amount of one award, in XP. */
export const MAX_AWARD = 1_000_000_000;

/** Why a command was undone that would have earned an award: the outbox has no room for it, or none for its user. */
const AWARDS_FULL = 'awards_full';
const OWN_AWARDS_FULL = 'own_awards_full';

/** XP that a game gave a user, waiting in its outbox until it is part of the user's total. */
export interface Award {
  /** Row in the outbox. */
  readonly row: number;
  readonly user: string;
  readonly amount: number;
  /** Epoch and `n` of the record that gave it, and its place among the awards of that record. */
  readonly epoch: number;
  readonly n: number;
  readonly index: number;
}

type Row = RowOf<SystemTables['$awards']>;

const awardOf = ({ id, user, amount, epoch, n, index }: Row): Award => ({
  row: id,
  user,
  amount,
  epoch,
  n,
  index,
});

/** The outbox of a game: awards that no ledger is known to have. They are given in order and named by their record. */
export class Awards {
  private readonly tables: TablesOf<SystemTables>;
  private readonly settings: GameSettings;
  /** Rows above this one have no name yet. */
  private lastNamed = 0;

  constructor(tables: TablesOf<SystemTables>, settings: GameSettings) {
    this.tables = tables;
    this.settings = settings;
  }

  get room(): number {
    return Math.max(0, this.settings.maxPendingAwards - this.tables.$awards.size);
  }

  /** Awards that `pid` can be given: one user whose ledger takes nothing must not use up the room of all. */
  roomOf(pid: number): number {
    const user = this.tables.$sessions.row(pid)?.user;
    return user === undefined ? 0 : Math.min(this.room, this.roomOfUser(user));
  }

  give(pid: number, amount: number): void {
    if (this.settings.durability === 'volatile') {
      throw new GameError('misuse', 'a volatile game gives no awards: what it did may be lost');
    }
    if (!Number.isInteger(amount) || amount < 1 || amount > MAX_AWARD) {
      throw new GameError('bad_value', `an award is 1 to ${MAX_AWARD} XP, not ${amount}`);
    }
    const { user } = this.tables.$sessions.need(pid);
    if (this.room === 0) throw new CommandRejected(AWARDS_FULL);
    if (this.roomOfUser(user) === 0) throw new CommandRejected(OWN_AWARDS_FULL);
    this.tables.$awards.insert({ user, amount });
  }

  /** Everything in the outbox that has a name, in the order in which it was given. */
  named(): Award[] {
    return Array.from(this.tables.$awards, awardOf).filter(({ epoch }) => epoch > 0);
  }

  /** Names what was given since the last time after the record that is about to hold it. */
  name(epoch: number, n: number): Award[] {
    const { $awards } = this.tables;
    const given: Award[] = [];
    for (const row of $awards) {
      if (row.id <= this.lastNamed || row.epoch > 0) continue;
      row.epoch = epoch;
      row.n = n;
      row.index = given.length;
      given.push(awardOf(row));
    }
    if (given.length > 0) this.lastNamed = given.at(-1)!.row;
    return given;
  }

  private roomOfUser(user: string): number {
    let waiting = 0;
    for (const award of this.tables.$awards) if (award.user === user) waiting += 1;
    return Math.max(0, this.settings.maxPendingAwardsPerUser - waiting);
  }

  /** Takes an award out, if it is this one that lies there. */
  take({ row, epoch, n, index }: Award): boolean {
    const held = this.tables.$awards.row(row);
    if (held === undefined || held.epoch !== epoch || held.n !== n || held.index !== index) return false;
    return this.tables.$awards.remove(row);
  }
}
