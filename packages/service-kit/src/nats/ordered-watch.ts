import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import type { Logger } from '../log/logger.ts';
import { apiErrorToBusError, type JetStreamApi } from './js-api.ts';

/** One stored message that a watch delivers. */
export interface WatchedMessage {
  readonly subject: string;
  readonly seq: number;
  readonly timeMs: number;
  readonly data: Uint8Array;
  header(name: string): string | undefined;
}

export interface WatchListener {
  /** A (new) snapshot begins: the last message of every subject follows. */
  onBegin(): void;
  onMessage(message: WatchedMessage): void;
  /** Everything that was stored when the snapshot began has been delivered. */
  onCaughtUp(): void;
}

export interface WatchOptions {
  stream: string;
  filter: string;
  log: Logger;
  listener: WatchListener;
  inboxPrefix?: string | undefined;
  /** Silence after which the watch begins anew, in ms. Heartbeats come three times as often. */
  silenceMs: number;
}

interface Delivery {
  readonly streamSeq: number;
  readonly deliverySeq: number;
  readonly timeMs: number;
  readonly pending: number;
}

/** Reads `$JS.ACK.<stream>.<consumer>.<n>.<stream seq>.<delivery seq>.<ns>.<pending>`, with or without domain and account. */
export function parseDelivery(reply: string): Delivery | undefined {
  const tokens = reply.split('.');
  const at = tokens.length === 9 ? 5 : 7;
  if (tokens.length < 9 || tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined;
  const [streamSeq, deliverySeq, , pending] = tokens.slice(at, at + 4).map(Number);
  const nanos = tokens[at + 2];
  if (streamSeq === undefined || deliverySeq === undefined || pending === undefined || nanos === undefined)
    return undefined;
  return { streamSeq, deliverySeq, timeMs: Number(nanos.slice(0, -6)), pending };
}

/**
 * Delivers the last message of every subject of a filter, then every new one, in order.
 * It begins anew (with a snapshot) after a reconnection, a hole or silence: a watcher compares, it does not add up.
 */
export class OrderedWatch {
  readonly #nc: NatsConnection;
  readonly #api: JetStreamApi;
  readonly #options: WatchOptions;
  #subscription: Subscription | undefined;
  #consumer: string | undefined;
  #round = 0;
  #expected = 1;
  #toCatchUp = 0;
  #caughtUp = false;
  #lastHeardMs = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(nc: NatsConnection, api: JetStreamApi, options: WatchOptions) {
    this.#nc = nc;
    this.#api = api;
    this.#options = options;
  }

  /** Begins anew. Failures are retried with growing, jittered waits until `stop`. */
  restart(): void {
    if (this.#stopped) return;
    this.#round += 1;
    this.#closeRound();
    void this.#begin(this.#round);
  }

  stop(): void {
    this.#stopped = true;
    this.#round += 1;
    this.#closeRound();
  }

  #closeRound(): void {
    clearTimeout(this.#timer);
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    const consumer = this.#consumer;
    this.#consumer = undefined;
    if (consumer !== undefined)
      this.#api.ask(`CONSUMER.DELETE.${this.#options.stream}.${consumer}`).catch(() => undefined);
  }

  async #begin(round: number): Promise<void> {
    try {
      const inbox = createInbox(this.#options.inboxPrefix);
      this.#caughtUp = false;
      this.#expected = 1;
      this.#toCatchUp = Number.MAX_SAFE_INTEGER;
      this.#lastHeardMs = performance.now();
      this.#options.listener.onBegin();
      this.#subscription = this.#nc.subscribe(inbox, {
        callback: (error, msg) => this.#onMessage(round, error, msg),
      });
      const pending = await this.#createConsumer(inbox, round);
      if (round !== this.#round) return;
      this.#failures = 0;
      this.#toCatchUp = pending;
      this.#checkCaughtUp();
      this.#armSilence(round);
    } catch (cause) {
      if (round === this.#round) this.#retry(cause);
    }
  }

  /** @returns how many messages the snapshot has */
  async #createConsumer(inbox: string, round: number): Promise<number> {
    const { stream, filter, silenceMs } = this.#options;
    const config = {
      deliver_subject: inbox,
      deliver_policy: 'last_per_subject',
      ack_policy: 'none',
      replay_policy: 'instant',
      max_deliver: 1,
      filter_subject: filter,
      flow_control: true,
      idle_heartbeat: Math.round(silenceMs / 3) * 1_000_000,
      inactive_threshold: 30_000_000_000,
      mem_storage: true,
      num_replicas: 1,
    };
    const answer = await this.#api.ask(`CONSUMER.CREATE.${stream}`, { stream_name: stream, config });
    if ('error' in answer) throw apiErrorToBusError(`CONSUMER.CREATE.${stream}`, answer.error);
    const name = answer.value.name;
    if (typeof name === 'string') {
      if (round === this.#round) this.#consumer = name;
      else this.#api.ask(`CONSUMER.DELETE.${stream}.${name}`).catch(() => undefined);
    }
    const delivered = (answer.value.delivered ?? {}) as Readonly<Record<string, unknown>>;
    return Number(answer.value.num_pending ?? 0) + Number(delivered.consumer_seq ?? 0);
  }

  #retry(cause: unknown): void {
    this.#closeRound();
    this.#failures += 1;
    const bound = Math.min(5_000, 100 * 2 ** Math.min(this.#failures, 10));
    const waitMs = 50 + Math.floor(Math.random() * bound);
    this.#options.log.warn(
      { stream: this.#options.stream, retryInMs: waitMs, err: cause },
      'a watch could not begin',
    );
    this.#timer = setTimeout(() => this.restart(), waitMs).unref();
  }

  #armSilence(round: number): void {
    clearTimeout(this.#timer);
    const { silenceMs } = this.#options;
    this.#timer = setTimeout(() => {
      if (round !== this.#round) return;
      if (performance.now() - this.#lastHeardMs < silenceMs) this.#armSilence(round);
      else this.restart();
    }, silenceMs / 3).unref();
  }

  #onMessage(round: number, error: Error | null, msg: Msg): void {
    if (round !== this.#round) return;
    if (error !== null) {
      this.#retry(error);
      return;
    }
    this.#lastHeardMs = performance.now();
    const code = msg.headers?.code ?? 0;
    if (code === 100) this.#onControl(msg);
    else if (code === 0) this.#onData(msg);
    else this.#retry(new Error(`the consumer ended: ${msg.headers?.description ?? code}`));
  }

  /** Flow control wants an answer; a heartbeat may ask for one when the consumer is stalled. */
  #onControl(msg: Msg): void {
    if (msg.reply) msg.respond();
    const stalled = msg.headers?.get('Nats-Consumer-Stalled');
    if (stalled) this.#nc.publish(stalled);
    const last = msg.headers?.get('Nats-Last-Consumer');
    if (last && Number(last) >= this.#expected) this.restart();
  }

  #onData(msg: Msg): void {
    const delivery = parseDelivery(msg.reply ?? '');
    if (delivery === undefined || delivery.deliverySeq !== this.#expected) {
      this.restart();
      return;
    }
    this.#expected += 1;
    const { headers } = msg;
    this.#options.listener.onMessage({
      subject: msg.subject,
      seq: delivery.streamSeq,
      timeMs: delivery.timeMs,
      data: msg.data,
      header: (name) => headers?.get(name) || undefined,
    });
    this.#checkCaughtUp(delivery.pending === 0);
  }

  #checkCaughtUp(nothingLeft = false): void {
    if (this.#caughtUp || (this.#expected <= this.#toCatchUp && !nothingLeft)) return;
    this.#caughtUp = true;
    this.#options.listener.onCaughtUp();
  }
}
