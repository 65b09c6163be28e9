/**
 * Keeps room for claims in logs and streams that are full. A claim is an append like any other: into a log without
 * room nobody could claim a game whose process died, and only its owner makes room: whoever owns nothing trims and
 * purges nothing. So the deltas of owners stop short of both limits, and what a takeover has to store always fits: a
 * claim, an `end`, and the whole state in a new version's words. The first claim of a new game takes over nothing.
 */

import { decodeGameRecord, GAME_STREAM_RESERVE } from '@breakwater/bus';
import type { AppendOutcome, ClockPort, LogPort, StoredRecord } from './ports.ts';

const CLAIM_KIND = 1;
const DELTA_KIND = 2;

export interface LogRoom {
  /** Records of the log at which its deltas stop. */
  readonly maxRecords: number;
  /** Records in the log now. */
  readonly count: () => Promise<number>;
  readonly stream: Pick<StreamRoom, 'isShort'>;
}

/** A log that answers `full` to deltas, and its stream's new games, while what is left of the room is for takeovers. */
export class RoomyLog implements LogPort {
  readonly #log: LogPort;
  readonly #room: LogRoom;
  /** At least so many records are in the log, unless it was purged; unknown before the first delta. */
  #records: number | undefined;

  constructor(log: LogPort, room: LogRoom) {
    this.#log = log;
    this.#room = room;
  }

  async append(bytes: Uint8Array, expectedSeq: number, trace?: string): Promise<AppendOutcome> {
    if (expectedSeq === 0 && bytes[1] === CLAIM_KIND && this.#room.stream.isShort)
      return full('the rest of the stream is kept for games that it already holds');
    const shortage = bytes[1] === DELTA_KIND ? await this.#shortage(bytes) : undefined;
    if (shortage !== undefined) return shortage;
    // Every try counts: what is counted too often is only counted anew sooner.
    if (this.#records !== undefined) this.#records += 1;
    return this.#log.append(bytes, expectedSeq, trace);
  }

  tail(): Promise<StoredRecord | undefined> {
    return this.#log.tail();
  }

  read(fromSeq: number, toSeq: number): Promise<readonly StoredRecord[]> {
    return this.#log.read(fromSeq, toSeq);
  }

  purgeBelow(seq: number): Promise<void> {
    return this.#log.purgeBelow(seq);
  }

  async #shortage(bytes: Uint8Array): Promise<AppendOutcome | undefined> {
    const { maxRecords, count, stream } = this.#room;
    if (stream.isShort) return isWhole(bytes) ? undefined : full('the rest of the stream is kept for claims');
    if (this.#records === undefined) this.#countMeanwhile();
    if (this.#records === undefined || this.#records < maxRecords || isWhole(bytes)) return undefined;
    try {
      this.#records = await count();
    } catch (cause) {
      return { kind: 'doubt', cause: cause instanceof Error ? cause.message : String(cause) };
    }
    return this.#records < maxRecords ? undefined : full('the rest of the log is kept for claims');
  }

  /** A game that was just claimed is not kept waiting; what it appends until the answer is far below the reserve. */
  #countMeanwhile(): void {
    this.#records = 0;
    this.#room.count().then(
      (records) => {
        this.#records = records + (this.#records ?? 0);
      },
      () => {
        this.#records = undefined;
      },
    );
  }
}

const full = (cause: string): AppendOutcome => ({ kind: 'full', cause });

/** A game of a new version can take no snapshot before its state is in the log. */
function isWhole(bytes: Uint8Array): boolean {
  const decoded = decodeGameRecord(bytes);
  return decoded.ok && decoded.value.kind === 'delta' && decoded.value.isWhole === true;
}

/** Above half of what deltas may fill a stream is looked at this often, below it ten times more rarely. */
const LOOK_MS = 1_000;
const LOOK_CALMLY_MS = 10_000;

export interface StreamRoomDeps {
  readonly clock: ClockPort;
  /** Size of the stream at which it refuses everything. */
  readonly maxBytes: number;
  /** Bytes in it now. */
  readonly bytes: () => Promise<number>;
}

/** How full one partition's stream is: asked for while somebody wants to know, and seldom. */
export class StreamRoom {
  readonly #deps: StreamRoomDeps;
  readonly #deltaBytes: number;
  #bytes = 0;
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(deps: StreamRoomDeps) {
    this.#deps = deps;
    this.#deltaBytes = deps.maxBytes - Math.ceil(deps.maxBytes * GAME_STREAM_RESERVE.share);
  }

  /** No room for deltas, as far as is known. */
  get isShort(): boolean {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs >= this.#nextMs) void this.#look(nowMs);
    return this.#bytes >= this.#deltaBytes;
  }

  async #look(nowMs: number): Promise<void> {
    this.#nextMs = nowMs + LOOK_MS;
    try {
      this.#bytes = await this.#deps.bytes();
      if (this.#bytes < this.#deltaBytes / 2) this.#nextMs = nowMs + LOOK_CALMLY_MS;
    } catch {
      // Who cannot be asked takes no appends either.
    }
  }
}
