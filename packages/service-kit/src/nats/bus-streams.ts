import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../log/logger.ts';
import type { KitMetrics } from '../telemetry/kit-metrics.ts';
import { Bucket, type BucketOptions, type BucketPort } from './bucket.ts';
import { CHAIN_PATIENCE_MS, ChainReads, type ChainStretch } from './chain-reads.ts';
import { type CommitOptions, type CommitResult, commitTo } from './commit.ts';
import type { BucketDefinition, StreamDefinition } from './definitions.ts';
import { JetStreamApi } from './js-api.ts';
import type { Payload } from './message.ts';
import { OrderedWatch, type WatchListener } from './ordered-watch.ts';
import type { RequestMux } from './request-mux.ts';
import type { StoredMessage } from './stored-message.ts';
import { type ReadOptions, StreamReads, type StreamState, type SubjectPage } from './stream-reads.ts';
import { StreamAdmin } from './streams.ts';

export interface BusStreamsDeps {
  readonly nc: NatsConnection;
  readonly mux: RequestMux;
  readonly log: Logger;
  readonly metrics: KitMetrics;
  readonly apiTimeoutMs: number;
  readonly inboxPrefix: string | undefined;
  readonly watchSilenceMs: number;
}

/** The JetStream half of a bus: appends, reads from leaders, streams, buckets and watches. */
export class BusStreams {
  readonly #deps: BusStreamsDeps;
  readonly #api: JetStreamApi;
  readonly #reads: StreamReads;
  readonly #chains: ChainReads;
  readonly #admin: StreamAdmin;
  readonly #watches = new Set<OrderedWatch>();

  constructor(deps: BusStreamsDeps) {
    this.#deps = deps;
    this.#api = new JetStreamApi(deps.mux, deps.apiTimeoutMs);
    this.#reads = new StreamReads(this.#api);
    const api = new JetStreamApi(deps.mux, CHAIN_PATIENCE_MS);
    this.#chains = new ChainReads({ ...deps, api, reads: this.#reads });
    this.#admin = new StreamAdmin(this.#api);
  }

