import { roomRecord } from '@breakwater/bus';
import { decode, parseJson } from '@breakwater/protocol';
import { textHash } from '../../recorder/text-hash.ts';
import type { Findings, Place } from '../report.ts';
import type { StoredRecord } from '../sources.ts';
import type { ClientTrace, RoomTrace, ShownMessage, Stay } from '../trace.ts';

interface StoredMessage {
  readonly seq: number;
  readonly stamp: string;
  readonly user: string;
  readonly msg: string;
  readonly hash: string;
  readonly timeMs: number;
}

/** The messages of one room as its stream has them. */
class RoomLog {
  readonly room: string;
  /** Rising. */
  readonly messages: StoredMessage[] = [];
  readonly bySeq = new Map<number, StoredMessage>();
  readonly byId = new Map<string, StoredMessage>();
  /** Messages below this may have been trimmed. */
  firstSeq = Number.MAX_SAFE_INTEGER;

  constructor(room: string) {
    this.room = room;
  }

  /** @returns what is wrong with the record */
  add({ seq, data }: StoredRecord): string | undefined {
    this.firstSeq = Math.min(this.firstSeq, seq);
    const decoded = decode((value) => roomRecord(parseJson(value as string)), new TextDecoder().decode(data));
    if (!decoded.ok) return `record ${seq} cannot be read: ${decoded.error.sentence}`;
    const record = decoded.value;
    if (record.kind !== 'message') return undefined;
    const { stamp, user, msg, text, time } = record;
    const message = { seq, stamp, user, msg, hash: textHash(text), timeMs: time };
    const before = this.byId.get(idOf(user, msg));
    this.messages.push(message);
    this.bySeq.set(seq, message);
    if (before === undefined) this.byId.set(idOf(user, msg), message);
    return before && `message ${msg} of ${user} is stored twice, at ${before.seq} and at ${seq}`;
  }
}

const idOf = (user: string, msg: string): string => `${user}\n${msg}`;

export interface RoomRuleOptions {
  /** Messages stored later than this before a member's end need not have reached it, ms. */
  readonly tailMs: number;
}

/** Compares what clients sent to and saw of one room with its log. */
export async function checkRoom(
  room: string,
  records: AsyncIterable<StoredRecord>,
  clients: readonly ClientTrace[],
  options: RoomRuleOptions,
  findings: Findings,
): Promise<void> {
  const log = new RoomLog(room);
  for await (const record of records) {
    const problem = log.add(record);
    if (problem !== undefined) findings.violated('acked_kept', `room ${room}`, problem);
  }
  findings.checked('stored messages', log.messages.length);
  for (const client of clients) {
    const trace = client.rooms.get(room);
    if (trace === undefined) continue;
    checkAcks(log, client, trace, findings);
    for (const stay of trace.stays) checkStay(log, stay, options, findings);
  }
}

function checkAcks(log: RoomLog, { user }: ClientTrace, trace: RoomTrace, findings: Findings): void {
  const where = `room ${log.room}`;
  for (const ack of trace.acks) {
    if (ack.seq < log.firstSeq && log.messages.length > 0) {
      findings.skipped('acks of messages that the room has trimmed');
      continue;
    }
    findings.checked('acked messages');
    const stored = log.byId.get(idOf(user, ack.msg));
    const sentHash = trace.sent.get(ack.msg);
    if (stored === undefined)
      findings.violated('acked_kept', where, `message ${ack.msg} was acknowledged and is not stored`, ack);
    else if (stored.seq !== ack.seq)
      findings.violated(
        'acked_kept',
        where,
        `message ${ack.msg} was acknowledged at ${ack.seq} and is stored at ${stored.seq}`,
        ack,
      );
    else if (sentHash !== undefined && sentHash !== stored.hash)
      findings.violated('acked_kept', where, `message ${ack.msg} is stored with another text`, ack);
  }
}

function checkStay(log: RoomLog, stay: Stay, options: RoomRuleOptions, findings: Findings): void {
  const seen = new Set<number>();
  let lastSeq = stay.after;
  for (const message of stay.messages) {
    findings.checked('shown messages');
    if (message.seq <= lastSeq) {
      const how = seen.has(message.seq) ? 'was shown twice' : `was shown after ${lastSeq}`;
      findings.violated('chat_order', `room ${log.room}`, `message ${message.seq} ${how}`, message);
    }
    lastSeq = Math.max(lastSeq, message.seq);
    seen.add(message.seq);
    checkShown(log, message, findings);
  }
  checkDelivered(log, stay, seen, lastSeq, options, findings);
}

function checkShown(log: RoomLog, message: ShownMessage, findings: Findings): void {
  if (message.seq < log.firstSeq && log.messages.length > 0) {
    findings.skipped('shown messages that the room has trimmed');
    return;
  }
  const where = `room ${log.room}`;
  const stored = log.bySeq.get(message.seq);
  if (stored === undefined) {
    findings.violated('shown_stored', where, `message ${message.seq} was shown and is not stored`, message);
    return;
  }
  const difference = (['stamp', 'user', 'msg', 'hash'] as const).find((key) => stored[key] !== message[key]);
  if (difference !== undefined)
    findings.violated(
      'shown_stored',
      where,
      `message ${message.seq} was shown with another ${difference === 'hash' ? 'text' : difference}`,
      message,
    );
}

function checkDelivered(
  log: RoomLog,
  stay: Stay,
  seen: ReadonlySet<number>,
  lastShown: number,
  { tailMs }: RoomRuleOptions,
  findings: Findings,
): void {
  const { until } = stay;
  const isSteady = until !== undefined && until.connectedSince + tailMs <= until.at;
  const place: Place = stay;
  for (const { seq, timeMs } of log.messages) {
    if (seq <= stay.after || seen.has(seq)) continue;
    const isDue = seq < lastShown || (isSteady && timeMs + tailMs <= until.at);
    if (!isDue) continue;
    findings.violated(
      'delivered',
      `room ${log.room}`,
      `message ${seq} was never shown to a member that stayed`,
      place,
    );
  }
}
