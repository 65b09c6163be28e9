import { Deadline, untilAborted } from '../lifecycle/deadline.ts';
import type { Logger } from '../log/logger.ts';
import type { KitMetrics } from '../telemetry/kit-metrics.ts';
import type { TraceParent } from '../telemetry/tracer.ts';
import { BusStreams } from './bus-streams.ts';
import { Connection, type ConnectionSettings } from './connection.ts';
import { BusError } from './errors.ts';
import {
  type BusSubscription,
  type HandleOptions,
  type Handler,
  handleRequests,
  type SubscribeOptions,
  subscribeTo,
} from './handlers.ts';
import { type BusMessage, encodePayload, type HeaderRecord, type Payload, toNatsHeaders } from './message.ts';
import { decodeReply, type Good, type ReplyDecoding } from './reply.ts';
import { RequestMux } from './request-mux.ts';
import { assertServerVersion, type ServerNeeds, serverFault } from './version.ts';

export interface BusOptions extends ConnectionSettings {
  metrics: KitMetrics;
  /** Requests that may wait for an answer at once; more fail as `unavailable`. Default 10,000. */
  maxPendingRequests?: number;
  /** Deadline of JetStream reads and administration, in ms. Default 5 s. */
  apiTimeoutMs?: number;
  /** Silence after which a watch begins anew, in ms. Default 15 s. */
  watchSilenceMs?: number;
}

export interface PublishOptions {
  headers?: HeaderRecord;
  reply?: string;
  trace?: TraceParent | undefined;
}

export type RequestOptions<T> = ReplyDecoding<T> & {
  timeoutMs: number;
  headers?: HeaderRecord;
  trace?: TraceParent | undefined;
};

export type Unlisten = () => void;

/**
 * One process's NATS connection: publish, request, handle, subscribe; appends to streams and reads from
 * their leaders; streams and buckets. It reconnects for ever; while it is away requests fail at once and
 * publishes say false, because the client would throw them away silently.
 */
