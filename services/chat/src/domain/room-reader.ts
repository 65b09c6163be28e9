import type { RoomId } from '@breakwater/bus';
import type { Message, Position } from '@breakwater/protocol';
import type { LogPage, LogRecord, LogState, RoomLog } from './log.ts';

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

interface Standing {
  readonly state: LogState;
  readonly tail: LogRecord | undefined;
}

/** Reads a room's log for joins and history. No answer has a hole: it is complete to its end, or it says so. */
export class RoomReader {
  readonly #log: RoomLog;
  readonly #limits: ReadLimits;

  constructor(log: RoomLog, limits: ReadLimits) {
    this.#log = log;
    this.#limits = limits;
  }

  /** What a client gets that joins at `at` (nothing: for the first time). */
  async join(room: RoomId, at: Position | undefined, limit: number): Promise<Joined> {
    const [state, tail] = await Promise.all([this.#log.state(room), this.#log.tail(room)]);
    const standing = { state, tail };
    const position = positionOf(standing);
    const since = at === undefined ? undefined : await this.#since(room, at, standing);
    if (since !== undefined) {
      return { at: position, recovered: true, messages: toMessages(since, at!.seq), more: at!.seq > 0 };
    }
    const page = tail === undefined ? NOTHING : await this.#page(room, tail.seq + 1, limit);
    return { at: position, recovered: false, ...page };
  }

  /** The newest messages below `before` (unset: the newest there are). */
  history(room: RoomId, before: number | undefined, limit: number): Promise<Page> {
    return this.#page(room, before ?? Number.MAX_SAFE_INTEGER, limit);
  }

  /** Every record after `at` up to the tail, or `undefined` when it cannot be said for certain that this is all. */
  async #since(room: RoomId, at: Position, { state, tail }: Standing): Promise<LogRecord[] | undefined> {
    if (at.epoch !== state.epoch) return undefined;
    if (at.seq === 0) return at.stamp === '' ? this.#sinceBeginning(room, { state, tail }) : undefined;
    if (tail === undefined || at.seq > tail.seq) return undefined;
    if (at.seq === tail.seq) return at.stamp === tail.record.stamp ? [] : undefined;
    const page = await this.#upTo(room, at.seq, tail);
    if (page === undefined || !isAt(page.records[0], at)) return undefined;
    // Trimming takes the oldest first: while the record at the position is there, nothing after it went.
    return isAt(await this.#log.at(room, at.seq), at) ? page.records.slice(1) : undefined;
  }

  /** A reader that had seen nothing has missed nothing only if the stream never lost a record of any room. */
  async #sinceBeginning(room: RoomId, { state, tail }: Standing): Promise<LogRecord[] | undefined> {
    if (!isWhole(state)) return undefined;
    const page = tail === undefined ? { records: [] } : await this.#upTo(room, 1, tail);
    const after = await this.#log.state(room);
    return page !== undefined && isWhole(after) && after.epoch === state.epoch
      ? [...page.records]
      : undefined;
  }

  async #upTo(room: RoomId, fromSeq: number, tail: LogRecord): Promise<LogPage | undefined> {
    const page = await this.#log.forward(room, {
      fromSeq,
      toSeq: tail.seq,
      limit: this.#limits.maxResumeMessages + 1,
      maxBytes: this.#limits.maxPageBytes,
    });
    const last = page.records.at(-1);
    const isAll = page.complete && last?.seq === tail.seq && last.record.stamp === tail.record.stamp;
    return isAll ? page : undefined;
  }

  /** One record more than asked for is read: it is the `prev` of the first one and says that there is more. */
  async #page(room: RoomId, beforeSeq: number, limit: number): Promise<Page> {
    const range = { beforeSeq, limit: limit + 1, maxBytes: this.#limits.maxPageBytes };
    const page = await this.#log.back(room, range);
    const records = await this.#withoutTrimmed(room, page.records);
    const wasTrimmed = records.length < page.records.length;
    const head = page.complete && !wasTrimmed && records.length <= limit ? undefined : records[0];
    if (head === undefined || wasTrimmed)
      return { messages: toMessages(records.slice(-limit), 0), more: false };
    return { messages: toMessages(records.slice(1), head.seq), more: true };
  }

  /** Records that were trimmed during the read may have left a hole behind older ones that were read in time. */
  async #withoutTrimmed(room: RoomId, records: readonly LogRecord[]): Promise<readonly LogRecord[]> {
    const first = records[0];
    if (first === undefined) return records;
    const oldest = await this.#log.next(room, first.seq);
    return oldest?.seq === first.seq
      ? records
      : records.filter((one) => oldest !== undefined && one.seq >= oldest.seq);
  }
}

const NOTHING: Page = { messages: [], more: false };

function positionOf({ state, tail }: Standing): Position {
  return { epoch: state.epoch, seq: tail?.seq ?? 0, stamp: tail?.record.stamp ?? '' };
}

function isAt(record: LogRecord | undefined, at: Position): boolean {
  return record?.seq === at.seq && record.record.stamp === at.stamp;
}

function isWhole(state: LogState): boolean {
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
