import {
  CLIENT_FRAME_TYPES,
  CLOSE,
  type ClientFrame,
  type ClientFrameOf,
  decodeClientFrame,
  requestIdOf,
} from '@breakwater/protocol';
import type { Span, TraceParent } from '@breakwater/service-kit';
import { Throttle, type ThrottleRule } from '../domain/throttle.ts';
import { type BucketRate, TokenBucket } from '../domain/token-bucket.ts';
import type { Connection } from './connection.ts';
import type { EdgeDeps } from './deps.ts';
import { failureOf } from './errors.ts';
import type { ConnectionRegistry } from './registry.ts';

/** Handles one type of client frame. What it throws is answered as an error frame; `trace` is undefined when off. */
export type FrameHandler<T extends ClientFrame['t']> = (
  connection: Connection,
  frame: ClientFrameOf<T>,
  trace: TraceParent | undefined,
) => void | Promise<void>;

export type FrameHandlers = { readonly [T in ClientFrame['t']]: FrameHandler<T> };

type AnyHandler = (
  connection: Connection,
  frame: ClientFrame,
  trace: TraceParent | undefined,
) => void | Promise<void>;

interface Outcomes {
  readonly ok: { add(n: number): void };
}

/** Above so many times the in-flight limit, requests that had arrived before reading paused are refused. */
const REFUSE_FACTOR = 4;

/** The inbound path of every connection: size, rate, schema, then the handler. Whatever comes in, the process lives. */
export class ControlLoop {
  readonly #deps: EdgeDeps;
  readonly #handlers: FrameHandlers;
  readonly #registry: () => ConnectionRegistry;
  readonly #socketRate: BucketRate;
  readonly #userRate: BucketRate;
  readonly #throttleRule: ThrottleRule;
  readonly #userBuckets = new Map<string, TokenBucket>();
  readonly #outcomes: ReadonlyMap<string, Outcomes>;

  constructor(deps: EdgeDeps, handlers: FrameHandlers, registry: () => ConnectionRegistry) {
    this.#deps = deps;
    this.#handlers = handlers;
    this.#registry = registry;
    const { framesPerSecond, frameBurst, userFramesPerSecond, userFrameBurst } = deps.config;
    this.#socketRate = { perSecond: framesPerSecond, burst: frameBurst };
    this.#userRate = { perSecond: userFramesPerSecond, burst: userFrameBurst };
    const { throttleGraceMs, maxThrottled, maxFlood } = deps.config;
    this.#throttleRule = { graceMs: throttleGraceMs, maxLate: maxThrottled, maxTotal: maxFlood };
    const outcomeOf = (type: string) => ({ ok: deps.metrics.requests.with({ type, outcome: 'ok' }) });
    this.#outcomes = new Map(CLIENT_FRAME_TYPES.map((type) => [type, outcomeOf(type)]));
  }

  /** The last connection of a user here is gone. */
  forgetUser(user: string): void {
    this.#userBuckets.delete(user);
  }

  onMessage(connection: Connection, data: Buffer, isBinary: boolean): void {
    const { metrics } = this.#deps;
    metrics.framesIn.add(1);
    metrics.bytesIn.add(data.length);
    if (isBinary) {
      this.#registry().close(connection, CLOSE.unsupportedData);
      return;
    }
    const waitMs = this.#takeToken(connection);
    // `ws` has checked that it is UTF-8.
    const text = data.toString('utf8');
    if (waitMs > 0) {
      this.#refuseFast(connection, text, waitMs);
      return;
    }
    const decoded = decodeClientFrame(text);
    if (!decoded.ok) {
      this.#refuseBadFrame(connection, requestIdOf(text), decoded.error.sentence);
      return;
    }
    connection.badFrames = 0;
    connection.throttle?.within();
    this.#dispatch(connection, decoded.value);
  }

