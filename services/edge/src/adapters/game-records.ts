import {
  type DeltaRecord,
  decodeGameRecord,
  decodeStateReply,
  FEED_HEADERS,
  type GameRecord,
  hasLivePosition,
  type StateReply,
} from '@breakwater/bus';
import { encodeGameFrame } from '@breakwater/protocol';
import { BusError, type BusMessage, type StoredMessage } from '@breakwater/service-kit';
import type { FeedEntry, FeedRecord } from '../domain/feed-follower.ts';
import { binaryFrame, type Frame, textFrame } from '../fanout/frame.ts';

/** A record that cannot be read keeps its place in the log; clients need full state after it. */
export type FollowedRecord = GameRecord | { readonly kind: 'unreadable' };

const EMPTY = new Uint8Array(0);

/** Undefined for a message that is no record: without the headers of a republished one. */
export function decodeFeedMessage(message: BusMessage): FeedRecord<FollowedRecord> | undefined {
  const seq = Number(message.header(FEED_HEADERS.sequence));
  const prev = Number(message.header(FEED_HEADERS.lastSequence) ?? 0);
  if (!Number.isSafeInteger(seq) || seq < 1 || !Number.isSafeInteger(prev)) return undefined;
  return { ...entryOf(seq, message.data), prev };
}

export function decodeStored(message: StoredMessage): FeedEntry<FollowedRecord> {
  return entryOf(message.seq, message.data);
}

/** A delta that was only published; undefined for anything else. */
export function decodeLive(message: BusMessage): DeltaRecord | undefined {
  const decoded = decodeGameRecord(message.data);
  return decoded.ok && decoded.value.kind === 'delta' ? decoded.value : undefined;
}

function entryOf(seq: number, data: Uint8Array): FeedEntry<FollowedRecord> {
  const decoded = decodeGameRecord(data);
  if (!decoded.ok) return { seq, stamp: '', record: { kind: 'unreadable' } };
  const { epoch, nonce, n } = decoded.value;
  return { seq, stamp: `${epoch}.${nonce}.${n}`, record: decoded.value };
}

/** What one record of the log is for the clients: a frame for all, and before it one more for some players. */
export interface GameNews {
  readonly kind: GameRecord['kind'];
  readonly seq: number;
  readonly epoch: number;
  readonly frame: Frame;
  readonly slices: ReadonlyMap<number, Frame> | undefined;
  /** The game begins anew here, in another version: only full state goes on from it. */
  readonly isWhole?: true;
}

export interface NewsPlace {
  readonly game: string;
  readonly handle: number;
  readonly seq: number;
  readonly prev: number;
}

export function endedFrame(game: string, reason: string): Frame {
  return textFrame(JSON.stringify({ t: 'game.ended', game, reason }));
}

export function ownerFrame(game: string, epoch: number, pod: string): Frame {
  return textFrame(JSON.stringify({ t: 'game.owner', game, epoch, pod }));
}

/** Cuts a record into frames without looking into its parts. `isWanted` says whose slices anybody here needs. */
export function newsOf(record: GameRecord, place: NewsPlace, isWanted: (pid: number) => boolean): GameNews {
  const { game, handle, seq, prev } = place;
  const { kind, epoch } = record;
  switch (record.kind) {
    case 'claim':
      return { kind, seq, epoch, frame: ownerFrame(game, epoch, record.pod), slices: undefined };
    case 'end': {
      return { kind, seq, epoch, frame: endedFrame(game, record.reason), slices: undefined };
    }
    case 'delta': {
      const { tick, parts } = record;
      const delta = { kind: 'delta', handle, epoch, seq, prev, tick, shared: parts.shared } as const;
      let slices: Map<number, Frame> | undefined;
      for (const { pid, bytes } of parts.slices) {
        if (!isWanted(pid)) continue;
        slices ??= new Map();
        slices.set(pid, binaryFrame(encodeGameFrame({ kind: 'slice', handle, epoch, seq, slice: bytes })));
      }
      const frame = binaryFrame(encodeGameFrame(delta));
      return { kind, seq, epoch, frame, slices, ...(record.isWhole && { isWhole: true }) };
    }
    default:
      return record satisfies never;
  }
}

/** Full state for one player, or for a spectator (`pid` 0); `seq` is its position. */
export function stateFrame(handle: number, reply: StateReply, seq: number, pid: number): Frame {
  const { epoch, tick, parts } = reply;
  const slice = pid === 0 ? undefined : parts.slices.find((entry) => entry.pid === pid);
  const state = { kind: 'state', handle, epoch, seq, tick, shared: parts.shared } as const;
  return binaryFrame(encodeGameFrame({ ...state, slice: slice?.bytes ?? EMPTY }));
}

/** Comes before a state whose schema the client does not have. `schema` is JSON text. */
export function schemaFrame(game: string, handle: number, schema: string): Frame {
  const head = JSON.stringify({ t: 'game.schema', game, handle });
  return textFrame(`${head.slice(0, -1)},"schema":${schema}}`);
}

/** @throws BusError by way of the bus: the answer has another shape than agreed */
export function decodeState(bytes: Uint8Array): StateReply {
  const decoded = decodeStateReply(bytes);
  if (!decoded.ok) throw new BusError('bad_reply', 'game', 'not a state', { cause: decoded.error });
  const { epoch, liveN } = decoded.value;
  if (liveN !== undefined && !hasLivePosition(epoch, liveN))
    throw new BusError('bad_reply', 'game', 'a state without a position');
  return decoded.value;
}
