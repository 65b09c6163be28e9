import type { RoomId } from '@breakwater/bus';
import { Coalescer } from './coalescer.ts';
import type { Clock, LogRecord, LogState, RoomLog } from './log.ts';
import { bytesOf, newest, pageBack } from './page-back.ts';

export interface LatestLimits {
  /** Records kept of one room. */
  readonly maxCachedMessages: number;
  /** Stored bytes kept of all rooms; the room that was asked for longest ago goes first. */
  readonly maxCachedBytes: number;
  /** The log's own limit; no more are shown, although they may be in memory still. */
  readonly maxMessagesPerRoom: number;
  readonly maxPageBytes: number;
}

/** A room's end as its log's leader knew it after the question. */
export interface Latest {
  readonly state: LogState;
  readonly tail: LogRecord | undefined;
  /** Records up to the tail, rising, without a hole. */
  readonly records: readonly LogRecord[];
  /** The room has nothing older than these. */
  readonly isWhole: boolean;
}

interface Cached extends Latest {
  readonly readMs: number;
}

/** Records that a first look reads: a page and the one before it. */
const FIRST_LOOK = 65;
/** New records that are fetched one by one; more are read as a range. */
const MAX_STEPS = 8;
/** After this time the log is read anew, so that what an operator removed from it does not live on here. */
const MAX_AGE_MS = 10_000;

/**
 * The newest records of rooms, so that a crowd that joins or comes back reads them once. Where the log ends is asked
 * of its leader every time, once for all who ask together; only the records before that come from memory.
 */
export class LatestRecords {
  readonly #log: RoomLog;
  readonly #clock: Clock;
  readonly #limits: LatestLimits;
  readonly #coalescer = new Coalescer<Latest>();
  readonly #cached = new Map<RoomId, Cached>();
  #bytes = 0;

  constructor(log: RoomLog, clock: Clock, limits: LatestLimits) {
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Stored bytes that are kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  get(room: RoomId): Promise<Latest> {
    return this.#coalescer.run(room, () => this.#read(room));
  }

  async #read(room: RoomId): Promise<Latest> {
    const known = this.#cached.get(room);
    this.#forget(room);
    const [state, tail] = await Promise.all([this.#log.state(room), this.#log.tail(room)]);
    if (tail === undefined) return { state, tail, records: [], isWhole: true };
    const isFresh =
      known?.state.epoch === state.epoch && this.#clock.monotonicMs() - known.readMs < MAX_AGE_MS;
    const added = isFresh ? await this.#since(room, known, tail) : undefined;
    const latest =
      added === undefined
        ? { ...(await this.#load(room, tail)), readMs: this.#clock.monotonicMs() }
        : { ...this.#cut([...known!.records, ...added], known!.isWhole), readMs: known!.readMs };
    const result = { state, tail, ...latest };
    this.#remember(room, result);
    return result;
  }

  /** What follows the cached records; `undefined` when the log does not go on from them. */
  async #since(room: RoomId, known: Cached, tail: LogRecord): Promise<readonly LogRecord[] | undefined> {
    const end = known.records.at(-1);
    if (end === undefined || tail.seq < end.seq) return undefined;
    if (tail.seq === end.seq) return isSame(tail, end) ? [] : undefined;
    const added = (await this.#stepTo(room, end.seq, tail)) ?? (await this.#readTo(room, end.seq, tail));
    // Asked after the read: as long as the record before them is there, none of these was trimmed in between.
    return isSame(await this.#log.at(room, end.seq), end) ? added : undefined;
  }

  async #stepTo(room: RoomId, afterSeq: number, tail: LogRecord): Promise<LogRecord[] | undefined> {
    const records: LogRecord[] = [];
    for (let seq = afterSeq; records.length < MAX_STEPS; ) {
      const record = await this.#log.next(room, seq + 1);
      if (record === undefined || record.seq > tail.seq) return undefined;
      records.push(record);
      if (record.seq === tail.seq) return isSame(record, tail) ? records : undefined;
      seq = record.seq;
    }
    return undefined;
  }

  async #readTo(room: RoomId, afterSeq: number, tail: LogRecord): Promise<readonly LogRecord[] | undefined> {
    const { maxCachedMessages, maxPageBytes } = this.#limits;
    const range = { limit: maxCachedMessages, maxBytes: 4 * maxPageBytes };
    const page = await this.#log.forward(room, { fromSeq: afterSeq + 1, toSeq: tail.seq, ...range });
    return page.complete && isSame(page.records.at(-1), tail) ? page.records : undefined;
  }

  async #load(room: RoomId, tail: LogRecord): Promise<Pick<Latest, 'records' | 'isWhole'>> {
    const range = { beforeSeq: tail.seq + 1, limit: FIRST_LOOK, maxBytes: this.#limits.maxPageBytes };
    const { records, isWhole } = await pageBack(this.#log, room, range);
    return this.#cut(records, isWhole);
  }

  #cut(records: readonly LogRecord[], isWhole: boolean): Pick<Latest, 'records' | 'isWhole'> {
    const { maxCachedMessages, maxMessagesPerRoom, maxPageBytes } = this.#limits;
    const limit = Math.min(maxCachedMessages, maxMessagesPerRoom);
    const kept = newest(records, { limit, maxBytes: 2 * maxPageBytes });
    return {
      records: kept,
      isWhole: kept.length === maxMessagesPerRoom || (isWhole && kept.length === records.length),
    };
  }

  #remember(room: RoomId, latest: Cached): void {
    this.#cached.set(room, latest);
    this.#bytes += bytesOf(latest.records);
    for (const [oldest] of this.#cached) {
      if (this.#bytes <= this.#limits.maxCachedBytes) return;
      this.#forget(oldest);
    }
  }

  #forget(room: RoomId): void {
    const known = this.#cached.get(room);
    if (known === undefined) return;
    this.#cached.delete(room);
    this.#bytes -= bytesOf(known.records);
  }
}

/** The same record, also if the log was cut back and filled again in between. */
export function isSame(a: LogRecord | undefined, b: LogRecord): boolean {
  return a?.seq === b.seq && a.record.stamp === b.record.stamp;
}