  #takeToken(connection: Connection): number {
    const nowMs = this.#deps.clock.monotonicMs();
    connection.bucket ??= new TokenBucket(this.#socketRate, nowMs);
    const socketWaitMs = connection.bucket.take(this.#socketRate, nowMs);
    if (socketWaitMs > 0) return socketWaitMs;
    let bucket = this.#userBuckets.get(connection.user);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#userRate, nowMs);
      this.#userBuckets.set(connection.user, bucket);
    }
    return bucket.take(this.#userRate, nowMs);
  }

  /** An answer for each frame, so that its sender knows what to send again; the end for who does not care. */
  #refuseFast(connection: Connection, text: string, retryAfterMs: number): void {
    const { metrics, delivery, clock, log } = this.#deps;
    const nowMs = clock.monotonicMs();
    metrics.throttled.add(1);
    connection.throttle ??= new Throttle(nowMs);
    const isTooMuch = connection.throttle.over(this.#throttleRule, nowMs);
    const decoded = decodeClientFrame(text);
    const about = decoded.ok ? subjectOf(decoded.value) : { id: requestIdOf(text) };
    delivery.error(connection, 'rate_limited', { ...about, retryAfterMs });
    if (!isTooMuch) return;
    log.warn({ event: 'abuse', session: connection.session, user: connection.user }, 'rate limit ignored');
    this.#registry().close(connection, CLOSE.abuse);
  }

  #refuseBadFrame(connection: Connection, id: number | undefined, message: string): void {
    this.#deps.metrics.badFrames.add(1);
    connection.badFrames += 1;
    this.#deps.delivery.error(connection, 'bad_request', { id, message });
    if (connection.badFrames >= this.#deps.config.maxBadFrames) {
      this.#registry().close(connection, CLOSE.badProtocol);
    }
  }

  #dispatch(connection: Connection, frame: ClientFrame): void {
    if (connection.inFlight >= this.#deps.config.maxInFlight * REFUSE_FACTOR) {
      this.#fail(connection, frame, undefined, 'busy');
      return;
    }
    const { tracer } = this.#deps;
    const span = tracer.enabled && frame.t !== 'ping' ? tracer.startSpan(`edge ${frame.t}`) : undefined;
    const handle = this.#handlers[frame.t] as AnyHandler;
    try {
      const work = handle(connection, frame, span?.traceParent);
      if (work === undefined) this.#succeed(frame, span);
      else this.#follow(connection, frame, work, span);
    } catch (cause) {
      this.#fail(connection, frame, span, cause);
    }
  }

  #follow(connection: Connection, frame: ClientFrame, work: Promise<void>, span: Span | undefined): void {
    connection.inFlight += 1;
    if (connection.inFlight >= this.#deps.config.maxInFlight && !connection.isPaused) {
      connection.isPaused = true;
      connection.ws.pause();
    }
    work
      .then(
        () => this.#succeed(frame, span),
        (cause: unknown) => this.#fail(connection, frame, span, cause),
      )
      .finally(() => this.#settled(connection));
  }

  #settled(connection: Connection): void {
    connection.inFlight -= 1;
    if (!connection.isPaused || connection.inFlight > this.#deps.config.maxInFlight / 2) return;
    connection.isPaused = false;
    connection.ws.resume();
  }

  #succeed(frame: ClientFrame, span: Span | undefined): void {
    this.#outcomes.get(frame.t)!.ok.add(1);
    span?.end();
  }

  #fail(connection: Connection, frame: ClientFrame, span: Span | undefined, cause: unknown): void {
    const failure = cause === 'busy' ? { code: 'busy' as const, isUnexpected: false } : failureOf(cause);
    this.#deps.metrics.requests.add(1, { type: frame.t, outcome: failure.code });
    if (failure.isUnexpected) {
      this.#deps.log.error(
        { type: frame.t, session: connection.session, err: cause },
        'a client frame failed',
      );
    }
    span?.fail(cause);
    span?.end();
    const { message, retryAfterMs } = { message: undefined, retryAfterMs: undefined, ...failure };
    this.#deps.delivery.error(connection, failure.code, { ...subjectOf(frame), message, retryAfterMs });
  }
}

/** What an error about this frame names. */
function subjectOf(frame: ClientFrame) {
  return {
    id: 'id' in frame ? frame.id : undefined,
    room: 'room' in frame ? frame.room : undefined,
    game: 'game' in frame ? frame.game : undefined,
  };
}
