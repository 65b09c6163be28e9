import type { RoomId } from '@breakwater/bus';
import type { Message, Position } from '@breakwater/protocol';
import { isSame, type Latest, type LatestRecords } from './latest.ts';
import type { LogRecord, LogState, RoomLog } from './log.ts';
import { bytesOf, newest, type PageBack, pageBack } from './page-back.ts';

export interface ReadLimits {
  /** Stored bytes of one answer. */
  readonly maxPageBytes: number;
  /** Messages that a resume may bring; beyond it the latest page comes instead. */
  readonly maxResumeMessages: number;
}

export interface Page {
  readonly messages: readonly Message[];
  /** The room has older messages than these. */
  readonly more: boolean;
}

/** `recovered`: the messages are everything after the position that was stated. Otherwise they are the latest page. */
export interface Joined extends Page {
  readonly at: Position;
  readonly recovered: boolean;
}

/** Reads a room's log for joins and history. No answer has a hole: it is complete to its end, or it says so. */
export class RoomReader {
  readonly #log: RoomLog;
  readonly #latest: LatestRecords;
  readonly #limits: ReadLimits;

  constructor(log: RoomLog, latest: LatestRecords, limits: ReadLimits) {
    this.#log = log;
    this.#latest = latest;
    this.#limits = limits;
  }

  /** What a client gets that joins at `at` (nothing: for the first time). */
  async join(room: RoomId, at: Position | undefined, limit: number): Promise<Joined> {
    const latest = await this.#latest.get(room);
    const position = positionOf(latest);
    const since = at === undefined ? undefined : await this.#since(room, at, latest);
    if (since !== undefined) {
      return { at: position, recovered: true, messages: toMessages(since, at!.seq), more: at!.seq > 0 };
    }
    const page = await this.#page(room, latest, position.seq + 1, limit);
    return { at: position, recovered: false, ...page };
  }

  /** The newest messages below `before` (unset: the newest there are). */
  async history(room: RoomId, before: number | undefined, limit: number): Promise<Page> {
    if (before !== undefined) return this.#page(room, undefined, before, limit);
    const latest = await this.#latest.get(room);
    return this.#page(room, latest, Number.MAX_SAFE_INTEGER, limit);
  }

  /** Every record after `at` up to the tail, or `undefined` when it cannot be said for certain that this is all. */
  async #since(room: RoomId, at: Position, latest: Latest): Promise<readonly LogRecord[] | undefined> {
    const { state, tail } = latest;
    if (at.epoch !== state.epoch) return undefined;
    if (at.seq === 0) return at.stamp === '' ? this.#sinceBeginning(room, latest) : undefined;
    if (tail === undefined || at.seq > tail.seq) return undefined;
    if (at.seq === tail.seq) return at.stamp === tail.record.stamp ? [] : undefined;
    const oldest = latest.records[0];
    if (oldest !== undefined && at.seq >= oldest.seq) return this.#sinceCached(latest.records, at);
    const records = await this.#upTo(room, at.seq, tail);
    if (records === undefined || !isAt(records[0], at)) return undefined;
    // Trimming takes the oldest first: while the record at the position is there, nothing after it went.
    return isAt(await this.#log.at(room, at.seq), at) ? records.slice(1) : undefined;
  }

  #sinceCached(records: readonly LogRecord[], at: Position): readonly LogRecord[] | undefined {
    const index = records.findIndex((record) => record.seq === at.seq);
    const since = records.slice(index + 1);
    const { maxResumeMessages, maxPageBytes } = this.#limits;
    const fits = since.length <= maxResumeMessages && bytesOf(since) <= maxPageBytes;
    return isAt(records[index], at) && fits ? since : undefined;
  }

  /** A reader that had seen nothing has missed nothing only if the stream never lost a record of any room. */
  async #sinceBeginning(room: RoomId, { state, tail }: Latest): Promise<readonly LogRecord[] | undefined> {
    if (!hasLostNothing(state)) return undefined;
    const records = tail === undefined ? [] : await this.#upTo(room, 1, tail);
    const after = await this.#log.state(room);
    return hasLostNothing(after) && after.epoch === state.epoch ? records : undefined;
  }

  async #upTo(room: RoomId, fromSeq: number, tail: LogRecord): Promise<readonly LogRecord[] | undefined> {
    const { records, complete } = await this.#log.forward(room, {
      fromSeq,
      toSeq: tail.seq,
      limit: this.#limits.maxResumeMessages + 1,
      maxBytes: this.#limits.maxPageBytes,
    });
    return complete && isSame(records.at(-1), tail) ? records : undefined;
  }

  /** One record more than asked for is looked for: it is the `prev` of the first one and says that there is more. */
  async #page(room: RoomId, latest: Latest | undefined, beforeSeq: number, limit: number): Promise<Page> {
    const range = { beforeSeq, limit: limit + 1, maxBytes: this.#limits.maxPageBytes };
    const { records, isWhole } = fromCache(latest, range) ?? (await pageBack(this.#log, room, range));
    const isLast = isWhole && records.length <= limit;
    if (isLast) return { messages: toMessages(records, 0), more: false };
    return { messages: toMessages(records.slice(1), records[0]?.seq ?? 0), more: true };
  }
}

/** A page out of the cached records, if they reach back far enough. */
function fromCache(
  latest: Latest | undefined,
  range: { beforeSeq: number; limit: number; maxBytes: number },
): PageBack | undefined {
  if (latest === undefined) return undefined;
  const below = latest.records.filter(({ seq }) => seq < range.beforeSeq);
  const records = newest(below, range);
  const isWhole = latest.isWhole && records.length === below.length;
  const reaches = isWhole || records.length === range.limit || records.length < below.length;
  return reaches ? { records, isWhole } : undefined;
}

function positionOf({ state, tail }: Latest): Position {
  return { epoch: state.epoch, seq: tail?.seq ?? 0, stamp: tail?.record.stamp ?? '' };
}

function isAt(record: LogRecord | undefined, at: Position): boolean {
  return record?.seq === at.seq && record.record.stamp === at.stamp;
}

function hasLostNothing(state: LogState): boolean {
  return state.messages === state.lastSeq;
}

/** Messages of rising records; each knows the record before it, whatever its kind. */
function toMessages(records: readonly LogRecord[], prev: number): Message[] {
  const messages: Message[] = [];
  let before = prev;
  for (const { seq, record } of records) {
    if (record.kind === 'message') {
      const { stamp, time, user, name, msg, text } = record;
      messages.push({ seq, prev: before, stamp, time, user, name, msg, text });
    }
    before = seq;
  }
  return messages;
}
