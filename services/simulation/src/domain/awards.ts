/**
 * Posts the awards of one game. They come here when the record that gave them is certainly stored, and leave when
 * the ledger has them; whoever owns the game next does the same with what is still in its outbox.
 */

import { compareAwards, MAX_LEDGER_AWARDS } from '@breakwater/bus';
import type { Award } from '@breakwater/game-kit';
import { type LedgerPorts, type Posting, postAwards, type XpNotice } from './ledger.ts';
import type { ClockPort } from './ports.ts';
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

/** Between two tries of a user whose ledger has no room for one more game: from a second, doubled, to half a minute. */
const FIRST_CROWDED_MS = 1_000;
const MAX_CROWDED_MS = 30_000;

const crowdedMs = (failures: number, random: () => number): number =>
  Math.min(MAX_CROWDED_MS, FIRST_CROWDED_MS * 2 ** Math.min(failures, 10)) * (1 - random() / 2);

/** What waits for one user. */
interface Queue {
  /** In the order in which they were given. */
  readonly awards: readonly Award[];
  /** Tries that failed in a row. */
  readonly failures: number;
  /** Not before this time. */
  readonly dueMs: number;
}

export class AwardPoster {
  readonly #deps: PosterDeps;
  /** By user. All together as long as the outbox is, which is bounded. */
  readonly #queues = new Map<string, Queue>();
  #isRunning = false;
  #isStopped = false;
  #wake: () => void = () => undefined;

  constructor(deps: PosterDeps) {
    this.#deps = deps;
  }

  get isEmpty(): boolean {
    return this.#queues.size === 0;
  }

  get size(): number {
    return Array.from(this.#queues.values()).reduce((sum, { awards }) => sum + awards.length, 0);
  }

  /** Awards of stored records, in the order of the log. One that it has already changes nothing. */
  add(awards: readonly Award[]): void {
    if (this.#isStopped) return;
    for (const award of awards) {
      const queue = this.#queues.get(award.user) ?? { awards: [], failures: 0, dueMs: 0 };
      if (queue.awards.some((each) => compareAwards(each, award) === 0)) continue;
      this.#queues.set(award.user, { ...queue, awards: [...queue.awards, award].sort(compareAwards) });
    }
    if (this.isEmpty) return;
    if (this.#isRunning) this.#wake();
    else void this.#run();
  }

  /** Nothing more is posted; what is on its way may still arrive, and counts. */
  stop(): void {
    this.#isStopped = true;
    this.#queues.clear();
    this.#wake();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (!this.isEmpty) {
      const user = this.#nextDue();
      if (user === undefined) await this.#untilDue();
      else await this.#post(user);
    }
    this.#isRunning = false;
    if (!this.#isStopped) this.#deps.onEmpty();
  }

  /** One whose ledger gives trouble holds up nobody else. */
  #nextDue(): string | undefined {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [user, { dueMs }] of this.#queues) if (dueMs <= nowMs) return user;
    return undefined;
  }

  /** Until a try is due again, or something new has come. */
  #untilDue(): Promise<void> {
    const { clock } = this.#deps;
    const dueMs = Math.min(...Array.from(this.#queues.values(), (queue) => queue.dueMs));
    return new Promise((resolve) => {
      const cancel = clock.after(Math.max(1, dueMs - clock.monotonicMs()), resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  async #post(user: string): Promise<void> {
    const { ledger, random, owner, onPosted, onOvertaken, onTrouble } = this.#deps;
    const awards = this.#queues.get(user)?.awards.slice(0, MAX_LEDGER_AWARDS) ?? [];
    const posted = await postAwards({ ports: ledger, owner, random, user, awards });
    if (posted.kind === 'posted') this.#notify(user, posted);
    if (this.#isStopped) return;
    switch (posted.kind) {
      case 'posted':
        this.#forget(user, awards);
        onPosted(awards);
        break;
      case 'overtaken':
        onOvertaken();
        break;
      case 'later':
        this.#postpone(user, backoffMs);
        onTrouble(posted.cause);
        break;
      case 'crowded':
        // Each try reads many logs: others would wait for it too often.
        this.#postpone(user, crowdedMs);
        onTrouble(posted.cause);
        break;
      default:
        posted satisfies never;
    }
  }

  /** Nothing hangs on it: who wants to know reads the ledger. */
  #notify(user: string, { total, amount }: XpNotice): void {
    try {
      this.#deps.ledger.notify(user, { total, amount });
    } catch (cause) {
      this.#deps.onTrouble(cause instanceof Error ? cause.message : String(cause));
    }
  }

  #postpone(user: string, delayMs: typeof backoffMs): void {
    const queue = this.#queues.get(user);
    if (queue === undefined) return;
    const { clock, random } = this.#deps;
    const dueMs = clock.monotonicMs() + delayMs(queue.failures, random);
    this.#queues.set(user, { ...queue, failures: queue.failures + 1, dueMs });
  }

  /** Whoever has more waiting is next after the others. */
  #forget(user: string, posted: readonly Award[]): void {
    const left = this.#queues.get(user)?.awards.filter((award) => !posted.includes(award)) ?? [];
    this.#queues.delete(user);
    if (left.length > 0) this.#queues.set(user, { awards: left, failures: 0, dueMs: 0 });
  }
}
