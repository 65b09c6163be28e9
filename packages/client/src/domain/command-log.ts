/** Own commands of one game: numbered without holes, kept until the state covers them. */

import { QueueFullError } from '../errors.ts';

export interface CommandEntry<T> {
  n: number;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>> | undefined;
  readonly payload: T;
}

export interface Coverage<T> {
  /** Covered by the state now. */
  readonly applied: CommandEntry<T>[];
  /** Their fate cannot be known. */
  readonly lost: CommandEntry<T>[];
}

const NOTHING = { applied: [], lost: [] };
/** Sent again in one go; a number of frames that no rate limit minds. */
const RESEND_BATCH = 32;

export class CommandLog<T> {
  readonly #maxPending: number;
  #pending: CommandEntry<T>[] = [];
  #ack = 0;
  #last = 0;
  #pid: number | undefined;

  constructor(maxPending: number) {
    this.#maxPending = maxPending;
  }

  /** Number of the last command that the state covers. */
  get ack(): number {
    return this.#ack;
  }

  get size(): number {
    return this.#pending.length;
  }

  /** Throws `QueueFullError`. */
  add(name: string, args: Readonly<Record<string, unknown>> | undefined, payload: T): CommandEntry<T> {
    if (this.#pending.length >= this.#maxPending) {
      throw new QueueFullError(`${this.#maxPending} commands are not covered by the game's state yet`);
    }
    const entry = { n: ++this.#last, name, args, payload };
    this.#pending.push(entry);
    return entry;
  }

  /** `game.joined`: another seat knows nothing of what was sent for the old one. */
  joined(pid: number, ack: number): Coverage<T> {
    // A lower `ack` of the same seat is older than what is shown, or of a state that fell back: what was covered stays
    // covered, and the numbers go on above it.
    const isOtherSeat = this.#pid !== undefined && pid !== this.#pid;
    this.#pid = pid;
    return isOtherSeat ? this.#beginAt(ack) : this.covered(ack);
  }

  /** The game was put back to an older state of its own: what was covered above `ack` is undone. */
  setBack(pid: number, ack: number): Coverage<T> {
    this.#pid = pid;
    return this.#beginAt(ack);
  }

  #beginAt(ack: number): Coverage<T> {
    const lost = this.#pending;
    this.#pending = [];
    this.#ack = ack;
    this.#last = ack;
    return { applied: [], lost };
  }

  /** The state covers everything up to `ack`. More than was ever sent from here means that another session plays too. */
  covered(ack: number): Coverage<T> {
    if (ack <= this.#ack) return NOTHING;
    const isForeign = ack > this.#last && this.#last > this.#ack;
    this.#ack = ack;
    const done = this.#pending.filter((entry) => entry.n <= ack);
    this.#pending = this.#pending.filter((entry) => entry.n > ack);
    this.#last = Math.max(this.#last, ack);
    return isForeign ? { applied: [], lost: done } : { applied: done, lost: [] };
  }

  /** A rejected command has its answer already; its number is covered with the others. */
  rejected(n: number): CommandEntry<T> | undefined {
    const entry = this.#pending.find((candidate) => candidate.n === n);
    if (entry !== undefined) this.#pending = this.#pending.filter((candidate) => candidate !== entry);
    return entry;
  }

  /** The oldest that are not covered, to be sent again in their order. */
  uncovered(): readonly CommandEntry<T>[] {
    return this.#pending.slice(0, RESEND_BATCH);
  }

  /** The game is over for this player. */
  clear(): CommandEntry<T>[] {
    const lost = this.#pending;
    this.#pending = [];
    return lost;
  }
}
