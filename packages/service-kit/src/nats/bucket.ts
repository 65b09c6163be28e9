import type { Logger } from '../log/logger.ts';
import type { TraceParent } from '../telemetry/tracer.ts';
import type { CommitOptions, CommitResult } from './commit.ts';
import { BusError } from './errors.ts';
import type { Payload } from './message.ts';
import type { WatchedMessage, WatchListener } from './ordered-watch.ts';
import type { StoredMessage } from './stored-message.ts';

/** One key of a bucket as it is now. */
export interface BucketEntry<T> {
  readonly key: string;
  readonly value: T;
  /** Changes with every write of the bucket; `update` and `delete` compare it. */
  readonly revision: number;
  readonly timeMs: number;
}

/** What a watch says about a key: its value, or that it is gone. */
export type BucketChange<T> =
  | ({ readonly kind: 'put' } & BucketEntry<T>)
  | { readonly kind: 'delete'; readonly key: string; readonly revision: number };

export interface BucketWatchOptions<T> {
  /** Key or pattern (`*`, `>`). Default: all keys. */
  keys?: string;
  onChange(change: BucketChange<T>): void;
  /** All keys that there were have been told. Called again after each resynchronisation. */
  onReady?(): void;
}

export interface BucketWatch extends Disposable {
  /** Resolves when the first snapshot is complete. */
  readonly ready: Promise<void>;
  stop(): void;
}

/** What a bucket needs of the bus. */
export interface BucketPort {
  readonly log: Logger;
  commit(subject: string, payload: Payload, options: CommitOptions): Promise<CommitResult>;
  lastMessage(stream: string, subject: string): Promise<StoredMessage | undefined>;
  watchStream(stream: string, filter: string, listener: WatchListener): { stop(): void };
  purgeSubject(stream: string, subject: string, what: { belowSeq: number }): Promise<number>;
}

export interface BucketOptions<T> {
  name: string;
  /** Decodes the JSON of a value; throws on what is no value of this bucket. */
  decode: (value: unknown) => T;
  encode?: (value: T) => Payload;
}

export interface WriteOptions {
  timeoutMs?: number;
  trace?: TraceParent | undefined;
}

const KEY = /^[-/_=.a-zA-Z0-9]{1,256}$/;
const OPERATION = 'KV-Operation';
const decoder = new TextDecoder();

/**
 * A typed key-value bucket. Writes give a `CommitResult` (`refused`: the compare failed, `doubt`: read and
 * decide); reads go to the leader. `seq` of a stored write is the key's new revision.
 * A key outside `[-/_=.a-zA-Z0-9]` is a `BusError` `invalid`.
 */
export class Bucket<T> {
  readonly name: string;
  readonly #stream: string;
  readonly #port: BucketPort;
  readonly #options: BucketOptions<T>;

  constructor(port: BucketPort, options: BucketOptions<T>) {
    this.name = options.name;
    this.#stream = `KV_${options.name}`;
    this.#port = port;
    this.#options = options;
  }

