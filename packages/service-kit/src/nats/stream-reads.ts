import { apiErrorToBusError, type JetStreamApi, JS_CODES } from './js-api.ts';
import { parseStoredMessage, type StoredMessage } from './stored-message.ts';

/** Where a stream begins and ends, as its leader knows it. */
export interface StreamState {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly messages: number;
  readonly bytes: number;
  /** When the stream was created: RFC 3339 with nanoseconds. Another text means another stream. */
  readonly created: string;
}

export interface ReadOptions {
  /** First sequence wanted (inclusive). */
  fromSeq: number;
  /** Last sequence wanted (inclusive). Unset: the subject's last one when the read begins. */
  toSeq?: number;
  /** Most messages in one answer. */
  limit: number;
  /** Payload bytes after which the read stops (the message that crosses it is included). */
  maxBytes: number;
}

export interface SubjectPage {
  /** Rising sequences, without a hole but for messages that were deleted from the stream. */
  readonly messages: readonly StoredMessage[];
  /** True when nothing is left in the asked range. */
  readonly complete: boolean;
}

/** Chains that walk one range at once; a read has a network round trip for each message of a chain. */
const CHAINS = 16;

function toNumber(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function totalBytes(messages: readonly StoredMessage[]): number {
  return messages.reduce((sum, message) => sum + message.data.byteLength, 0);
}

/**
 * Reads from the leader of a stream.
 *
 * All of it is `$JS.API.STREAM.MSG.GET`, which (unlike direct get) only the leader answers: a read
 * that begins after an acknowledgement sees what was acknowledged, as long as that leader leads.
 * A deposed leader that has not noticed can answer old data for some seconds; a compare-and-append
 * after the read is what catches that.
 */
export class StreamReads {
  readonly #api: JetStreamApi;

  constructor(api: JetStreamApi) {
    this.#api = api;
  }

  async #get(stream: string, query: object, timeoutMs?: number): Promise<StoredMessage | undefined> {
    const verb = `STREAM.MSG.GET.${stream}`;
    const answer = await this.#api.ask(verb, query, timeoutMs);
    if ('value' in answer) return parseStoredMessage(verb, answer.value);
    if (answer.error.errCode === JS_CODES.noMessageFound) return undefined;
    throw apiErrorToBusError(verb, answer.error);
  }

  /** The newest message of a subject. @throws BusError */
  lastMessage(stream: string, subject: string, timeoutMs?: number): Promise<StoredMessage | undefined> {
    return this.#get(stream, { last_by_subj: subject }, timeoutMs);
  }

  /** The message at a sequence; `undefined` when there is none (any more). @throws BusError */
  getMessage(stream: string, seq: number): Promise<StoredMessage | undefined> {
    return seq < 1 ? Promise.resolve(undefined) : this.#get(stream, { seq });
  }

  /** The first message of a subject at or above a sequence. @throws BusError */
  nextMessage(stream: string, subject: string, fromSeq: number): Promise<StoredMessage | undefined> {
    return this.#get(stream, { seq: Math.max(1, fromSeq), next_by_subj: subject });
  }

  /** @throws BusError */
  async streamState(stream: string): Promise<StreamState> {
    const info = await this.#api.call(`STREAM.INFO.${stream}`);
    const state = (info.state ?? {}) as Readonly<Record<string, unknown>>;
    return {
      firstSeq: toNumber(state.first_seq),
      lastSeq: toNumber(state.last_seq),
      messages: toNumber(state.messages),
      bytes: toNumber(state.bytes),
      created: String(info.created ?? ''),
    };
  }

  /** How many messages a subject has now. @throws BusError */
  async subjectMessages(stream: string, subject: string): Promise<number> {
    const info = await this.#api.call(`STREAM.INFO.${stream}`, { subjects_filter: subject });
    const state = (info.state ?? {}) as Readonly<Record<string, unknown>>;
    const subjects = (state.subjects ?? {}) as Readonly<Record<string, unknown>>;
    return toNumber(subjects[subject]);
  }

  /** The subjects of a filter and how many messages each has now, all pages of them. @throws BusError */
  async subjects(stream: string, filter: string): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (;;) {
      const query = { subjects_filter: filter, offset: found.size };
      const info = await this.#api.call(`STREAM.INFO.${stream}`, query);
      const state = (info.state ?? {}) as Readonly<Record<string, unknown>>;
      const page = Object.entries((state.subjects ?? {}) as Readonly<Record<string, unknown>>);
      const before = found.size;
      for (const [subject, count] of page) found.set(subject, toNumber(count));
      if (found.size === before || found.size >= toNumber(info.total)) return found;
    }
  }

  /**
   * The last sequence of each subject (0: none), `concurrency` reads at a time.
   * @throws BusError of the first read that fails
   */
  async lastSequences(
    stream: string,
    subjects: readonly string[],
    concurrency = 16,
  ): Promise<ReadonlyMap<string, number>> {
    const result = new Map<string, number>();
    const queue = subjects.values();
    const worker = async () => {
      for (const subject of queue) {
        const last = await this.lastMessage(stream, subject);
        result.set(subject, last?.seq ?? 0);
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, subjects.length) }, worker));
    return result;
  }

  /** One chain: the messages of a subject in `[fromSeq, toSeq]`, at most `limit` of them. */
  async #chain(
    stream: string,
    subject: string,
    fromSeq: number,
    toSeq: number,
    limit: number,
    maxBytes: number,
  ): Promise<StoredMessage[]> {
    const messages: StoredMessage[] = [];
    let bytes = 0;
    let seq = fromSeq;
    while (seq <= toSeq && messages.length < limit && bytes < maxBytes) {
      const message = await this.nextMessage(stream, subject, seq);
      if (message === undefined || message.seq > toSeq) break;
      messages.push(message);
      bytes += message.data.byteLength;
      seq = message.seq + 1;
    }
    return messages;
  }

  /** Cuts a range into chains that run at once. A chain that ends early cuts off all after it. */
  async #parallel(
    stream: string,
    subject: string,
    fromSeq: number,
    toSeq: number,
    options: ReadOptions,
  ): Promise<SubjectPage> {
    const width = Math.max(1, Math.ceil((toSeq - fromSeq + 1) / CHAINS));
    const starts = Array.from({ length: CHAINS }, (_, i) => fromSeq + i * width).filter(
      (start) => start <= toSeq,
    );
    const chains = await Promise.all(
      starts.map((start) =>
        this.#chain(
          stream,
          subject,
          start,
          Math.min(toSeq, start + width - 1),
          options.limit,
          options.maxBytes,
        ),
      ),
    );
    return cutPage(chains, options.limit, options.maxBytes);
  }

  /**
   * Messages of one subject in rising order, from the leader.
   * @throws BusError
   */
  async readSubject(stream: string, subject: string, options: ReadOptions): Promise<SubjectPage> {
    const toSeq = options.toSeq ?? (await this.lastMessage(stream, subject))?.seq ?? 0;
    if (toSeq < options.fromSeq) return { messages: [], complete: true };
    const first = await this.nextMessage(stream, subject, options.fromSeq);
    if (first === undefined || first.seq > toSeq) return { messages: [], complete: true };
    return this.#inWindows(stream, subject, first.seq, toSeq, options);
  }

  /** Grows a window over the range until the page is full, so that little is read in vain. */
  async #inWindows(
    stream: string,
    subject: string,
    fromSeq: number,
    toSeq: number,
    options: ReadOptions,
  ): Promise<SubjectPage> {
    const messages: StoredMessage[] = [];
    let width = Math.max(CHAINS, options.limit);
    let from = fromSeq;
    let bytes = 0;
    while (from <= toSeq) {
      const to = Math.min(toSeq, from + width - 1);
      const rest = { ...options, limit: options.limit - messages.length, maxBytes: options.maxBytes - bytes };
      const page = await this.#parallel(stream, subject, from, to, rest);
      messages.push(...page.messages);
      bytes = totalBytes(messages);
      const full = messages.length >= options.limit || bytes >= options.maxBytes;
      if (!page.complete || full) return { messages, complete: page.complete && to >= toSeq };
      width = page.messages.length === 0 ? width * 8 : width * 2;
      from = to + 1;
    }
    return { messages, complete: true };
  }
}

function cutPage(chains: readonly StoredMessage[][], limit: number, maxBytes: number): SubjectPage {
  const messages: StoredMessage[] = [];
  let bytes = 0;
  for (const chain of chains) {
    for (const message of chain) {
      if (messages.length >= limit || bytes >= maxBytes) return { messages, complete: false };
      messages.push(message);
      bytes += message.data.byteLength;
    }
    // A chain that stopped at a limit may have left messages behind: nothing after it may follow.
    if (chain.length >= limit || totalBytes(chain) >= maxBytes) return { messages, complete: false };
  }
  return { messages, complete: true };
}
