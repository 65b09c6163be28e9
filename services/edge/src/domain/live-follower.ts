/**
 * Follows the deltas of a volatile game, and hands on those of its newest owner in order, each once, without a hole.
 *
 * They are published once and stored nowhere: each counts its hosting's deltas from 1, and what is missing cannot be
 * read. After a hole, or under a new owner, only full state says where to go on. An owner that was overtaken without
 * knowing goes on publishing; its lower epoch gives it away.
 */

export interface LiveDelta<R> {
  readonly epoch: number;
  /** Place among the deltas of its hosting, from 1. */
  readonly n: number;
  readonly record: R;
}

/** Why a delta is dropped: of an owner that was overtaken, or part of what was handed on already. */
export const LIVE_DROPS = ['old_owner', 'late'] as const;
export type LiveDrop = (typeof LIVE_DROPS)[number];

export interface LivePorts<R> {
  /** The next delta. */
  forward(delta: LiveDelta<R>): void;
  /** A delta of a higher epoch than any that was heard of came: `rise` may be called from here. */
  newOwner(epoch: number): void;
  /** Deltas are missing: get full state, trying until it works; then call `start`. */
  reset(): void;
  dropped(reason: LiveDrop): void;
}

type State = 'waiting' | 'following' | 'closed';

export class LiveFollower<R> {
  readonly #ports: LivePorts<R>;
  readonly #maxQueued: number;
  #state: State = 'waiting';
  /** The highest heard of: nothing below is handed on. */
  #epoch: number;
  #n = 0;
  /** What came while full state is awaited; all of `#epoch`. */
  #queue: LiveDelta<R>[] = [];

  /** @param maxQueued deltas kept while full state is awaited; beyond it the oldest are let go */
  constructor(ports: LivePorts<R>, epoch: number, maxQueued: number) {
    this.#ports = ports;
    this.#epoch = epoch;
    this.#maxQueued = maxQueued;
  }

  get state(): State {
    return this.#state;
  }

  /** What was handed on last; meaningless while full state is awaited. */
  get position(): { readonly epoch: number; readonly n: number } {
    return { epoch: this.#epoch, n: this.#n };
  }

  /** Full state stands behind delta `n` of `epoch`: go on from there, with what came in meanwhile. */
  start(epoch: number, n: number): void {
    if (this.#state === 'closed' || epoch < this.#epoch) return;
    this.rise(epoch);
    this.#n = n;
    this.#state = 'following';
    const queue = this.#queue;
    this.#queue = [];
    // What was queued up to here is part of the state. Past a hole the rest waits for the next one.
    for (const delta of queue) if (delta.n > n) this.onDelta(delta);
  }

  onDelta(delta: LiveDelta<R>): void {
    if (this.#state === 'closed') return;
    if (delta.epoch < this.#epoch) {
      this.#ports.dropped('old_owner');
      return;
    }
    if (delta.epoch > this.#epoch) {
      this.rise(delta.epoch);
      this.#ports.newOwner(delta.epoch);
    }
    if (this.#state === 'following') this.#take(delta);
    else this.#enqueue(delta);
  }

  /** Deltas may be missing that none follows: what comes waits for full state, which the caller has to get. */
  doubt(): void {
    if (this.#state === 'following') this.#state = 'waiting';
  }

  /** Somebody of this epoch owns the game: what older owners said, and say yet, leads nowhere. */
  rise(epoch: number): void {
    if (this.#state === 'closed' || epoch <= this.#epoch) return;
    this.#epoch = epoch;
    this.#state = 'waiting';
    this.#queue = [];
  }

  close(): void {
    this.#state = 'closed';
    this.#queue = [];
  }

  #take(delta: LiveDelta<R>): void {
    if (delta.n <= this.#n) {
      this.#ports.dropped('late');
    } else if (delta.n === this.#n + 1) {
      this.#n = delta.n;
      this.#ports.forward(delta);
    } else {
      this.#state = 'waiting';
      this.#enqueue(delta);
      this.#ports.reset();
    }
  }

  #enqueue(delta: LiveDelta<R>): void {
    if (delta.epoch < this.#epoch) return;
    this.#queue.push(delta);
    if (this.#queue.length > this.#maxQueued) this.#queue.shift();
  }
}
