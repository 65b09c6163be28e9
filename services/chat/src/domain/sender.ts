import type { ChatSent, RoomId, RoomMessageRecord, UserId } from '@breakwater/bus';
import { messageIdTimeMs, ProtocolError } from '@breakwater/protocol';
import type { KeyedLock } from '@breakwater/service-kit';
import { type AppendResult, type Clock, LogUnavailable, type Random, type RoomLog } from './log.ts';
import type { RecentIds } from './recent-ids.ts';
import { makeStamp } from './stamp.ts';

export interface SendLimits {
  /** UTF-8 bytes of a text. */
  readonly maxTextBytes: number;
  /** How long the log itself knows an id. */
  readonly dedupWindowMs: number;
  /** An id older than this is refused. */
  readonly retryHorizonMs: number;
  /** How far clocks may differ. */
  readonly clockSkewMs: number;
  readonly appendTimeoutMs: number;
  /** Time for one request in all; what is in doubt then is answered `unavailable`. */
  readonly deadlineMs: number;
}

export interface Outgoing {
  readonly user: UserId;
  readonly name: string;
  readonly msg: string;
  readonly text: string;
}

export interface SenderParts {
  readonly log: RoomLog;
  readonly ids: RecentIds;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: (ms: number) => Promise<void>;
  readonly limits: SendLimits;
  /** Lets one request of a room at a time look into the log. */
  readonly lookups: KeyedLock;
  /** Called when an id was found by a look into the log, for the metrics. */
  readonly onLookup?: () => void;
  readonly onDoubt?: (cause: string) => void;
}

/** One request on its way. The record, its stamp included, stays the same through all attempts. */
interface Attempt {
  readonly room: RoomId;
  readonly record: RoomMessageRecord;
  readonly msgId: string;
  readonly idTimeMs: number;
  readonly untilMs: number;
  readonly trace: string | undefined;
  /** An append of this request got no certain answer. */
  isDoubted: boolean;
}

/** Time that an append may spend on its way to the log's duplicate check, ms. */
const TRANSIT_MS = 5_000;
/** The last append of a request is given this long at least, so that it has a chance. */
const SHORTEST_APPEND_MS = 100;
const encoder = new TextEncoder();

/**
 * Stores messages exactly once. A young id is left to the log's duplicate window. An older one is looked up in the
 * log first and then appended only if nothing came after what was looked at, so that two replicas, or one that was
 * frozen in between, cannot both store it. What is in doubt is asked again, never guessed.
 */
export class Sender {
  readonly #parts: SenderParts;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /** @throws ProtocolError bad_request, too_large, expired, id_reused, busy, unavailable */
  async send(room: RoomId, outgoing: Outgoing, trace?: string): Promise<ChatSent> {
    const attempt = this.#begin(room, outgoing, trace);
    for (let pauseMs = 10; ; pauseMs = Math.min(200, pauseMs * 2)) {
      const sent = await this.#tryOnce(attempt);
      if (sent !== undefined) return this.#settled(attempt, sent);
      const waitMs = pauseMs * (0.5 + this.#parts.random() / 2);
      if (this.#parts.clock.monotonicMs() + waitMs >= attempt.untilMs) break;
      await this.#parts.sleep(waitMs);
    }
    throw new ProtocolError('unavailable', 'The message could not be stored now; send it again.');
  }

  #begin(room: RoomId, outgoing: Outgoing, trace: string | undefined): Attempt {
    const { clock, limits, random } = this.#parts;
    if (outgoing.text === '') throw new ProtocolError('bad_request', 'text: must not be empty');
    if (encoder.encode(outgoing.text).byteLength > limits.maxTextBytes) throw new ProtocolError('too_large');
    const time = clock.unixMs();
    const idTimeMs = messageIdTimeMs(outgoing.msg);
    const ageMs = time - idTimeMs;
    if (ageMs < -limits.clockSkewMs) throw new ProtocolError('bad_request', 'msg: is from the future');
    if (ageMs > limits.retryHorizonMs) throw new ProtocolError('expired');
    const record = {
      kind: 'message' as const,
      stamp: makeStamp(time, random),
      time: Math.floor(time),
      ...outgoing,
    };
    const msgId = `${room}:${outgoing.user}:${outgoing.msg}`;
    const untilMs = clock.monotonicMs() + limits.deadlineMs;
    return { room, record, msgId, idTimeMs, untilMs, trace, isDoubted: false };
  }

  /** The answer, or nothing when it has to be tried again. */
  async #tryOnce(attempt: Attempt): Promise<ChatSent | undefined> {
    try {
      if (this.#isInWindow(attempt)) return await this.#judge(attempt, await this.#append(attempt));
      return await this.#tryOld(attempt);
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      if (error.isLost) throw new ProtocolError('unavailable', undefined, { cause: error });
      return undefined;
    }
  }

  /**
   * True while the log surely remembers every append that this id can have had: the first was not before the id
   * was made, give or take the clocks. Asked again right before each append, since any wait may have been long.
   */
  #isInWindow({ idTimeMs }: Attempt): boolean {
    const { clock, limits } = this.#parts;
    const oldestMs = clock.unixMs() - idTimeMs + limits.clockSkewMs;
    return oldestMs + Math.min(TRANSIT_MS, limits.dedupWindowMs / 4) < limits.dedupWindowMs;
  }

