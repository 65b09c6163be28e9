/** The owner's end of the log: records of one hosting, one append at a time. */

import type { RecordHead } from '@breakwater/bus';
import { recordHead } from './claim.ts';
import type { ClockPort, LogPort } from './ports.ts';
import { appendUntilSettled, type Retry, type Settled } from './settle.ts';

export interface ChainDeps {
  readonly log: LogPort;
  readonly clock: ClockPort;
  readonly random: () => number;
  readonly onTrouble?: ((cause: string) => void) | undefined;
}

/** Of one append that is not tried for as long as the chain lives. */
type Within = Pick<Retry, 'isOver' | 'onTrouble' | 'onFull'>;

/**
 * Appends `n` = 1, 2, … behind a claim. The next record is only built when the one before it is settled, so its
 * expected sequence is always known.
 */
export class Chain {
  readonly epoch: number;
  readonly nonce: string;
  /** Sequence of the newest record that is certainly stored. */
  lastSeq: number;
  /** `n` of that record. */
  lastN = 0;
  /** There is no room for the record in flight; it is tried again until there is. */
  onFull: (cause: string) => void = () => undefined;
  readonly #deps: ChainDeps;
  #inFlight: Promise<Settled> | undefined;
  #sinceMs = 0;
  #isAbandoned = false;

  constructor(claim: RecordHead, claimSeq: number, deps: ChainDeps) {
    this.epoch = claim.epoch;
    this.nonce = claim.nonce;
    this.lastSeq = claimSeq;
    this.#deps = deps;
  }

  get isBusy(): boolean {
    return this.#inFlight !== undefined;
  }

  /** How long the append in flight has been unsettled; 0 without one. */
  waitingMs(nowMs: number): number {
    return this.#inFlight === undefined ? 0 : nowMs - this.#sinceMs;
  }

  /** Who the next record is. */
  get nextHead(): RecordHead {
    return { epoch: this.epoch, nonce: this.nonce, n: this.lastN + 1 };
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    await this.#inFlight?.catch(() => undefined);
  }

  /** Another's record lies behind its own newest one. False also when that cannot be told now. Never rejects. */
  async isOvertaken(): Promise<boolean> {
    const { lastSeq } = this;
    if (this.isBusy) return false;
    try {
      const tail = await this.#deps.log.tail();
      const isSettled = !this.isBusy && this.lastSeq === lastSeq;
      return isSettled && tail !== undefined && tail.seq > lastSeq;
    } catch (cause) {
      this.#deps.onTrouble?.(cause instanceof Error ? cause.message : String(cause));
      return false;
    }
  }

  /**
   * Appends the record whose head is `nextHead`. Only when nothing is in flight.
   * @param within gives up earlier than the chain itself; of what is given up in doubt nobody knows what is stored, so
   * nothing more may be appended then
   */
  append(bytes: Uint8Array, trace?: string, within?: Within): Promise<Settled> {
    if (this.#inFlight !== undefined) throw new Error('an append is in flight');
    this.#sinceMs = this.#deps.clock.monotonicMs();
    this.#inFlight = this.#settle(bytes, trace, within);
    return this.#inFlight;
  }

  /** Stops asking: what is in flight ends as `abandoned` unless it is settled already. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  async #settle(bytes: Uint8Array, trace: string | undefined, within: Within | undefined): Promise<Settled> {
    const { log, clock, random, onTrouble } = this.#deps;
    const pending = { head: this.nextHead, bytes, expectedSeq: this.lastSeq, trace };
    const retry = {
      clock,
      random,
      isOver: () => this.#isAbandoned || within?.isOver() === true,
      onTrouble: (cause: string) => {
        onTrouble?.(cause);
        within?.onTrouble?.(cause);
      },
      onFull: (cause: string) => {
        this.onFull(cause);
        within?.onFull?.(cause);
      },
    };
    try {
      const settled = await appendUntilSettled(log, pending, recordHead, retry);
      if (settled.kind === 'stored') {
        this.lastSeq = settled.seq;
        this.lastN += 1;
      }
      return settled;
    } finally {
      this.#inFlight = undefined;
    }
  }
}