export class NatsBus extends BusStreams implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #log: Logger;
  readonly #metrics: KitMetrics;
  readonly #mux: RequestMux;
  readonly #handlers = new Set<BusSubscription>();
  readonly #onReconnect = new Set<() => void>();
  readonly #onSlowConsumer = new Set<() => void>();
  #needs: ServerNeeds | undefined;

  /** Use `connectBus`. */
  constructor(connection: Connection, options: BusOptions) {
    const {
      log,
      metrics,
      maxPendingRequests = 10_000,
      apiTimeoutMs = 5_000,
      watchSilenceMs = 15_000,
      inboxPrefix,
    } = options;
    const mux = new RequestMux(connection.nc, () => connection.isConnected, maxPendingRequests, inboxPrefix);
    super({ nc: connection.nc, mux, log, metrics, apiTimeoutMs, inboxPrefix, watchSilenceMs });
    this.#connection = connection;
    this.#log = log;
    this.#metrics = metrics;
    this.#mux = mux;
    this.#metrics.natsConnected.observe(() => (this.isConnected ? 1 : 0));
    connection.listen({
      onDisconnect: () => this.#mux.failAll('the NATS connection was lost'),
      onReconnect: () => this.#afterReconnect(),
      onSlowConsumer: () => this.#afterSlowConsumer(),
      onClosed: () => this.#mux.failAll('the NATS connection is closed'),
      onPublishDenied: (subject) => this.#mux.failSubject(subject, 'this NATS user may not publish here'),
    });
  }

  get isConnected(): boolean {
    return this.#connection.isConnected;
  }

  /** True once the connection is given up for good: only after `close` or `drain`. */
  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  /** Version of the server that we are (or were last) connected to; empty before the first INFO. */
  get serverVersion(): string {
    return this.#connection.nc.info?.version ?? '';
  }

  /** Largest payload (with headers) that the server takes, in bytes. */
  get maxPayloadBytes(): number {
    return this.#connection.nc.info?.max_payload ?? 1_048_576;
  }

  /** What is wrong with the server for the needs given to `assertServer`; `undefined` when nothing is. */
  get serverFault(): string | undefined {
    if (this.#needs === undefined || !this.isConnected) return undefined;
    return serverFault(this.serverVersion, this.#needs);
  }

  /** Refuses a server that is too old; checked again (see `serverFault`) after every reconnect. @throws ServerVersionError */
  assertServer(needs: ServerNeeds): void {
    this.#needs = needs;
    assertServerVersion(this.serverVersion, needs);
  }

  #afterReconnect(): void {
    this.#metrics.reconnects.add(1);
    const fault = this.serverFault;
    if (fault !== undefined) this.#log.error({ fault }, 'the NATS server changed and will not do');
    this.restartWatches();
    this.#callAll(this.#onReconnect);
  }

  #afterSlowConsumer(): void {
    this.#metrics.slowConsumer.add(1);
    this.#callAll(this.#onSlowConsumer);
  }

  #callAll(listeners: Set<() => void>): void {
    for (const listener of [...listeners]) {
      try {
        listener();
      } catch (cause) {
        this.#log.error({ err: cause }, 'a reconnect listener threw');
      }
    }
  }

  /** Called after each re-established connection: messages were missed. */
  onReconnect(listener: () => void): Unlisten {
    this.#onReconnect.add(listener);
    return () => this.#onReconnect.delete(listener);
  }

  /** Called when the server dropped messages to us because we read too slowly (a reconnection follows). */
  onSlowConsumer(listener: () => void): Unlisten {
    this.#onSlowConsumer.add(listener);
    return () => this.#onSlowConsumer.delete(listener);
  }

  /**
   * Sends without an answer. True: handed to a live connection (no more than that).
   * False: not connected, nothing was sent.
   * @throws BusError `invalid` (too large, illegal subject)
   */
  publish(subject: string, payload: Payload, options: PublishOptions = {}): boolean {
    if (!this.#connection.isConnected || this.#connection.nc.isDraining()) {
      this.#metrics.unsent.add(1);
      return false;
    }
    const headers = toNatsHeaders(options.headers, options.trace);
    try {
      this.#connection.nc.publish(subject, encodePayload(payload), {
        ...(options.reply !== undefined && { reply: options.reply }),
        ...(headers !== undefined && { headers }),
      });
      return true;
    } catch (cause) {
      throw new BusError('invalid', subject, cause instanceof Error ? cause.message : 'cannot be sent', {
        cause,
      });
    }
  }

  /**
   * Asks and decodes the answer. An answer `{ok: false, error}` is thrown as `BusError` `remote`.
   * @throws BusError
   */
  async request<T>(subject: string, payload: Payload, options: RequestOptions<T>): Promise<Good<T>> {
    const begunMs = performance.now();
    try {
      const headers = toNatsHeaders(options.headers, options.trace);
      const msg = await this.#mux.request(subject, encodePayload(payload), {
        timeoutMs: options.timeoutMs,
        headers,
      });
      const value = decodeReply(subject, msg, options);
      this.#metrics.requests.add(1, { outcome: 'ok' });
      return value;
    } catch (cause) {
      this.#metrics.requests.add(1, { outcome: cause instanceof BusError ? cause.code : 'error' });
      throw cause;
    } finally {
      this.#metrics.requestSeconds.record((performance.now() - begunMs) / 1000);
    }
  }

  /** Answers requests; whatever the handler does, one answer goes out and the process lives. */
  handle<T>(subject: string, options: HandleOptions<T>, handler: Handler<T>): BusSubscription {
    const subscription = handleRequests(this.#handlerDeps(), subject, options, handler);
    this.#handlers.add(subscription);
    void subscription.closed.then(() => this.#handlers.delete(subscription));
    return subscription;
  }

  /** Hears messages in order. A handler that throws is counted and logged. */
  subscribe(
    subject: string,
    options: SubscribeOptions,
    handler: (message: BusMessage) => void | Promise<void>,
  ): BusSubscription {
    return subscribeTo(this.#handlerDeps(), subject, options, handler);
  }

  #handlerDeps() {
    return { nc: this.#connection.nc, log: this.#log, metrics: this.#metrics };
  }

  /** Waits until everything published so far has reached the server. @throws BusError `unavailable` */
  async flush(timeoutMs = 5_000): Promise<void> {
    if (!this.isConnected) throw new BusError('unavailable', 'flush', 'not connected to NATS');
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new BusError('unavailable', 'flush', `no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      await Promise.race([this.#connection.nc.flush(), promise]);
    } catch (cause) {
      throw cause instanceof BusError
        ? cause
        : new BusError('unavailable', 'flush', 'the NATS connection was lost', { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Answers what was asked, lets subscriptions finish and flushes, all within `timeoutMs`; then closes for good. */
  async drain(timeoutMs = 2_000): Promise<void> {
    using deadline = new Deadline(timeoutMs);
    this.stopWatches();
    const answered = Promise.all([...this.#handlers].map((handler) => handler.drain())).then(() => undefined);
    await untilAborted(answered, deadline.signal).catch(() => undefined);
    await this.#connection.drain(Math.max(50, deadline.remainingMs()));
    this.#mux.failAll('the NATS connection is closed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }
}

/** Connects and keeps trying until it stands. @throws the reason of `signal` when that is aborted first */
export async function connectBus(
  options: BusOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<NatsBus> {
  return new NatsBus(await Connection.open(options, signal), options);
}
