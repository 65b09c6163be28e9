/**
 * Follows the feed of one log (a room's or a game's) and hands on its records in order, each once, without a hole.
 *
 * The feed is lossy: messages can be missing, late, doubled, and the last ones can be missing without a trace.
 * Each carries its own sequence and the sequence before it on the same subject; a stamp identifies a record, so
 * that a log that was cut back and filled again shows itself. What the feed lacks is read from the log's leader;
 * what cannot be read any more ends in `reset`, never in a gap.
 */

export interface FeedEntry<R> {
  readonly seq: number;
  /** Identity of the record at `seq`. */
  readonly stamp: string;
  readonly record: R;
}

export interface FeedRecord<R> extends FeedEntry<R> {
  /** Sequence before it on the same subject when it was stored; 0 when there was none. */
  readonly prev: number;
}

/** Where a follower stands. The stamp can be unknown: a state that says only its sequence. */
export interface FeedPosition {
  readonly seq: number;
  readonly stamp: string | undefined;
}

/** A stretch of the log: everything from the asked sequence on, up to the tail or, if not `complete`, to a limit. */
export interface LogStretch<R> {
  readonly entries: readonly FeedEntry<R>[];
  readonly complete: boolean;
}

export const RESET_REASONS = ['expired', 'cut', 'too_far_behind'] as const;
export type ResetReason = (typeof RESET_REASONS)[number];

export interface FollowerPorts<R> {
  /** The next record; `prev` is the sequence that was forwarded before it. */
  forward(entry: FeedEntry<R>, prev: number): void;
  /** Read from the leader from `fromSeq` (inclusive) on, trying until it works; then call `onRead`. */
  read(request: number, fromSeq: number): void;
  /** What was missed cannot be had: get full state, trying until it works; then call `start`. */
  reset(reason: ResetReason): void;
  /** So many records were missing and have been forwarded now. */
  repaired?(records: number): void;
}

export interface FollowerLimits {
  /** Feed records kept while a read or a full state is under way. */
  readonly maxQueued: number;
  /** Records that one repair reads before it gives up for a full state. */
  readonly maxRepairRecords: number;
  /** Sequences whose stamps are remembered. */
  readonly maxKnownStamps: number;
}

type State = 'waiting' | 'following' | 'reading' | 'resetting' | 'closed';

export class FeedFollower<R> {
  readonly #ports: FollowerPorts<R>;
  readonly #limits: FollowerLimits;
  #state: State = 'waiting';
  #position: FeedPosition = { seq: 0, stamp: undefined };
  readonly #known = new Map<number, string>();
  #queue: FeedRecord<R>[] = [];
  #queueLost = false;
  #highestNotice = 0;
  #request = 0;
  #repairedNow = 0;

