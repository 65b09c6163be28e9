/** A log whose appends wait until the test lets each be stored, refused, answered or lost: one schedule, step by step. */

import { decodeGameRecord, type GameRecord } from '@breakwater/bus';
import type { AppendOutcome, ChainPort, StoredRecord } from '../../src/domain/ports.ts';
import { MemoryChain } from '../memory-chain.ts';

/** One copy of a record on its way to the store. */
export class PendingAppend {
  readonly record: GameRecord;
  readonly #chain: MemoryChain;
  readonly #bytes: Uint8Array;
  readonly #expectedSeq: number;
  readonly #answered = Promise.withResolvers<AppendOutcome>();
  #outcome: AppendOutcome | undefined;

  constructor(chain: MemoryChain, bytes: Uint8Array, expectedSeq: number) {
    const decoded = decodeGameRecord(bytes);
    if (!decoded.ok) throw decoded.error;
    this.record = decoded.value;
    this.#chain = chain;
    this.#bytes = bytes;
    this.#expectedSeq = expectedSeq;
  }

  get answered(): Promise<AppendOutcome> {
    return this.#answered.promise;
  }

  /** The store takes it or refuses it; nobody hears of that yet. */
  reach(): this {
    this.#outcome = this.#chain.apply(this.#bytes, this.#expectedSeq);
    return this;
  }

  /** Another append is in process: nothing is stored. */
  meetProposal(): this {
    this.#outcome = { kind: 'refused', cause: 'another append is in process (10164)' };
    return this;
  }

  answer(): void {
    if (this.#outcome === undefined) throw new Error('the append did not reach the store');
    this.#answered.resolve(this.#outcome);
  }

  /** Its sender waits no longer; it may still reach the store. */
  timeOut(): this {
    this.#answered.resolve({ kind: 'doubt', cause: 'no answer in time' });
    return this;
  }
}

export class ScriptedLog {
  readonly chain = new MemoryChain();
  readonly pending: PendingAppend[] = [];
  /** Answers to the next questions for the tail: what was the tail once. */
  readonly staleTails: (StoredRecord | undefined)[] = [];
  readonly port: ChainPort = {
    append: (bytes, expectedSeq) => {
      const append = new PendingAppend(this.chain, bytes, expectedSeq);
      this.pending.push(append);
      return append.answered;
    },
    tail: async () => (this.staleTails.length > 0 ? this.staleTails.shift() : this.chain.records.at(-1)),
    read: async (fromSeq, toSeq) => this.chain.records.filter(({ seq }) => seq >= fromSeq && seq <= toSeq),
    purgeBelow: async (seq) => this.chain.purgeBelow(seq),
  };

  /** The oldest append that was not taken up yet. @throws Error when nobody has sent one */
  take(): PendingAppend {
    const append = this.pending.shift();
    if (append === undefined) throw new Error('nothing was sent');
    return append;
  }

  /** What is stored, as `kind epoch.n`. */
  kinds(): string[] {
    return this.chain.archive.map(({ bytes }) => {
      const decoded = decodeGameRecord(bytes);
      if (!decoded.ok) throw decoded.error;
      const { kind, epoch, n } = decoded.value;
      return `${kind} ${epoch}.${n}`;
    });
  }
}
