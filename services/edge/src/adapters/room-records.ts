import { FEED_HEADERS, feedNotice, type RoomRecord, roomRecord } from '@breakwater/bus';
import type { BusMessage, StoredMessage } from '@breakwater/service-kit';
import type { FeedEntry, FeedRecord } from '../domain/feed-follower.ts';
import { type Frame, textFrame } from '../fanout/frame.ts';

/** A record that cannot be read still has its place in the log: clients get nothing of it, the feed goes on. */
const UNREADABLE = { kind: 'other', stamp: '', time: 0 } as const;
const text = new TextDecoder();

export type FeedNews =
  | { readonly kind: 'record'; readonly record: FeedRecord<RoomRecord> }
  | { readonly kind: 'notice'; readonly seq: number }
  | { readonly kind: 'unreadable' };

export function decodeFeedMessage(message: BusMessage): FeedNews {
  const seq = Number(message.header(FEED_HEADERS.sequence));
  if (!Number.isSafeInteger(seq) || seq < 1) return decodeNotice(message);
  const prev = Number(message.header(FEED_HEADERS.lastSequence) ?? 0);
  const record = decodeRecord(message.data);
  return {
    kind: 'record',
    record: { seq, prev: Number.isSafeInteger(prev) ? prev : 0, stamp: record.stamp, record },
  };
}

function decodeNotice(message: BusMessage): FeedNews {
  try {
    return { kind: 'notice', seq: feedNotice(message.json()).seq };
  } catch {
    return { kind: 'unreadable' };
  }
}

export function decodeStored(message: StoredMessage): FeedEntry<RoomRecord> {
  const record = decodeRecord(message.data);
  return { seq: message.seq, stamp: record.stamp, record };
}

function decodeRecord(data: Uint8Array): RoomRecord {
  try {
    return roomRecord(JSON.parse(text.decode(data)));
  } catch {
    return UNREADABLE;
  }
}

/** The frame that every member gets, or undefined for a kind that this version does not show. */
export function messageFrame(
  room: string,
  { seq, record }: FeedEntry<RoomRecord>,
  prev: number,
): Frame | undefined {
  if (record.kind !== 'message') return undefined;
  const { stamp, time, user, name, msg, text: body } = record;
  const frame = { t: 'room.message', room, seq, prev, stamp, time, user, name, msg, text: body };
  return textFrame(JSON.stringify(frame));
}
