import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../log/logger.ts';
import { BusError } from './errors.ts';
import { apiErrorToBusError, type JetStreamApi } from './js-api.ts';
import { parseDelivery } from './ordered-watch.ts';
import type { StoredMessage } from './stored-message.ts';
import type { ReadOptions, StreamReads, SubjectPage } from './stream-reads.ts';

/** Stored with a message: the sequence that its subject had to end at when it was appended. */
const BEHIND_HEADER = 'Nats-Expected-Last-Subject-Sequence';
/** Sequences that single reads are through with before a consumer is made. */
const SHORT_STRETCH = 32;
/** An answer that takes longer than this is not waited for: the leader is asked message by message. */
export const CHAIN_PATIENCE_MS = 1_500;
/** What the server keeps of a pull, and of a consumer that nobody deleted. */
const SERVER_KEEPS_MS = 5_000;

export type ChainStretch = Required<ReadOptions>;

export interface ChainReadsParts {
  readonly nc: NatsConnection;
  /** Gives an answer up after `CHAIN_PATIENCE_MS`. */
  readonly api: JetStreamApi;
  readonly reads: StreamReads;
  readonly log: Logger;
  readonly inboxPrefix: string | undefined;
}

const nanos = (ms: number): number => ms * 1_000_000;

/**
 * Reads stretches of chains (subjects whose every message was appended with `expectedLastSubjectSeq`) by a consumer
 * for each: three requests, however many messages.
 *
 * A consumer may live on any replica, so that what it leaves out proves nothing. But every message says which one it
 * was appended behind: an unbroken row is what the leader has, whoever gave it. Everything else is the leader's to say.
 */
export class ChainReads {
  readonly #parts: ChainReadsParts;

  constructor(parts: ChainReadsParts) {
    this.#parts = parts;
  }

  /**
   * The messages from the first one at or above `fromSeq` to `toSeq`, or the first two or more of them.
   * @throws BusError
   */
  async read(stream: string, subject: string, stretch: ChainStretch): Promise<SubjectPage> {
    const { reads, log } = this.#parts;
    if (stretch.toSeq - stretch.fromSeq < SHORT_STRETCH) return reads.readSubject(stream, subject, stretch);
    try {
      return await this.#consume(stream, subject, stretch);
    } catch (cause) {
      log.debug({ subject, err: cause }, 'a chain is read from its leader, message by message');
      return reads.readSubject(stream, subject, stretch);
    }
  }

  async #consume(stream: string, subject: string, stretch: ChainStretch): Promise<SubjectPage> {
    const { nc, api, inboxPrefix } = this.#parts;
    const row = new Row(subject, stretch);
    const inbox = createInbox(inboxPrefix);
    const subscription = nc.subscribe(inbox, { callback: (error, msg) => row.take(error, msg) });
    let consumer: string | undefined;
    try {
      consumer = await this.#create(stream, subject, stretch.fromSeq);
      this.#pull(stream, consumer, inbox, stretch);
      return await row.whenDone();
    } finally {
      subscription.unsubscribe();
      if (consumer !== undefined) api.ask(`CONSUMER.DELETE.${stream}.${consumer}`).catch(() => undefined);
    }
  }

  async #create(stream: string, subject: string, fromSeq: number): Promise<string> {
    const verb = `CONSUMER.CREATE.${stream}`;
    const config = {
      deliver_policy: 'by_start_sequence',
      opt_start_seq: Math.max(1, fromSeq),
      filter_subject: subject,
      ack_policy: 'none',
      replay_policy: 'instant',
      inactive_threshold: nanos(SERVER_KEEPS_MS),
      mem_storage: true,
      num_replicas: 1,
    };
    const answer = await this.#parts.api.ask(verb, { stream_name: stream, config });
    if ('error' in answer) throw apiErrorToBusError(verb, answer.error);
    const { name } = answer.value;
    if (typeof name === 'string') return name;
    throw new BusError('unavailable', `$JS.API.${verb}`, 'the answer does not name the consumer');
  }

  #pull(stream: string, consumer: string, reply: string, { limit, maxBytes }: ChainStretch): void {
    const request = { batch: limit, max_bytes: maxBytes, expires: nanos(SERVER_KEEPS_MS) };
    this.#parts.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), {
      reply,
    });
  }
}

/** Messages as they come, as long as each follows the one before. */
class Row {
  readonly #subject: string;
  readonly #stretch: ChainStretch;
  readonly #messages: StoredMessage[] = [];
  readonly #done = Promise.withResolvers<SubjectPage>();
  #silence: NodeJS.Timeout | undefined;

  constructor(subject: string, stretch: ChainStretch) {
    this.#subject = subject;
    this.#stretch = stretch;
    // It may break before anybody waits for it.
    this.#done.promise.catch(() => undefined);
  }

  /** @throws BusError `unavailable`: too little came; `bad_reply`: it does not hang together */
  async whenDone(): Promise<SubjectPage> {
    this.#silence = setTimeout(() => this.#end('unavailable', 'no more came'), CHAIN_PATIENCE_MS);
    try {
      return await this.#done.promise;
    } finally {
      clearTimeout(this.#silence);
    }
  }

  take(error: Error | null, msg: Msg): void {
    this.#silence?.refresh();
    if (error !== null) this.#end('unavailable', error.message);
    else if ((msg.headers?.code ?? 0) !== 0) this.#end('unavailable', msg.headers?.description ?? 'it ended');
    else this.#add(msg);
  }

  #add(msg: Msg): void {
    const { toSeq, limit } = this.#stretch;
    const delivery = parseDelivery(msg.reply ?? '');
    if (delivery === undefined || !this.#follows(msg)) {
      this.#end('bad_reply', 'what came next does not follow what came before');
      return;
    }
    const { streamSeq: seq, timeMs } = delivery;
    if (seq <= toSeq) this.#messages.push(storedMessage(msg, seq, timeMs));
    if (seq >= toSeq) this.#done.resolve({ messages: this.#messages, complete: true });
    else if (this.#messages.length >= limit) this.#end('unavailable', 'no more was asked for');
  }

  #follows(msg: Msg): boolean {
    const text = msg.headers?.get(BEHIND_HEADER) ?? '';
    if (!/^\d+$/.test(text)) return false;
    const newest = this.#messages.at(-1);
    return newest === undefined
      ? Number(text) < Math.max(1, this.#stretch.fromSeq)
      : Number(text) === newest.seq;
  }

  /** What came is worth something if it leads from one message to another. */
  #end(code: 'unavailable' | 'bad_reply', why: string): void {
    if (this.#messages.length >= 2) this.#done.resolve({ messages: this.#messages, complete: false });
    else this.#done.reject(new BusError(code, this.#subject, why));
  }
}

function storedMessage({ subject, data, headers }: Msg, seq: number, timeMs: number): StoredMessage {
  return { subject, seq, data, timeMs, header: (name) => headers?.get(name) || undefined };
}