  #tryOld(attempt: Attempt): Promise<ChatSent | undefined> {
    return this.#parts.lookups.run(attempt.room, async () => {
      if (this.#parts.clock.monotonicMs() > attempt.untilMs) return undefined;
      this.#parts.onLookup?.();
      const { user, msg } = attempt.record;
      const sinceMs = attempt.idTimeMs - this.#parts.limits.clockSkewMs;
      const found = await this.#parts.ids.find(attempt.room, user, msg, sinceMs);
      if (found.kind === 'found') return this.#compare(attempt, found.seq);
      if (found.kind === 'unknown') throw new ProtocolError('expired');
      return this.#judge(attempt, await this.#append(attempt, found.tailSeq));
    });
  }

  #append(attempt: Attempt, expectedLastSeq?: number): Promise<AppendResult> {
    const { room, record, msgId, trace, untilMs } = attempt;
    const leftMs = Math.max(SHORTEST_APPEND_MS, untilMs - this.#parts.clock.monotonicMs());
    const timeoutMs = Math.min(this.#parts.limits.appendTimeoutMs, leftMs);
    const expected = expectedLastSeq === undefined ? {} : { expectedLastSeq };
    return this.#parts.log.append(room, record, { msgId, timeoutMs, trace, ...expected });
  }

  async #judge(attempt: Attempt, result: AppendResult): Promise<ChatSent | undefined> {
    switch (result.kind) {
      case 'stored':
        if (result.duplicate) return this.#compare(attempt, result.seq);
        return { seq: result.seq, time: attempt.record.time, duplicate: false };
      case 'full':
        throw new ProtocolError('busy', 'The room cannot take more messages now.');
      case 'invalid':
        throw new ProtocolError('bad_request', 'The message cannot be stored as it is.');
      case 'doubt':
        attempt.isDoubted = true;
        this.#parts.onDoubt?.(result.cause);
        return undefined;
      case 'refused':
        return undefined;
    }
  }

  /** The id is stored at `seq`: as this message, or as another one. */
  async #compare(attempt: Attempt, seq: number): Promise<ChatSent> {
    const stored = await this.#parts.log.at(attempt.room, seq);
    if (stored === undefined) throw new ProtocolError('expired');
    const { record } = stored;
    const isSame =
      record.kind === 'message' &&
      record.user === attempt.record.user &&
      record.msg === attempt.record.msg &&
      record.text === attempt.record.text;
    if (!isSame) throw new ProtocolError('id_reused');
    return { seq, time: record.time, duplicate: true };
  }

  #settled(attempt: Attempt, sent: ChatSent): ChatSent {
    if (sent.duplicate || attempt.isDoubted) this.#parts.log.notice(attempt.room, sent.seq);
    return sent;
  }
}