  #subject(key: string): string {
    const bad = !KEY.test(key) || key.startsWith('.') || key.endsWith('.') || key.includes('..');
    if (bad)
      throw new BusError('invalid', `$KV.${this.name}`, 'the key has characters that keys cannot have');
    return `$KV.${this.name}.${key}`;
  }

  #encode(value: T): Payload {
    return this.#options.encode === undefined ? JSON.stringify(value) : this.#options.encode(value);
  }

  #decode(subject: string, data: Uint8Array): T {
    try {
      return this.#options.decode(JSON.parse(decoder.decode(data)));
    } catch (cause) {
      throw new BusError('bad_reply', subject, 'the value cannot be decoded', { cause });
    }
  }

  /** The value of a key, from the leader; `undefined` when it is not there. @throws BusError */
  async get(key: string): Promise<BucketEntry<T> | undefined> {
    const subject = this.#subject(key);
    const message = await this.#port.lastMessage(this.#stream, subject);
    if (message === undefined || isDeletion(message)) return undefined;
    return { key, value: this.#decode(subject, message.data), revision: message.seq, timeMs: message.timeMs };
  }

  /** Writes whatever is there. */
  async put(key: string, value: T, options: WriteOptions = {}): Promise<CommitResult> {
    return this.#port.commit(this.#subject(key), this.#encode(value), options);
  }

  /** Writes if the key is not there; `refused` when it is. */
  async create(key: string, value: T, options: WriteOptions = {}): Promise<CommitResult> {
    const subject = this.#subject(key);
    const data = this.#encode(value);
    const first = await this.#port.commit(subject, data, { ...options, expectedLastSubjectSeq: 0 });
    if (first.kind !== 'refused') return first;
    const last = await this.#port.lastMessage(this.#stream, subject).catch(() => undefined);
    if (last === undefined || !isDeletion(last)) return first;
    return this.#port.commit(subject, data, { ...options, expectedLastSubjectSeq: last.seq });
  }

  /** Writes if the key's revision is still `revision`; `refused` when it is not. */
  async update(key: string, value: T, revision: number, options: WriteOptions = {}): Promise<CommitResult> {
    return this.#port.commit(this.#subject(key), this.#encode(value), {
      ...options,
      expectedLastSubjectSeq: revision,
    });
  }

  /** Deletes a key, whatever is there or only at `revision`. */
  async delete(key: string, options: WriteOptions & { revision?: number } = {}): Promise<CommitResult> {
    const { revision, ...rest } = options;
    const expected = revision === undefined ? {} : { expectedLastSubjectSeq: revision };
    return this.#port.commit(this.#subject(key), '', {
      ...rest,
      ...expected,
      headers: { [OPERATION]: 'DEL' },
    });
  }

  /**
   * Takes away the marker that a deletion left at `revision`, which would stay for ever. Wait until every watcher
   * has heard of the deletion. What was written since stays. @throws BusError
   */
  async forgetDeletion(key: string, revision: number): Promise<void> {
    await this.#port.purgeSubject(this.#stream, this.#subject(key), { belowSeq: revision + 1 });
  }

  /**
   * Tells every key that is there and then every change, in order. After a lost connection it tells all keys
   * again (and deletions that were missed), so changes may repeat; compare revisions where that matters.
   * A value that cannot be decoded is logged and told as a deletion.
   */
  watch(options: BucketWatchOptions<T>): BucketWatch {
    const { promise, resolve } = Promise.withResolvers<void>();
    const view = new WatchView<T>(
      this.#port.log,
      this.name,
      (subject, data) => this.#decode(subject, data),
      options,
      resolve,
    );
    const handle = this.#port.watchStream(this.#stream, `$KV.${this.name}.${options.keys ?? '>'}`, view);
    return { ready: promise, stop: () => handle.stop(), [Symbol.dispose]: () => handle.stop() };
  }
}

function isDeletion(message: { header(name: string): string | undefined }): boolean {
  const operation = message.header(OPERATION);
  return operation === 'DEL' || operation === 'PURGE' || message.header('Nats-Marker-Reason') !== undefined;
}

/** Turns a stream's messages into changes of keys, and finds deletions that happened while nobody listened. */
class WatchView<T> implements WatchListener {
  readonly #log: Logger;
  readonly #prefix: string;
  readonly #decode: (subject: string, data: Uint8Array) => T;
  readonly #options: BucketWatchOptions<T>;
  readonly #onReady: () => void;
  /** Keys that were told as present, with the snapshot in which they were last seen. */
  readonly #known = new Map<string, number>();
  #snapshot = 0;

  constructor(
    log: Logger,
    bucket: string,
    decode: (subject: string, data: Uint8Array) => T,
    options: BucketWatchOptions<T>,
    onReady: () => void,
  ) {
    this.#log = log;
    this.#prefix = `$KV.${bucket}.`;
    this.#decode = decode;
    this.#options = options;
    this.#onReady = onReady;
  }

  onBegin(): void {
    this.#snapshot += 1;
  }

  onMessage(message: WatchedMessage): void {
    const key = message.subject.slice(this.#prefix.length);
    const change = this.#changeOf(key, message);
    if (change.kind === 'put') this.#known.set(key, this.#snapshot);
    else this.#known.delete(key);
    this.#tell(change);
  }

  onCaughtUp(): void {
    for (const [key, snapshot] of this.#known) {
      if (snapshot === this.#snapshot) continue;
      this.#known.delete(key);
      this.#tell({ kind: 'delete', key, revision: 0 });
    }
    this.#onReady();
    this.#guard(() => this.#options.onReady?.());
  }

  #changeOf(key: string, message: WatchedMessage): BucketChange<T> {
    if (isDeletion(message)) return { kind: 'delete', key, revision: message.seq };
    try {
      const value = this.#decode(message.subject, message.data);
      return { kind: 'put', key, value, revision: message.seq, timeMs: message.timeMs };
    } catch (cause) {
      this.#log.error({ subject: message.subject, err: cause }, 'a watched value cannot be decoded');
      return { kind: 'delete', key, revision: message.seq };
    }
  }

  #tell(change: BucketChange<T>): void {
    this.#guard(() => this.#options.onChange(change));
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (cause) {
      this.#log.error({ err: cause }, 'a bucket watcher threw');
    }
  }
}
