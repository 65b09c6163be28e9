import type { RoomId } from '@breakwater/bus';
import type { LogRecord, RoomLog } from './log.ts';

export interface PageBackRange {
  readonly beforeSeq: number;
  readonly limit: number;
  /** Stored bytes after which no further record is taken. */
  readonly maxBytes: number;
}

export interface PageBack {
  /** The newest records below `beforeSeq`, rising, without a hole. */
  readonly records: readonly LogRecord[];
  /** The room has nothing older. */
  readonly isWhole: boolean;
}

/** Where the search stands: everything of the room in `[to + 1, beforeSeq)` has been read. */
interface Search {
  readonly firstSeq: number;
  readonly range: PageBackRange;
  records: LogRecord[];
  to: number;
  width: number;
}

/** Records that a window may hold beyond those that are wanted before it is narrowed. */
const SLACK = 16;
const NOTHING: PageBack = { records: [], isWhole: true };

/**
 * Reads a room backwards. A log only reads forwards, and the records of many rooms lie between those of this one, so
 * windows before the end are read: wider where the room is sparse, narrower where it turns out dense. What is read
 * in vain stays in proportion to the page.
 */
export async function pageBack(log: RoomLog, room: RoomId, range: PageBackRange): Promise<PageBack> {
  const [first, tail, count] = await Promise.all([log.next(room, 1), log.tail(room), log.count(room)]);
  if (first === undefined || tail === undefined || first.seq >= range.beforeSeq) return NOTHING;
  const spacing = Math.max(1, (tail.seq - first.seq + 1) / Math.max(1, count));
  const search: Search = {
    firstSeq: first.seq,
    range,
    records: [],
    to: Math.min(tail.seq, range.beforeSeq - 1),
    width: Math.ceil(spacing * (range.limit + 1)),
  };
  while (search.to >= search.firstSeq && !isFull(search)) await readWindow(log, room, search);
  const kept = newest(search.records, range);
  return withoutTrimmed(
    log,
    room,
    kept,
    search.to < search.firstSeq && kept.length === search.records.length,
  );
}

async function readWindow(log: RoomLog, room: RoomId, search: Search): Promise<void> {
  const { range, to } = search;
  const fromSeq = Math.max(search.firstSeq, to - search.width + 1);
  const limit = 2 * (range.limit - search.records.length) + SLACK;
  const window = { fromSeq, toSeq: to, limit, maxBytes: 4 * range.maxBytes };
  const { records, complete } = await log.forward(room, window);
  if (!complete) {
    search.width = narrower(search, records, fromSeq);
    return;
  }
  search.records = [...records, ...search.records];
  search.to = fromSeq - 1;
  if (records.length * 2 < range.limit) search.width *= 4;
}

/** As wide as the wanted records would be at the density that was met, and half as wide at most. */
function narrower(
  { range, records: found, width }: Search,
  read: readonly LogRecord[],
  fromSeq: number,
): number {
  const lastSeq = read.at(-1)?.seq ?? fromSeq;
  const spacing = (lastSeq - fromSeq + 1) / Math.max(1, read.length);
  const wanted = Math.ceil(spacing * (range.limit - found.length));
  return Math.max(1, Math.min(wanted, Math.floor(width / 2)));
}

function isFull({ records, range }: Search): boolean {
  return records.length >= range.limit || (records.length >= 2 && bytesOf(records) >= range.maxBytes);
}

/** The newest records within the limits. Two at least, so that a page of large ones has one and its `prev`. */
export function newest(
  records: readonly LogRecord[],
  { limit, maxBytes }: { readonly limit: number; readonly maxBytes: number },
): readonly LogRecord[] {
  let start = records.length;
  let bytes = 0;
  while (start > 0 && records.length - start < limit) {
    bytes += records[start - 1]!.bytes;
    if (bytes > maxBytes && records.length - start >= 2) break;
    start -= 1;
  }
  return records.slice(start);
}

export function bytesOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Records that were trimmed during the read may have left a hole behind older ones that were read in time. */
async function withoutTrimmed(
  log: RoomLog,
  room: RoomId,
  records: readonly LogRecord[],
  isWhole: boolean,
): Promise<PageBack> {
  const first = records[0];
  if (first === undefined) return NOTHING;
  const oldest = await log.next(room, first.seq);
  if (oldest?.seq === first.seq) return { records, isWhole };
  const left = records.filter(({ seq }) => oldest !== undefined && seq >= oldest.seq);
  return { records: left, isWhole: true };
}
