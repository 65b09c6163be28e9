import type { LeaderRecord } from '@breakwater/bus';
import type { HeardTime } from './heard-time.ts';
import type { Time, WriteResult } from './ports.ts';

/** The record as it was read, and the key's revision. */
export interface LeaderSeen {
  readonly record: LeaderRecord;
  readonly revision: number;
}

/** The leader's key. Reads come from the bucket's leader; a write that may or may not be stored throws. */
export interface LeaderStore {
  get(): Promise<LeaderSeen | undefined>;
  create(record: LeaderRecord): Promise<WriteResult>;
  update(record: LeaderRecord, revision: number): Promise<WriteResult>;
}

export interface LeadershipLimits {
  /** A leader believes itself for this long after the start of its last renewal that was stored, ms. */
  readonly leaderLimitMs: number;
  /** Another replica takes over when the key stood still for this long, ms. Longer than the belief. */
  readonly leaderTakeoverMs: number;
}

export interface LeadershipParts {
  /** Name of this replica. */
  readonly self: string;
  readonly store: LeaderStore;
  readonly time: Pick<Time, 'monotonicMs'>;
  readonly heard: HeardTime;
  readonly limits: LeadershipLimits;
  /** New with each call. */
  readonly nonce: () => string;
  readonly onError: (error: unknown) => void;
}

/** A hold of the key by this replica. */
interface Hold {
  readonly record: LeaderRecord;
  /** Unknown after a write of which no plain answer came. */
  revision: number | undefined;
  /** Start of the last renewal that was stored. */
  renewedMs: number | undefined;
}

interface Watched {
  readonly revision: number;
  readonly record: LeaderRecord;
  /** Heard time at which this revision was first seen. */
  readonly sinceMs: number;
}

/**
 * Which replica leads. It spares double work and decides nothing that must be right: two that lead for a moment hand
 * out games that only one process can claim. No clock but this replica's own monotonic one is read.
 */
export class Leadership {
  readonly #parts: LeadershipParts;
  #hold: Hold | undefined;
  #watched: Watched | undefined;
  #running: Promise<void> | undefined;
  #isResigned = false;

  constructor(parts: LeadershipParts) {
    const { leaderLimitMs, leaderTakeoverMs } = parts.limits;
    if (leaderTakeoverMs <= leaderLimitMs)
      throw new RangeError('a leader must stop believing in itself before another one takes over');
    this.#parts = parts;
  }

  /** Ask anew before each act: a process that was paused learns here that its time is over. */
  get isLeader(): boolean {
    const renewedMs = this.#isResigned ? undefined : this.#hold?.renewedMs;
    if (renewedMs === undefined) return false;
    return this.#parts.time.monotonicMs() - renewedMs < this.#parts.limits.leaderLimitMs;
  }

  /** Another replica leads, as far as is known. */
  get isFollowing(): boolean {
    const watched = this.#watched;
    if (this.isLeader || watched === undefined || watched.record.isVacant) return false;
    return this.#parts.heard.nowMs - watched.sinceMs < this.#parts.limits.leaderLimitMs;
  }

  /** Renews, or takes the key when nobody does. Called at each own heartbeat that came back. */
  beat(): Promise<void> {
    if (this.#isResigned || this.#running !== undefined) return this.#running ?? Promise.resolve();
    const { onError } = this.#parts;
    this.#running = (this.#hold === undefined ? this.#contend() : this.#renew(this.#hold))
      .catch(onError)
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** Gives the key up, if it is held, so that another replica need not wait. */
  async resign(): Promise<void> {
    this.#isResigned = true;
    await this.#running;
    const hold = this.#hold;
    this.#hold = undefined;
    if (hold?.revision === undefined) return;
    await this.#parts.store
      .update({ ...hold.record, isVacant: true }, hold.revision)
      .catch(this.#parts.onError);
  }

  async #renew(hold: Hold): Promise<void> {
    const startMs = this.#parts.time.monotonicMs();
    const revision = hold.revision ?? (await this.#settled(hold));
    if (revision === undefined) return;
    await this.#write(hold, startMs, () => this.#parts.store.update(hold.record, revision));
  }

  /** The revision of a hold whose last write had no plain answer; `undefined` when it is another's by now. */
  async #settled(hold: Hold): Promise<number | undefined> {
    const seen = await this.#parts.store.get();
    if (seen?.record.nonce === hold.record.nonce) return seen.revision;
    this.#hold = undefined;
    this.#watch(seen);
    return undefined;
  }

  async #contend(): Promise<void> {
    const { store } = this.#parts;
    const seen = await store.get();
    if (seen === undefined) return this.#take(1, (record) => store.create(record));
    this.#watch(seen);
    if (seen.record.isVacant || this.#stoodStill())
      await this.#take(seen.record.term + 1, (record) => store.update(record, seen.revision));
  }

  #watch(seen: LeaderSeen | undefined): void {
    if (seen === undefined) this.#watched = undefined;
    else if (seen.revision !== this.#watched?.revision)
      this.#watched = { ...seen, sinceMs: this.#parts.heard.nowMs };
  }

  #stoodStill(): boolean {
    const { heard, limits } = this.#parts;
    return this.#watched !== undefined && heard.nowMs - this.#watched.sinceMs >= limits.leaderTakeoverMs;
  }

  async #take(term: number, write: (record: LeaderRecord) => Promise<WriteResult>): Promise<void> {
    if (this.#isResigned) return;
    const record = { holder: this.#parts.self, nonce: this.#parts.nonce(), term, isVacant: false };
    const hold: Hold = { record, revision: undefined, renewedMs: undefined };
    this.#hold = hold;
    await this.#write(hold, this.#parts.time.monotonicMs(), () => write(record));
  }

  async #write(hold: Hold, startMs: number, write: () => Promise<WriteResult>): Promise<void> {
    hold.revision = undefined;
    const result = await write();
    // A write of ours that seemed lost may be what it conflicts with: the next beat looks.
    hold.renewedMs = result === 'conflict' ? undefined : startMs;
    if (result === 'conflict') return;
    hold.revision = result.revision;
    this.#watched = undefined;
  }
}
