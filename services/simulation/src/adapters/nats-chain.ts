import type { NatsBus, Tracer } from '@breakwater/service-kit';
import type { AppendOutcome, ChainPort, StoredRecord } from '../domain/ports.ts';

export interface NatsChainOptions {
  readonly stream: string;
  readonly subject: string;
  /** How many there are to read: many come at once, a few one after the other. */
  readonly records: 'many' | 'few';
  readonly appendTimeoutMs: number;
  /** Of the span around a traced append. */
  readonly spanName: string;
}

const READ_LIMIT = 4_096;
const READ_BYTES = 8 * 1024 * 1024;
const SHORTEST_READ_MS = 1_000;

/** One subject of a stream as a chain: compare-and-append, and reads that give what the leader has. */
export class NatsChain implements ChainPort {
  readonly #nats: NatsBus;
  readonly #tracer: Tracer;
  readonly #options: NatsChainOptions;

  constructor(nats: NatsBus, tracer: Tracer, options: NatsChainOptions) {
    this.#nats = nats;
    this.#tracer = tracer;
    this.#options = options;
  }

  append(bytes: Uint8Array, expectedSeq: number, trace?: string): Promise<AppendOutcome> {
    if (trace === undefined || !this.#tracer.enabled) return this.#commit(bytes, expectedSeq, trace);
    return this.#tracer.withSpan(this.#options.spanName, trace, (span) =>
      this.#commit(bytes, expectedSeq, span.traceParent ?? trace),
    );
  }

  async tail(): Promise<StoredRecord | undefined> {
    const { stream, subject, appendTimeoutMs } = this.#options;
    const timeoutMs = Math.max(SHORTEST_READ_MS, appendTimeoutMs);
    const message = await this.#nats.lastMessage(stream, subject, timeoutMs);
    return message === undefined ? undefined : { seq: message.seq, bytes: message.data };
  }

  async read(fromSeq: number, toSeq: number): Promise<readonly StoredRecord[]> {
    const { stream, subject, records } = this.#options;
    if (records === 'few') return this.#readSingly(fromSeq, toSeq);
    const limits = { fromSeq, toSeq, limit: READ_LIMIT, maxBytes: READ_BYTES };
    const { messages } = await this.#nats.readChain(stream, subject, limits);
    return messages.map(({ seq, data }) => ({ seq, bytes: data }));
  }

  async #readSingly(fromSeq: number, toSeq: number): Promise<readonly StoredRecord[]> {
    const { stream, subject } = this.#options;
    const found: StoredRecord[] = [];
    let bytes = 0;
    for (let from = fromSeq; from <= toSeq && bytes < READ_BYTES; ) {
      const message = await this.#nats.nextMessage(stream, subject, from);
      if (message === undefined || message.seq > toSeq) break;
      found.push({ seq: message.seq, bytes: message.data });
      bytes += message.data.byteLength;
      from = message.seq + 1;
    }
    return found;
  }

  async purgeBelow(seq: number): Promise<void> {
    await this.#nats.purgeSubject(this.#options.stream, this.#options.subject, { belowSeq: seq });
  }

  async #commit(bytes: Uint8Array, expectedSeq: number, trace: string | undefined): Promise<AppendOutcome> {
    const { subject, appendTimeoutMs } = this.#options;
    const result = await this.#nats.commit(subject, bytes, {
      expectedLastSubjectSeq: expectedSeq,
      timeoutMs: appendTimeoutMs,
      trace,
    });
    switch (result.kind) {
      case 'stored':
        return result;
      case 'refused':
        return {
          kind: 'refused',
          cause: `wrong last sequence${result.lastSeq === undefined ? '' : ` ${result.lastSeq}`}`,
        };
      case 'full':
      case 'invalid':
        return { kind: result.kind, cause: result.reason };
      case 'doubt':
        return result;
      default:
        return result satisfies never;
    }
  }
}
