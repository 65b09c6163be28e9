import { type RoomId, type RoomRecord, roomRecord, roomStreamName, type Subjects } from '@breakwater/bus';
import { BusError, type NatsBus, type StoredMessage } from '@breakwater/service-kit';
import { epochOf } from '../domain/epoch.ts';
import {
  type AppendOptions,
  type AppendResult,
  type ForwardRange,
  type LogPage,
  type LogRecord,
  type LogState,
  LogUnavailable,
  type RoomLog,
} from '../domain/log.ts';

const decoder = new TextDecoder();

export interface NatsLogOptions {
  readonly partitions: number;
  /** Streams that were there and are gone; asking them is refused at once. */
  readonly isLost: (stream: string) => boolean;
  readonly onUnreadable: () => void;
}

/** The logs of all rooms, in the `ROOMS` streams. All reads are answered by the stream's leader. */
export class NatsLog implements RoomLog {
  readonly #nats: NatsBus;
  readonly #subjects: Subjects;
  readonly #options: NatsLogOptions;

  constructor(nats: NatsBus, subjects: Subjects, options: NatsLogOptions) {
    this.#nats = nats;
    this.#subjects = subjects;
    this.#options = options;
  }

  async state(room: RoomId): Promise<LogState> {
    const { created, ...state } = await this.#ask(room, (stream) => this.#nats.streamState(stream));
    return { ...state, epoch: epochOf(created) };
  }

  count(room: RoomId): Promise<number> {
    return this.#ask(room, (stream, subject) => this.#nats.subjectMessages(stream, subject));
  }

  async tail(room: RoomId): Promise<LogRecord | undefined> {
    const message = await this.#ask(room, (stream, subject) => this.#nats.lastMessage(stream, subject));
    return message && this.#read(message);
  }

  async at(room: RoomId, seq: number): Promise<LogRecord | undefined> {
    const message = await this.#ask(room, (stream) => this.#nats.getMessage(stream, seq));
    return message?.subject === this.#subjects.roomLog(room) ? this.#read(message) : undefined;
  }

  async next(room: RoomId, fromSeq: number): Promise<LogRecord | undefined> {
    const message = await this.#ask(room, (stream, subject) =>
      this.#nats.nextMessage(stream, subject, fromSeq),
    );
    return message && this.#read(message);
  }

  forward(room: RoomId, range: ForwardRange): Promise<LogPage> {
    return this.#page(room, (stream, subject) => this.#nats.readSubject(stream, subject, range));
  }

  async append(room: RoomId, record: RoomRecord, options: AppendOptions): Promise<AppendResult> {
    const { msgId, timeoutMs, trace, expectedLastSeq } = options;
    this.#assertThere(this.#streamOf(room));
    const result = await this.#nats.commit(this.#subjects.roomLog(room), record, {
      msgId,
      timeoutMs,
      trace,
      ...(expectedLastSeq !== undefined && { expectedLastSubjectSeq: expectedLastSeq }),
    });
    return result.kind === 'full' ? { kind: 'full' } : result;
  }

  notice(room: RoomId, seq: number): void {
    this.#nats.publish(this.#subjects.roomFeed(room), { kind: 'notice', seq });
  }

  async #page(
    room: RoomId,
    read: (
      stream: string,
      subject: string,
    ) => Promise<{ messages: readonly StoredMessage[]; complete: boolean }>,
  ): Promise<LogPage> {
    const { messages, complete } = await this.#ask(room, read);
    return { records: messages.map((message) => this.#read(message)), complete };
  }

  async #ask<T>(room: RoomId, ask: (stream: string, subject: string) => Promise<T>): Promise<T> {
    const stream = this.#streamOf(room);
    this.#assertThere(stream);
    try {
      return await ask(stream, this.#subjects.roomLog(room));
    } catch (cause) {
      if (!(cause instanceof BusError)) throw cause;
      throw new LogUnavailable(`${stream} cannot be read`, cause.code === 'not_found', { cause });
    }
  }

  #streamOf(room: RoomId): string {
    return roomStreamName(room, this.#options.partitions);
  }

  #assertThere(stream: string): void {
    if (this.#options.isLost(stream)) throw new LogUnavailable(`${stream} is lost`, true);
  }

  /** A record that cannot be decoded keeps its place in the log, as one of an unknown kind. */
  #read(message: StoredMessage): LogRecord {
    const { seq, timeMs, data } = message;
    return { seq, timeMs, bytes: data.byteLength, record: this.#decode(data) };
  }

  #decode(data: Uint8Array): RoomRecord {
    try {
      return roomRecord(JSON.parse(decoder.decode(data)));
    } catch {
      this.#options.onUnreadable();
      return { kind: 'other', stamp: '', time: 0 };
    }
  }
}
