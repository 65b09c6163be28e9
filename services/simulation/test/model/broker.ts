/** One game's subjects on a NATS server in memory: log, snapshots, feed, input. It loses what NATS may lose. */

import type { GameInput } from '@breakwater/bus';
import { type Link, type ModelClock, ModelServer } from '@breakwater/testkit';
import type { AppendOutcome, StoredRecord } from '../../src/domain/ports.ts';
import type { DatedRecord } from '../../src/domain/retention.ts';
import { MemoryChain } from '../memory-chain.ts';
import { MemoryLedgers } from '../memory-ledgers.ts';
import { recordOf } from './evidence.ts';

/** The one game of the model. */
export const GAME = 'game';

export interface FeedMessage extends StoredRecord {
  /** Sequence before it on the subject when it was stored, 0 when nothing was there. */
  readonly prev: number;
}

export type InputAnswer = Uint8Array | { readonly error: string };

export interface Delivery {
  readonly input: GameInput;
  readonly respond: (answer: InputAnswer) => void;
}

interface Subscriber<T> {
  readonly link: Link;
  readonly take: (message: T) => void;
}

/** `replicated`: another append is refused while one is in process, and a change of leaders may drop that one. */
export type StreamKind = 'single' | 'replicated';

export class Broker extends ModelServer {
  readonly ledgers = new MemoryLedgers();
  readonly log = this.ledgers.logOf(GAME);
  readonly snapshots = new MemoryChain();
  /** Republications that get lost from now on, and deltas that nobody stores. */
  feedLosses = 0;
  /** What a sweep did to a game that is alive. */
  readonly sweepFaults: string[] = [];
  /** Appends that are refused from now on because the stream is full. */
  fullAppends = 0;
  /** Appends of which a process could not tell whether they were stored. */
  doubts = 0;
  readonly #random: () => number;
  readonly #kind: StreamKind;
  readonly #feed = new Set<Subscriber<FeedMessage>>();
  readonly #live = new Set<Subscriber<Uint8Array>>();
  readonly #inputs = new Set<Subscriber<Delivery>>();
  readonly #storedMs = new Map<number, number>();
  readonly #inProcess = new Map<MemoryChain, object>();

  constructor(clock: ModelClock, random: () => number, kind: StreamKind) {
    super(clock, random);
    this.#random = random;
    this.#kind = kind;
  }

  get isReplicated(): boolean {
    return this.#kind === 'replicated';
  }

  override forget(link: Link): void {
    super.forget(link);
    for (const subscribers of [this.#feed, this.#live, this.#inputs])
      for (const subscriber of subscribers)
        if (subscriber.link === link) (subscribers as Set<unknown>).delete(subscriber);
  }

  subscribeFeed(link: Link, take: (message: FeedMessage) => void): () => void {
    return subscribe(this.#feed, { link, take });
  }

  subscribeLive(link: Link, take: (bytes: Uint8Array) => void): () => void {
    return subscribe(this.#live, { link, take });
  }

  /** A delta of a volatile game. */
  publishLive(bytes: Uint8Array): void {
    if (this.#isLost()) return;
    for (const { link, take } of this.#live) link.down(() => take(bytes));
  }

  subscribeInputs(link: Link, take: (message: Delivery) => void): () => void {
    return subscribe(this.#inputs, { link, take });
  }

  publishInput(delivery: Delivery): void {
    for (const { link, take } of this.#inputs) link.down(() => take(delivery));
  }

  append(
    chain: MemoryChain,
    bytes: Uint8Array,
    expectedSeq: number,
    answer: (o: AppendOutcome) => void,
  ): void {
    if (this.fullAppends > 0) {
      this.fullAppends -= 1;
      answer({ kind: 'full', cause: 'maximum messages exceeded' });
    } else if (this.#kind === 'single') answer(this.#store(chain, bytes, expectedSeq));
    else this.#propose(chain, bytes, expectedSeq, answer);
  }

  override restart(downMs: number): void {
    this.#inProcess.clear();
    super.restart(downMs);
  }

  /** The log's last record, and when it was stored. */
  datedTail(): DatedRecord | undefined {
    const tail = this.log.records.at(-1);
    return tail && { ...tail, unixMs: this.#storedMs.get(tail.seq) ?? 0 };
  }

  /** A sweep keeps only the records from `seq` on. */
  sweep(chain: MemoryChain, seq: number): void {
    const tail = this.log.records.at(-1);
    const isOver = tail === undefined || recordOf(tail).kind === 'end';
    if (!isOver) this.sweepFaults.push(`a sweep cut the game at ${tail.seq}, which is alive`);
    chain.purgeBelow(seq);
  }

  /** What is in process is dropped, or stored with its answer and its republication lost. */
  changeLeader(isKept: boolean): void {
    for (const commit of this.#inProcess.values()) if (isKept) (commit as { lose(): void }).lose();
    this.#inProcess.clear();
  }

  #propose(
    chain: MemoryChain,
    bytes: Uint8Array,
    expectedSeq: number,
    answer: (outcome: AppendOutcome) => void,
  ): void {
    if (this.#inProcess.has(chain)) {
      answer({ kind: 'refused', cause: 'another append is in process (10164)' });
      return;
    }
    const proposal = { lose: () => void chain.apply(bytes, expectedSeq) };
    this.#inProcess.set(chain, proposal);
    this.clock.after(1 + this.#random() * 15, () => {
      if (this.#inProcess.get(chain) !== proposal) return;
      this.#inProcess.delete(chain);
      answer(this.#store(chain, bytes, expectedSeq));
    });
  }

  #store(chain: MemoryChain, bytes: Uint8Array, expectedSeq: number): AppendOutcome {
    const prev = chain.records.at(-1)?.seq ?? 0;
    const outcome = chain.apply(bytes, expectedSeq);
    if (outcome.kind !== 'stored' || chain !== this.log) return outcome;
    this.#storedMs.set(outcome.seq, this.clock.monotonicMs());
    this.#republish({ seq: outcome.seq, bytes, prev });
    return outcome;
  }

  #isLost(): boolean {
    if (this.feedLosses === 0) return false;
    this.feedLosses -= 1;
    return true;
  }

  #republish(message: FeedMessage): void {
    if (this.#isLost()) return;
    for (const { link, take } of this.#feed) link.down(() => take(message));
  }
}

function subscribe<T>(subscribers: Set<Subscriber<T>>, subscriber: Subscriber<T>): () => void {
  subscribers.add(subscriber);
  return () => void subscribers.delete(subscriber);
}