  /** Appends to the stream that listens on the subject. Never throws for what the server says. */
  async commit(subject: string, payload: Payload, options: CommitOptions = {}): Promise<CommitResult> {
    const begunMs = performance.now();
    const result = await commitTo(this.#deps.mux, subject, payload, options);
    this.#deps.metrics.commits.add(1, { result: result.kind });
    this.#deps.metrics.commitSeconds.record((performance.now() - begunMs) / 1000);
    return result;
  }

  /**
   * The newest message of a subject, from the stream's leader. A leader that has just died answers nothing, and the
   * next one knows nothing of the request: who waits for the answer gives it up after `timeoutMs` and asks again.
   * @throws BusError
   */
  lastMessage(stream: string, subject: string, timeoutMs?: number): Promise<StoredMessage | undefined> {
    return this.#reads.lastMessage(stream, subject, timeoutMs);
  }

  /** The message at a sequence, from the leader. @throws BusError */
  getMessage(stream: string, seq: number): Promise<StoredMessage | undefined> {
    return this.#reads.getMessage(stream, seq);
  }

  /** The first message of a subject at or above a sequence, from the leader. @throws BusError */
  nextMessage(stream: string, subject: string, fromSeq: number): Promise<StoredMessage | undefined> {
    return this.#reads.nextMessage(stream, subject, fromSeq);
  }

  /** @throws BusError */
  streamState(stream: string): Promise<StreamState> {
    return this.#reads.streamState(stream);
  }

  /** How many messages a subject has now, from the leader. @throws BusError */
  subjectMessages(stream: string, subject: string): Promise<number> {
    return this.#reads.subjectMessages(stream, subject);
  }

  /** The subjects of a filter and how many messages each has now, from the leader. @throws BusError */
  subjects(stream: string, filter: string): Promise<ReadonlyMap<string, number>> {
    return this.#reads.subjects(stream, filter);
  }

  /** Last sequence of each subject, 0 for none; `concurrency` (16) leader reads at a time. @throws BusError */
  lastSequences(
    stream: string,
    subjects: readonly string[],
    concurrency?: number,
  ): Promise<ReadonlyMap<string, number>> {
    return this.#reads.lastSequences(stream, subjects, concurrency);
  }

  /** A bounded read of one subject, rising, from the leader. @throws BusError */
  readSubject(stream: string, subject: string, options: ReadOptions): Promise<SubjectPage> {
    return this.#reads.readSubject(stream, subject, options);
  }

  /**
   * A read of a long stretch of one subject to which every message was appended with `expectedLastSubjectSeq`, and
   * which has one at `toSeq`. Faster than `readSubject`, and as certain. The page may end early, but not before its
   * second message. The NATS user has to be allowed consumers on the stream.
   * @throws BusError
   */
  readChain(stream: string, subject: string, stretch: ChainStretch): Promise<SubjectPage> {
    return this.#chains.read(stream, subject, stretch);
  }

  /** Resolves when JetStream answers for our account. @throws BusError */
  async checkJetStream(): Promise<void> {
    await this.#api.call('INFO');
  }

  /** Owner of a stream: create or update, then read back. @throws StreamMismatchError | BusError */
  ensureStream(definition: StreamDefinition): Promise<void> {
    return this.#admin.ensureStream(definition);
  }

  /** Not the owner: it is there and safe. @throws BusError `not_found` while it is not there | StreamMismatchError */
  checkStream(definition: StreamDefinition): Promise<void> {
    return this.#admin.checkStream(definition);
  }

  /** Deletes messages of a subject below a sequence, or all but the newest `keep`. @returns how many */
  purgeSubject(
    stream: string,
    subject: string,
    what: { belowSeq: number } | { keep: number },
  ): Promise<number> {
    return this.#admin.purgeSubject(stream, subject, what);
  }

  /** Owner of a bucket: create or update, read back, open. @throws StreamMismatchError | BusError */
  async ensureBucket<T>(
    definition: BucketDefinition,
    codec: Omit<BucketOptions<T>, 'name'>,
  ): Promise<Bucket<T>> {
    await this.#admin.ensureBucket(definition);
    return new Bucket(this.#bucketPort(), { name: definition.name, ...codec });
  }

  /** Not the owner: check and open. @throws BusError `not_found` while the owner has not made it | StreamMismatchError */
  async openBucket<T>(
    definition: BucketDefinition,
    codec: Omit<BucketOptions<T>, 'name'>,
  ): Promise<Bucket<T>> {
    await this.#admin.checkBucket(definition);
    return new Bucket(this.#bucketPort(), { name: definition.name, ...codec });
  }

  #bucketPort(): BucketPort {
    return {
      log: this.#deps.log,
      commit: (subject, payload, options) => this.commit(subject, payload, options),
      lastMessage: (stream, subject) => this.lastMessage(stream, subject),
      watchStream: (stream, filter, listener) => this.watchStream(stream, filter, listener),
      purgeSubject: (stream, subject, what) => this.purgeSubject(stream, subject, what),
    };
  }

  /** Last message of every subject of a filter, then each new one; begins anew after a lost connection. */
  watchStream(stream: string, filter: string, listener: WatchListener): { stop(): void } {
    const watch = new OrderedWatch(this.#deps.nc, this.#api, {
      stream,
      filter,
      log: this.#deps.log,
      listener,
      inboxPrefix: this.#deps.inboxPrefix,
      silenceMs: this.#deps.watchSilenceMs,
    });
    this.#watches.add(watch);
    watch.restart();
    return {
      stop: () => {
        this.#watches.delete(watch);
        watch.stop();
      },
    };
  }

  /** Every watch begins anew: messages were missed. */
  protected restartWatches(): void {
    for (const watch of this.#watches) watch.restart();
  }

  protected stopWatches(): void {
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
  }
}
