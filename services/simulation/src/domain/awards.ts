/**
 * Posts the awards of one game. They come here when the record that gave them is certainly stored, and leave when
 * the ledger has them; whoever owns the game next does the same with what is still in its outbox.
 */

import { compareAwards, MAX_LEDGER_AWARDS } from '@breakwater/bus';
import type { Award } from '@breakwater/game-kit';
import { type LedgerPorts, type Posting, postAwards } from './ledger.ts';
import { type ClockPort, sleep } from './ports.ts';
import { backoffMs } from './settle.ts';

export interface PosterDeps {
  readonly ledger: LedgerPorts;
  readonly clock: ClockPort;
  readonly random: () => number;
  readonly owner: Posting['owner'];
  /** They are part of the user's total: out of the outbox with them. */
  readonly onPosted: (awards: readonly Award[]) => void;
  /** Nothing is left to be posted. */
  readonly onEmpty: () => void;
  readonly onOvertaken: () => void;
  readonly onTrouble: (cause: string) => void;
}

export class AwardPoster {
  readonly #deps: PosterDeps;
  /** By user, in the order in which they were given. As long as the outbox is, which is bounded. */
  readonly #pending = new Map<string, Award[]>();
  #isRunning = false;
  #isStopped = false;

  constructor(deps: PosterDeps) {
    this.#deps = deps;
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  get size(): number {
    return Array.from(this.#pending.values()).reduce((sum, awards) => sum + awards.length, 0);
  }

  /** Awards of stored records, in the order of the log. One that it has already changes nothing. */
  add(awards: readonly Award[]): void {
    for (const award of awards) {
      const before = this.#pending.get(award.user) ?? [];
      if (before.some((each) => compareAwards(each, award) === 0)) continue;
      this.#pending.set(award.user, [...before, award].sort(compareAwards));
    }
    if (!this.isEmpty && !this.#isRunning) void this.#run();
  }

  /** Nothing more is posted; what is on its way may still arrive, and counts. */
  stop(): void {
    this.#isStopped = true;
    this.#pending.clear();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    const { clock, random } = this.#deps;
    for (let failures = 0; !this.isEmpty; ) {
      const isGood = await this.#pass();
      failures = isGood ? 0 : failures + 1;
      if (!isGood && !this.#isStopped) await sleep(clock, backoffMs(failures, random));
    }
    this.#isRunning = false;
    if (!this.#isStopped) this.#deps.onEmpty();
  }

  /** Some awards of each user; one whose ledger gives trouble holds up nobody else. */
  async #pass(): Promise<boolean> {
    let isGood = true;
    for (const [user, awards] of [...this.#pending]) {
      if (this.#isStopped) break;
      isGood = (await this.#post(user, awards.slice(0, MAX_LEDGER_AWARDS))) && isGood;
    }
    return isGood;
  }

  async #post(user: string, awards: readonly Award[]): Promise<boolean> {
    const { ledger, random, owner, onPosted, onOvertaken, onTrouble } = this.#deps;
    const posted = await postAwards({ ports: ledger, owner, random, user, awards });
    if (posted.kind === 'posted') ledger.notify(user, { total: posted.total, amount: posted.amount });
    if (this.#isStopped) return true;
    if (posted.kind === 'overtaken') {
      onOvertaken();
      return true;
    }
    if (posted.kind === 'later') {
      onTrouble(posted.cause);
      return false;
    }
    this.#forget(user, awards);
    onPosted(awards);
    return true;
  }

  #forget(user: string, posted: readonly Award[]): void {
    const left = this.#pending.get(user)?.filter((award) => !posted.includes(award)) ?? [];
    if (left.length === 0) this.#pending.delete(user);
    else this.#pending.set(user, left);
  }
}
