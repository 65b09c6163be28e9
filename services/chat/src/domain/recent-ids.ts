import type { RoomId } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { LogRecord, RoomLog } from './log.ts';

export interface RecentIdLimits {
  /** The log's own limit; a room below it has lost nothing to it. */
  readonly maxMessagesPerRoom: number;
  /** Records that one lookup may read before it gives up as `busy`. */
  readonly maxLookupRecords: number;
  /** A room's ids are read anew when they reach back further than this before what is looked for. */
  readonly maxSpanMs: number;
  /** Ids remembered in all; the room that was looked into longest ago is forgotten first. */
  readonly maxIds: number;
}

/** What a lookup found out, true up to the record at `tailSeq` (0: the room is empty). */
export type Lookup =
  | { readonly kind: 'found'; readonly seq: number }
  | { readonly kind: 'absent'; readonly tailSeq: number }
  /** Not found, but records that are young enough to be it have been trimmed. */
  | { readonly kind: 'unknown' };

/** Ids of the records from the first one stored at or after `sinceMs` up to the tail, without a hole. */
interface Span {
  readonly epoch: string;
  readonly ids: Map<string, number>;
  sinceMs: number;
  fromSeq: number;
  tailSeq: number;
  tailStamp: string;
}

const PAGE = { limit: 1_000, maxBytes: 8 * 1_048_576 } as const;

/**
 * Finds the record of a message id in a room's log, beyond what the log's duplicate window remembers. Each room's
 * recent ids are kept and only what was added since is read again. Calls for one room must not overlap.
 */
export class RecentIds {
  readonly #log: RoomLog;
  readonly #limits: RecentIdLimits;
  readonly #spans = new Map<RoomId, Span>();

  constructor(log: RoomLog, limits: RecentIdLimits) {
    this.#log = log;
    this.#limits = limits;
  }

  /** Ids that are remembered now. */
  get size(): number {
    let size = 0;
    for (const span of this.#spans.values()) size += span.ids.size;
    return size;
  }

  /** Looks for a message of a user that cannot have been stored before `sinceMs`. */
  async find(room: RoomId, user: string, msg: string, sinceMs: number): Promise<Lookup> {
    const span = await this.#upToTail(room, sinceMs);
    if (span === undefined) return { kind: 'absent', tailSeq: 0 };
    const seq = span.ids.get(idKey(user, msg));
    if (seq !== undefined) return { kind: 'found', seq };
    if (await this.#mayBeTrimmed(room, sinceMs)) return { kind: 'unknown' };
    return { kind: 'absent', tailSeq: span.tailSeq };
  }

  /** A room below its limit has trimmed nothing younger than its retention, which is longer than any lookup. */
  async #mayBeTrimmed(room: RoomId, sinceMs: number): Promise<boolean> {
    const first = await this.#log.next(room, 1);
    if (first === undefined || first.timeMs <= sinceMs) return false;
    return (await this.#log.count(room)) >= this.#limits.maxMessagesPerRoom;
  }

  async #upToTail(room: RoomId, sinceMs: number): Promise<Span | undefined> {
    const known = this.#spans.get(room);
    this.#spans.delete(room);
    const [state, tail] = await Promise.all([this.#log.state(room), this.#log.tail(room)]);
    if (tail === undefined) return undefined;
    const isUsable = known?.epoch === state.epoch && this.#isSmall(known, sinceMs);
    const kept = isUsable && (await this.#extend(room, known, tail)) ? known : undefined;
    const span = kept ?? (await this.#begin(room, state.epoch, sinceMs, tail));
    if (span.sinceMs > sinceMs) await this.#extendBack(room, span, sinceMs);
    this.#remember(room, span);
    return span;
  }

  /** A span only grows; one that has become long is given up. */
  #isSmall(span: Span, sinceMs: number): boolean {
    const { maxSpanMs, maxLookupRecords } = this.#limits;
    return sinceMs - span.sinceMs <= maxSpanMs && span.ids.size <= maxLookupRecords;
  }

  /** Adds what came after the span; false when the log is not the one that the span was read from. */
  async #extend(room: RoomId, span: Span, tail: LogRecord): Promise<boolean> {
    if (tail.seq < span.tailSeq) return false;
    if (tail.seq === span.tailSeq) return tail.record.stamp === span.tailStamp;
    const old = await this.#log.at(room, span.tailSeq);
    if (old?.record.stamp !== span.tailStamp) return false;
    await this.#read(room, span, span.tailSeq + 1, tail.seq);
    span.tailSeq = tail.seq;
    span.tailStamp = tail.record.stamp;
    return true;
  }

  async #begin(room: RoomId, epoch: string, sinceMs: number, tail: LogRecord): Promise<Span> {
    const fromSeq = await this.#firstSince(room, sinceMs, tail);
    const tailStamp = tail.record.stamp;
    const span: Span = { epoch, ids: new Map(), sinceMs, fromSeq, tailSeq: tail.seq, tailStamp };
    await this.#read(room, span, fromSeq, tail.seq);
    return span;
  }

  async #extendBack(room: RoomId, span: Span, sinceMs: number): Promise<void> {
    const end = await this.#log.next(room, span.fromSeq);
    const fromSeq = end === undefined ? span.fromSeq : await this.#firstSince(room, sinceMs, end);
    if (fromSeq < span.fromSeq) await this.#read(room, span, fromSeq, span.fromSeq - 1);
    span.fromSeq = Math.min(fromSeq, span.fromSeq);
    span.sinceMs = sinceMs;
  }

  /** Sequence of the first record of the room that was stored at or after `sinceMs`; the last one if none was. */
  async #firstSince(room: RoomId, sinceMs: number, last: LogRecord): Promise<number> {
    let low = 1;
    let high = last.seq;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const record = await this.#log.next(room, middle);
      if (record === undefined || record.seq >= high || record.timeMs >= sinceMs) high = middle;
      else low = record.seq + 1;
    }
    return high;
  }

  async #read(room: RoomId, span: Span, fromSeq: number, toSeq: number): Promise<void> {
    let left = this.#limits.maxLookupRecords;
    for (let seq = fromSeq; seq <= toSeq; ) {
      if (left <= 0) throw new ProtocolError('busy', 'The room has too many messages to look for this one.');
      const { records, complete } = await this.#log.forward(room, {
        fromSeq: seq,
        toSeq,
        limit: Math.min(left, PAGE.limit),
        maxBytes: PAGE.maxBytes,
      });
      for (const { record, seq: at } of records) {
        if (record.kind === 'message') span.ids.set(idKey(record.user, record.msg), at);
      }
      left -= records.length;
      if (complete) return;
      seq = (records.at(-1)?.seq ?? toSeq) + 1;
    }
  }

  #remember(room: RoomId, span: Span): void {
    this.#spans.set(room, span);
    for (const [oldest] of this.#spans) {
      if (this.size <= this.#limits.maxIds || oldest === room) return;
      this.#spans.delete(oldest);
    }
  }
}

function idKey(user: string, msg: string): string {
  return `${user}:${msg}`;
}
