import type { NatsConnection, Subscription as NatsSubscription } from '@nats-io/transport-node';
import type { Logger } from '../log/logger.ts';
import type { KitMetrics } from '../telemetry/kit-metrics.ts';
import { ReplyError } from './errors.ts';
import { BusMessage, encodePayload } from './message.ts';

/** A subscription or handler; disposing it drains. */
export interface BusSubscription extends AsyncDisposable {
  readonly subject: string;
  /** Resolves when nothing is delivered any more. */
  readonly closed: Promise<void>;
  /** Stops at once; what was delivered but not handled is dropped. */
  unsubscribe(): void;
  /** Takes no new messages, handles those that were delivered, waits for handlers in flight. */
  drain(): Promise<void>;
}

export interface SubscribeOptions {
  /** Queue group: one member of the group gets each message. */
  queue?: string;
}

interface HandleLimits {
  queue?: string;
  /** Requests handled at once; more are answered `busy`. Default 256. */
  maxInFlight?: number;
}

/** What a handler takes: JSON through `decode`, or bytes through `decodeBytes`. Both throw on bad input. */
export type HandleOptions<T> = HandleLimits &
  (
    | { decode: (value: unknown) => T; decodeBytes?: never }
    | { decodeBytes: (data: Uint8Array) => T; decode?: never }
  );

/** Bytes are answered as they are; an object is answered as `{ok: true, …}`; nothing as `{ok: true}`. */
export type HandlerResult = Uint8Array | object | undefined;
export type Handler<T> = (input: T, message: BusMessage) => HandlerResult | Promise<HandlerResult>;

/** Header of an error reply: the code, so that a reader of bytes need not look into them. */
export const ERROR_HEADER = 'Breakwater-Error';

interface HandlerDeps {
  readonly nc: NatsConnection;
  readonly log: Logger;
  readonly metrics: KitMetrics;
}

function respondError(message: BusMessage, code: string, text: string, retryAfterMs?: number): void {
  if (message.reply === undefined) return;
  message.respond(
    { ok: false, error: { code, message: text, ...(retryAfterMs !== undefined && { retryAfterMs }) } },
    { [ERROR_HEADER]: /^[\w-]{1,64}$/.test(code) ? code : 'internal' },
  );
}

function respondResult(message: BusMessage, result: HandlerResult): void {
  if (message.reply === undefined) return;
  message.respond(result instanceof Uint8Array ? encodePayload(result) : { ok: true, ...result });
}

/** Runs one handler for the requests of one subject. Whatever it does, the process lives on. */
class RequestHandler<T> {
  readonly #deps: HandlerDeps;
  readonly #subject: string;
  readonly #options: HandleOptions<T>;
  readonly #handler: Handler<T>;
  readonly #inFlight = new Set<Promise<void>>();

  constructor(deps: HandlerDeps, subject: string, options: HandleOptions<T>, handler: Handler<T>) {
    this.#deps = deps;
    this.#subject = subject;
    this.#options = options;
    this.#handler = handler;
  }

  onMessage(message: BusMessage): void {
    if (this.#inFlight.size >= (this.#options.maxInFlight ?? 256)) {
      this.#deps.metrics.busy.add(1);
      respondError(message, 'busy', 'too many requests at once');
      return;
    }
    const work = this.#handle(message);
    this.#inFlight.add(work);
    void work.finally(() => this.#inFlight.delete(work));
  }

  async #handle(message: BusMessage): Promise<void> {
    let input: T;
    try {
      input =
        this.#options.decodeBytes === undefined
          ? this.#options.decode(message.json())
          : this.#options.decodeBytes(message.data);
    } catch (cause) {
      this.#deps.metrics.handled.add(1, { outcome: 'bad_request' });
      // A SyntaxError quotes the body, which may hold anything.
      const why =
        cause instanceof Error && !(cause instanceof SyntaxError)
          ? cause.message
          : 'the request cannot be read';
      this.#answer(() => respondError(message, 'bad_request', why));
      return;
    }
    try {
      respondResult(message, await this.#handler(input, message));
      this.#deps.metrics.handled.add(1, { outcome: 'ok' });
    } catch (cause) {
      this.#answer(() => this.#onThrow(message, cause));
    }
  }

  #onThrow(message: BusMessage, cause: unknown): void {
    if (cause instanceof ReplyError) {
      this.#deps.metrics.handled.add(1, { outcome: 'refused' });
      respondError(message, cause.code, cause.message, cause.retryAfterMs);
      return;
    }
    this.#deps.metrics.handled.add(1, { outcome: 'error' });
    this.#deps.metrics.handlerErrors.add(1);
    this.#deps.log.error({ subject: this.#subject, err: cause }, 'a request handler threw');
    respondError(message, 'internal', 'the request failed inside');
  }

  /** An answer that cannot be sent (too large, connection closing) is counted, not thrown. */
  #answer(send: () => void): void {
    try {
      send();
    } catch (cause) {
      this.#deps.metrics.handlerErrors.add(1);
      this.#deps.log.error({ subject: this.#subject, err: cause }, 'an answer could not be sent');
    }
  }

  async idle(): Promise<void> {
    await Promise.allSettled([...this.#inFlight]);
  }
}

function wrap(subject: string, subscription: NatsSubscription, idle: () => Promise<void>): BusSubscription {
  const drain = async () => {
    await subscription.drain().catch(() => undefined);
    await idle();
  };
  return {
    subject,
    closed: subscription.closed.then(() => undefined),
    unsubscribe: () => subscription.unsubscribe(),
    drain,
    [Symbol.asyncDispose]: drain,
  };
}

function onSubscriptionError(deps: HandlerDeps, subject: string, cause: Error): void {
  deps.metrics.handlerErrors.add(1);
  deps.log.error({ subject, err: cause }, 'a NATS subscription was refused');
}

/** Answers requests on a subject. */
export function handleRequests<T>(
  deps: HandlerDeps,
  subject: string,
  options: HandleOptions<T>,
  handler: Handler<T>,
): BusSubscription {
  const runner = new RequestHandler(deps, subject, options, handler);
  const subscription = deps.nc.subscribe(subject, {
    ...(options.queue !== undefined && { queue: options.queue }),
    callback: (error, msg) =>
      error === null ? runner.onMessage(new BusMessage(msg)) : onSubscriptionError(deps, subject, error),
  });
  return wrap(subject, subscription, () => runner.idle());
}

/** Hears messages on a subject, in order, without a queue: a slow handler slows the connection. */
export function subscribeTo(
  deps: HandlerDeps,
  subject: string,
  options: SubscribeOptions,
  handler: (message: BusMessage) => void | Promise<void>,
): BusSubscription {
  const onThrow = (cause: unknown) => {
    deps.metrics.handlerErrors.add(1);
    deps.log.error({ subject, err: cause }, 'a subscription handler threw');
  };
  const onMessage = (message: BusMessage) => {
    try {
      handler(message)?.catch(onThrow);
    } catch (cause) {
      onThrow(cause);
    }
  };
  const subscription = deps.nc.subscribe(subject, {
    ...(options.queue !== undefined && { queue: options.queue }),
    callback: (error, msg) =>
      error === null ? onMessage(new BusMessage(msg)) : onSubscriptionError(deps, subject, error),
  });
  return wrap(subject, subscription, async () => undefined);
}
