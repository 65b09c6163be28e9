/** What chat's rules need of a room's log. Whoever implements it reads from the stream's leader. */

import type { RoomId, RoomRecord } from '@breakwater/bus';

/** A record with the place and time that the log gave it. */
export interface LogRecord {
  readonly seq: number;
  /** When it was stored, Unix ms by the log's clock. */
  readonly timeMs: number;
  /** Size of the stored payload. */
  readonly bytes: number;
  readonly record: RoomRecord;
}

/** The stream that holds a room. `epoch` changes when the stream is created anew. */
export interface LogState {
  readonly epoch: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Messages of all rooms of the stream. */
  readonly messages: number;
}

export interface LogPage {
  /** Rising sequences. */
  readonly records: readonly LogRecord[];
  /** Nothing is left in the range that was asked for. */
  readonly complete: boolean;
}

/** `doubt` may or may not be stored; every other kind is certain. */
export type AppendResult =
  | { readonly kind: 'stored'; readonly seq: number; readonly duplicate: boolean }
  | { readonly kind: 'refused' }
  | { readonly kind: 'full' }
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'doubt'; readonly cause: string };

export interface AppendOptions {
  /** The log stores one record of an id within its duplicate window. */
  readonly msgId: string;
  /** Store only if this is the room's last sequence, 0 for an empty room. */
  readonly expectedLastSeq?: number;
  readonly timeoutMs: number;
  readonly trace?: string | undefined;
}

/** Reads throw `LogUnavailable` when the log cannot be asked. */
export interface RoomLog {
  state(room: RoomId): Promise<LogState>;
  /** Records that the room has now. */
  count(room: RoomId): Promise<number>;
  tail(room: RoomId): Promise<LogRecord | undefined>;
  /** The record of this room at a sequence. */
  at(room: RoomId, seq: number): Promise<LogRecord | undefined>;
  /** The first record of the room at or above a sequence. */
  next(room: RoomId, fromSeq: number): Promise<LogRecord | undefined>;
  forward(room: RoomId, range: ForwardRange): Promise<LogPage>;
  append(room: RoomId, record: RoomRecord, options: AppendOptions): Promise<AppendResult>;
  /** Tells the edges that a record with this sequence exists, in case its republication was lost. */
  notice(room: RoomId, seq: number): void;
}

export interface ForwardRange {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly limit: number;
  readonly maxBytes: number;
}

/** The log cannot be asked now, or is gone. `isLost`: the stream does not exist any more. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
  readonly isLost: boolean;

  constructor(message: string, isLost: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isLost = isLost;
  }
}

/** Time and randomness, handed in. */
export interface Clock {
  monotonicMs(): number;
  unixMs(): number;
}

export type Random = () => number;
