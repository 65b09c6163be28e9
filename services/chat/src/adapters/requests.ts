import {
  type ChatVerb,
  chatCreate,
  chatHistory,
  chatJoin,
  chatList,
  chatRoster,
  chatSend,
  InvalidIdError,
  QUEUES,
  type Subjects,
} from '@breakwater/bus';
import { DecodeError, type Decoder, ERRORS, ProtocolError } from '@breakwater/protocol';
import {
  BusError,
  type BusMessage,
  type BusSubscription,
  type MetricHandles,
  type NatsBus,
  ReplyError,
  type Tracer,
} from '@breakwater/service-kit';
import type { Chat } from '../domain/chat.ts';
import { LogUnavailable } from '../domain/log.ts';
import type { metrics } from '../metrics.ts';

export interface RequestParts {
  readonly nats: NatsBus;
  readonly subjects: Subjects;
  readonly chat: Chat;
  readonly tracer: Tracer;
  readonly metrics: MetricHandles<typeof metrics>;
  readonly maxRequests: number;
}

/** Answers `chat.<verb>`, one replica of the queue group each request. */
export class Requests {
  readonly #parts: RequestParts;
  readonly #subscriptions: BusSubscription[] = [];

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  start(): void {
    const { chat, metrics } = this.#parts;
    this.#answer('send', chatSend, async (request, trace) => {
      const begunMs = performance.now();
      const sent = await chat.send(request, trace);
      metrics.sendSeconds.record((performance.now() - begunMs) / 1000);
      metrics.sent.add(1, { kind: sent.duplicate ? 'duplicate' : 'stored' });
      return sent;
    });
    this.#answer('join', chatJoin, async (request) => {
      const joined = await chat.join(request);
      const kind = joined.recovered ? 'recovered' : request.at === undefined ? 'first' : 'reset';
      metrics.joins.add(1, { kind });
      return joined;
    });
    this.#answer('history', chatHistory, (request) => chat.history(request));
    this.#answer('list', chatList, () => chat.list());
    this.#answer('create', chatCreate, (request) => chat.create(request));
    this.#answer('roster', chatRoster, ({ room }) => chat.roster(room));
  }

  /** Takes no new requests and finishes those in flight. */
  async drain(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.drain()));
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #answer<T>(
    verb: ChatVerb,
    decode: Decoder<T>,
    handler: (request: T, trace: string | undefined) => object | Promise<object>,
  ): void {
    const { nats, subjects, maxRequests } = this.#parts;
    const options = { queue: QUEUES.chat, maxInFlight: maxRequests, decode: explained(decode) };
    const subscription = nats.handle(subjects.chat(verb), options, (request, message) =>
      this.#traced(verb, message, (trace) => handler(request, trace)),
    );
    this.#subscriptions.push(subscription);
  }

  #traced(
    verb: ChatVerb,
    message: BusMessage,
    handler: (trace: string | undefined) => object | Promise<object>,
  ): Promise<object> {
    const { tracer, metrics } = this.#parts;
    return tracer.withSpan(`chat.${verb}`, message.trace, async (span) => {
      try {
        const answer = await handler(span.traceParent ?? message.trace);
        metrics.requests.add(1, { verb, outcome: 'ok' });
        return answer;
      } catch (cause) {
        const error = toReplyError(cause);
        metrics.requests.add(1, { verb, outcome: error?.code ?? 'internal' });
        throw error ?? cause;
      }
    });
  }
}

/** Says where a request is wrong, without an echo of what it said. */
function explained<T>(decode: Decoder<T>): Decoder<T> {
  return (value) => {
    try {
      return decode(value);
    } catch (cause) {
      throw cause instanceof DecodeError ? new Error(cause.sentence) : cause;
    }
  };
}

/** The answer for what was foreseen; `undefined` for what is a bug. */
function toReplyError(cause: unknown): ReplyError | undefined {
  if (cause instanceof ProtocolError) {
    const { code, message, retryAfterMs } = cause;
    return new ReplyError(code, message, { cause, retryAfterMs });
  }
  if (cause instanceof InvalidIdError) return new ReplyError('bad_request', cause.message, { cause });
  if (cause instanceof LogUnavailable || cause instanceof BusError) {
    return new ReplyError('unavailable', ERRORS.unavailable.message, { cause });
  }
  return undefined;
}
