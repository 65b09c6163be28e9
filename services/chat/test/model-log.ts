import type { RoomId, RoomRecord } from '@breakwater/bus';
import type {
  AppendOptions,
  AppendResult,
  ForwardRange,
  LogPage,
  LogRecord,
  LogState,
  RoomLog,
} from '../src/domain/log.ts';

interface Stored extends LogRecord {
  readonly room: string;
}

/** What befalls the next append: nothing, its answer is lost, or it is lost itself. */
export type Fate = 'ok' | 'answer lost' | 'append lost' | 'late';

/**
 * A stream with several rooms in memory, with the duplicate window, the compare and the trimming of the real one.
 * Each call takes a turn of the event loop, so that calls of several replicas interleave.
 */
export class ModelLog implements RoomLog {
  readonly stored: Stored[] = [];
  readonly notices: number[] = [];
  readonly #windowMs: number;
  readonly #maxPerRoom: number;
  readonly #ids = new Map<string, { seq: number; atMs: number }>();
  /** Appends that are on their way still. */
  readonly #late: (() => void)[] = [];
  #lastSeq = 0;
  epoch = 'e1';
  nowMs = 1_000_000;
  reads = 0;
  nextFate: () => Fate = () => 'ok';

  constructor(options: { windowMs?: number; maxPerRoom?: number } = {}) {
    this.#windowMs = options.windowMs ?? 120_000;
    this.#maxPerRoom = options.maxPerRoom ?? 1_000;
  }

  /** Stores a record as another writer does. */
  put(room: string, record: RoomRecord): number {
    this.#lastSeq += 1;
    const seq = this.#lastSeq;
    this.stored.push({ room, seq, timeMs: this.nowMs, bytes: JSON.stringify(record).length, record });
    const mine = this.stored.filter((one) => one.room === room);
    if (mine.length > this.#maxPerRoom) this.stored.splice(this.stored.indexOf(mine[0]!), 1);
    return seq;
  }

  /** The stream is deleted and made anew, empty. */
  recreate(): void {
    this.stored.length = 0;
    this.#ids.clear();
    this.#lastSeq = 0;
    this.epoch += '+';
  }

  /** The server lost its end, as after a power cut: the same stream, cut back. */
  cutBack(toSeq: number): void {
    const kept = this.stored.filter(({ seq }) => seq <= toSeq);
    this.stored.splice(0, this.stored.length, ...kept);
    this.#lastSeq = Math.max(0, Math.min(this.#lastSeq, toSeq));
  }

  of(room: string): Stored[] {
    return this.stored.filter((one) => one.room === room);
  }

  /** What was on its way arrives. */
  arrive(): void {
    for (const land of this.#late.splice(0)) land();
  }

  async state(_room: RoomId): Promise<LogState> {
    await this.#turn();
    const firstSeq = this.stored[0]?.seq ?? this.#lastSeq + 1;
    return { epoch: this.epoch, firstSeq, lastSeq: this.#lastSeq, messages: this.stored.length };
  }

  async count(room: RoomId): Promise<number> {
    await this.#turn();
    return this.of(room).length;
  }

  async tail(room: RoomId): Promise<LogRecord | undefined> {
    await this.#turn();
    return this.of(room).at(-1);
  }

  async at(room: RoomId, seq: number): Promise<LogRecord | undefined> {
    await this.#turn();
    return this.of(room).find((one) => one.seq === seq);
  }

  async next(room: RoomId, fromSeq: number): Promise<LogRecord | undefined> {
    await this.#turn();
    return this.of(room).find((one) => one.seq >= fromSeq);
  }

  /** Record by record, as the real one, so that others write and trim in between. */
  async forward(room: RoomId, { fromSeq, toSeq, limit, maxBytes }: ForwardRange): Promise<LogPage> {
    const records: LogRecord[] = [];
    let bytes = 0;
    for (let seq = fromSeq; ; ) {
      const record = await this.next(room, seq);
      if (record === undefined || record.seq > toSeq) return { records, complete: true };
      if (records.length >= limit || bytes >= maxBytes) return { records, complete: false };
      records.push(record);
      bytes += record.bytes;
      seq = record.seq + 1;
    }
  }

  async append(room: RoomId, record: RoomRecord, options: AppendOptions): Promise<AppendResult> {
    const fate = this.nextFate();
    await this.#turn();
    if (fate === 'append lost') return { kind: 'doubt', cause: 'timeout' };
    if (fate === 'late') {
      this.#late.push(() => this.#land(room, record, options));
      return { kind: 'doubt', cause: 'timeout' };
    }
    const result = this.#land(room, record, options);
    await this.#turn();
    return fate === 'answer lost' ? { kind: 'doubt', cause: 'timeout' } : result;
  }

  notice(_room: RoomId, seq: number): void {
    this.notices.push(seq);
  }

  #land(room: string, record: RoomRecord, { msgId, expectedLastSeq }: AppendOptions): AppendResult {
    if (expectedLastSeq !== undefined && (this.of(room).at(-1)?.seq ?? 0) !== expectedLastSeq) {
      return { kind: 'refused' };
    }
    const known = this.#ids.get(msgId);
    if (known !== undefined && this.nowMs - known.atMs < this.#windowMs) {
      return { kind: 'stored', seq: known.seq, duplicate: true };
    }
    const seq = this.put(room, record);
    this.#ids.set(msgId, { seq, atMs: this.nowMs });
    return { kind: 'stored', seq, duplicate: false };
  }

  async #turn(): Promise<void> {
    this.reads += 1;
    await Promise.resolve();
  }
}