  constructor(ports: FollowerPorts<R>, limits: FollowerLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  get state(): State {
    return this.#state;
  }

  /** What was forwarded last; meaningless before the first `start`. */
  get position(): FeedPosition {
    return this.#position;
  }

  /** Full state stands at `position`: go on from there, with what came in meanwhile. */
  start(position: FeedPosition): void {
    if (this.#state === 'closed') return;
    this.#position = position;
    this.#known.clear();
    if (position.stamp !== undefined) this.#remember(position.seq, position.stamp);
    // What was queued up to here is part of the state, or of a past that the state has replaced.
    this.#queue = this.#queue.filter((record) => record.seq > position.seq);
    this.#state = 'following';
    this.#continue();
  }

  onRecord(record: FeedRecord<R>): void {
    if (this.#state === 'following') this.#take(record);
    else if (this.#state !== 'closed') this.#enqueue(record);
  }

  /** The log is another one than the one we followed. */
  onForeignLog(): void {
    if (this.#state === 'following' || this.#state === 'reading') this.#reset('cut');
  }

  /** Somebody knows that a record with this sequence exists. */
  onNotice(seq: number): void {
    this.#highestNotice = Math.max(this.#highestNotice, seq);
    if (this.#state === 'following') this.#followNotice();
  }

  /** The subject's last record as its leader knows it. A lower sequence than ours proves nothing. */
  onTail(tail: FeedPosition): void {
    if (this.#state === 'following' && tail.seq === this.#position.seq && this.#isForeign(tail)) {
      this.#reset('cut');
      return;
    }
    this.onNotice(tail.seq);
  }

  /** Answer of `ports.read`. */
  onRead(request: number, stretch: LogStretch<R>): void {
    if (this.#state !== 'reading' || request !== this.#request) return;
    const fault = this.#faultOf(stretch);
    if (fault !== undefined) {
      this.#reset(fault);
      return;
    }
    for (const entry of stretch.entries.slice(1)) this.#repair(entry);
    if (!stretch.complete) {
      if (this.#repairedNow >= this.#limits.maxRepairRecords) this.#reset('too_far_behind');
      else this.#read();
      return;
    }
    if (this.#repairedNow > 0) this.#ports.repaired?.(this.#repairedNow);
    this.#repairedNow = 0;
    this.#state = 'following';
    this.#continue();
  }

  close(): void {
    this.#state = 'closed';
    this.#queue = [];
    this.#known.clear();
  }

  /** The record at our position must still be there: then nothing behind it can have been removed. */
  #faultOf(stretch: LogStretch<R>): ResetReason | undefined {
    const first = stretch.entries[0];
    if (first === undefined || first.seq !== this.#position.seq) return 'expired';
    return this.#isForeign(first) ? 'cut' : undefined;
  }

  #isForeign({ seq, stamp }: FeedPosition): boolean {
    const known = this.#known.get(seq);
    return known !== undefined && stamp !== undefined && known !== stamp;
  }

  #take(record: FeedRecord<R>): void {
    const { seq } = this.#position;
    if (record.seq <= seq) this.#takeOld(record);
    else if (record.prev === seq) this.#forward(record);
    else if (record.prev < seq) this.#reset('expired');
    else {
      this.#enqueue(record);
      this.#read();
    }
  }

  /** Late copies are everyday traffic. One that we cannot compare any more makes us look at the log once. */
  #takeOld(record: FeedRecord<R>): void {
    if (this.#isForeign(record)) this.#reset('cut');
    else if (record.seq === this.#position.seq) this.#confirm(record);
    else if (!this.#known.has(record.seq)) this.#read();
  }

  #confirm(record: FeedRecord<R>): void {
    if (this.#position.stamp !== undefined) return;
    this.#position = { seq: record.seq, stamp: record.stamp };
    this.#remember(record.seq, record.stamp);
  }

  #forward(entry: FeedEntry<R>): void {
    const prev = this.#position.seq;
    this.#position = { seq: entry.seq, stamp: entry.stamp };
    this.#remember(entry.seq, entry.stamp);
    this.#ports.forward(entry, prev);
  }

  #repair(entry: FeedEntry<R>): void {
    this.#repairedNow += 1;
    this.#forward(entry);
  }

  #remember(seq: number, stamp: string): void {
    this.#known.set(seq, stamp);
    if (this.#known.size <= this.#limits.maxKnownStamps) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  #enqueue(record: FeedRecord<R>): void {
    if (this.#queue.length < this.#limits.maxQueued) this.#queue.push(record);
    else this.#queueLost = true;
  }

  #followNotice(): void {
    if (this.#highestNotice > this.#position.seq) this.#read();
  }

  /** Works off what came in during a read or a reset; stops where that begins another one. */
  #continue(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const [index, record] of queue.entries()) {
      if (this.#state === 'following') {
        // The read may have brought it: no late copy, just seen twice.
        if (record.seq > this.#position.seq || this.#isForeign(record)) this.#take(record);
      } else {
        this.#queue.push(...queue.slice(index));
        break;
      }
    }
    if (this.#state !== 'following') return;
    if (this.#queueLost) this.#read();
    else this.#followNotice();
  }

  #read(): void {
    // From an empty log nothing proves that no record before the first one that is left was removed.
    if (this.#position.seq === 0) {
      this.#reset('expired');
      return;
    }
    this.#state = 'reading';
    this.#queueLost = false;
    this.#highestNotice = 0;
    this.#request += 1;
    this.#ports.read(this.#request, this.#position.seq);
  }

  #reset(reason: ResetReason): void {
    this.#state = 'resetting';
    this.#queueLost = false;
    this.#highestNotice = 0;
    this.#repairedNow = 0;
    this.#ports.reset(reason);
  }
}
