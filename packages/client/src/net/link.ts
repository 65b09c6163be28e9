/** One open socket: frames in and out, answers to requests, pings. It ends once and never comes back. */

import {
  CLOSE,
  type ClientFrame,
  decodeGameFrame,
  decodeServerFrame,
  encodeClientFrame,
  type GameFrame,
  type ServerFrame,
  type ServerFrameOf,
} from '@breakwater/protocol';
import { Pacer, type PacerRule } from '../domain/pacer.ts';
import { type BreakwaterError, ConnectionLostError, ServerError, TimeoutError } from '../errors.ts';
import type { ClientClock, WebSocketLike } from '../options.ts';

export type Welcome = ServerFrameOf<'welcome'>;

export interface LinkEnd {
  /** 1006 when the socket fell or was given up without a close frame. */
  readonly code: number;
  readonly reason: string;
  /** It was given up because nothing came from it any more. */
  readonly isSilent?: boolean;
}

export interface LinkHandlers {
  /** Frames that answer no request of this link. */
  onFrame(link: Link, frame: ServerFrame): void;
  onGameFrame(link: Link, frame: GameFrame): void;
  /** A pong, with what was measured. */
  onPong(link: Link, serverMs: number, roundTripMs: number): void;
  onEnd(link: Link, end: LinkEnd): void;
  /** Bytes that are no frame. */
  onNonsense(error: Error): void;
}

export interface AnswerHandlers {
  /** Runs at once, before the next frame is looked at. */
  onAnswer(frame: ServerFrame): void;
  onFail(error: BreakwaterError): void;
}

/** A frame without its `id`, for each type that has one. */
export type RequestBody = ClientFrame extends infer F
  ? F extends { id: number }
    ? Omit<F, 'id'>
    : never
  : never;

interface Waiting extends AnswerHandlers {
  readonly cancelTimer: () => void;
}

export interface LinkRules extends PacerRule {
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
}

const OPEN = 1;
/** Beyond this, frames that may be dropped are dropped. */
const CONGESTED_BYTES = 256 * 1024;
const ABNORMAL = 1006;

export class Link {
  readonly url: string;
  readonly welcome: Welcome;
  readonly openedAtMs: number;
  readonly #socket: WebSocketLike;
  readonly #clock: ClientClock;
  readonly #times: LinkRules;
  readonly #pacer: Pacer;
  readonly #handlers: LinkHandlers;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #lastHeardMs: number;
  #cancelPing: () => void = () => undefined;
  #pingedAtMs = Number.NEGATIVE_INFINITY;
  #isOver = false;

  constructor(
    socket: WebSocketLike,
    url: string,
    welcome: Welcome,
    clock: ClientClock,
    rules: LinkRules,
    handlers: LinkHandlers,
  ) {
    this.#socket = socket;
    this.url = url;
    this.welcome = welcome;
    this.#clock = clock;
    // The edge cuts whoever is silent for longer than it said.
    this.#times = { ...rules, pingIntervalMs: Math.min(rules.pingIntervalMs, welcome.pingMs * 0.8) };
    this.#handlers = handlers;
    this.openedAtMs = clock.monotonicMs();
    this.#lastHeardMs = this.openedAtMs;
    this.#pacer = new Pacer(rules, this.openedAtMs);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Requests without an answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get isCongested(): boolean {
    return this.#pacer.waiting > 0 || this.#socket.bufferedAmount > CONGESTED_BYTES;
  }

  /** Begins to ping. */
  start(): void {
    this.#tick();
  }

  /** Sends a frame that has no answer, at once or when the rate allows; false when it will not be sent. */
  send(frame: ClientFrame): boolean {
    if (this.#isOver || this.#socket.readyState !== OPEN) return false;
    const text = encodeClientFrame(frame);
    if (frame.t === 'ping' || frame.t === 'auth') {
      // Without these the connection ends, so they wait for nothing.
      this.#pacer.spend();
      this.#socket.send(text);
      return true;
    }
    if (!this.#pacer.push(text)) return false;
    this.#write();
    return true;
  }

  #write(): void {
    this.#cancelWrite();
    if (this.#isOver || this.#socket.readyState !== OPEN) return;
    for (const text of this.#pacer.take(this.#clock.monotonicMs())) this.#socket.send(text);
    if (this.#pacer.waiting > 0)
      this.#cancelWrite = this.#clock.after(this.#pacer.delayMs, () => this.#write());
  }
  #cancelWrite: () => void = () => undefined;

  /** Sends a request; exactly one of the handlers runs, once. False (and none runs) when it could not be sent. */
  request(body: RequestBody, timeoutMs: number, handlers: AnswerHandlers): boolean {
    const id = this.#takeId();
    if (!this.send({ ...body, id } as ClientFrame)) return false;
    const cancelTimer = this.#clock.after(timeoutMs, () => {
      if (this.#waiting.delete(id)) handlers.onFail(new TimeoutError(body.t, timeoutMs));
    });
    this.#waiting.set(id, { ...handlers, cancelTimer });
    return true;
  }

  /** A text or binary message of the socket. */
  receive(data: unknown): void {
    if (this.#isOver) return;
    this.#lastHeardMs = this.#clock.monotonicMs();
    if (typeof data === 'string') this.#receiveText(data);
    else if (data instanceof ArrayBuffer) this.#receiveBinary(new Uint8Array(data));
    else if (data instanceof Uint8Array) this.#receiveBinary(data);
  }

  /** Says goodbye. */
  close(code: number = CLOSE.normal.code): void {
    if (this.#isOver) return;
    this.#socket.close(code);
    this.end({ code, reason: 'closed by the client' });
  }

  /** The socket is gone, or is treated as if it were. */
  end(end: LinkEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelPing();
    this.#cancelWrite();
    for (const [id, waiting] of this.#waiting) {
      this.#waiting.delete(id);
      waiting.cancelTimer();
      waiting.onFail(new ConnectionLostError());
    }
    this.#handlers.onEnd(this, end);
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId = id >= 0xffff_ffff ? 1 : id + 1;
    return id;
  }

  #receiveText(text: string): void {
    const decoded = decodeServerFrame(text);
    if (decoded.ok) this.#dispatch(decoded.value);
    // A frame of a type that is not known comes from a newer server: it is skipped without a word.
    else if (decoded.error.path !== 't') this.#handlers.onNonsense(decoded.error);
  }

  #receiveBinary(bytes: Uint8Array): void {
    const decoded = decodeGameFrame(bytes);
    if (decoded.ok) this.#handlers.onGameFrame(this, decoded.value);
    else this.#handlers.onNonsense(decoded.error);
  }

  #dispatch(frame: ServerFrame): void {
    const id = 'id' in frame ? frame.id : undefined;
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) {
      // A late answer to a request that was given up means nothing to anybody, but for an error.
      if (id === undefined || frame.t === 'error') this.#handlers.onFrame(this, frame);
      return;
    }
    this.#waiting.delete(id);
    waiting.cancelTimer();
    if (frame.t === 'error') waiting.onFail(new ServerError(frame.code, frame.message, frame.retryAfterMs));
    else waiting.onAnswer(frame);
  }

  /** Pings when it is time, and gives up when the last ping and everything after it stayed without any sign of life. */
  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    const { pingIntervalMs, pongTimeoutMs } = this.#times;
    const isSilent = this.#lastHeardMs < this.#pingedAtMs;
    if (isSilent && nowMs - this.#pingedAtMs >= pongTimeoutMs) {
      this.#giveUp();
      return;
    }
    if (!isSilent && nowMs - this.#pingedAtMs >= pingIntervalMs) this.#ping(nowMs);
    const due = [pingIntervalMs, pongTimeoutMs].map((delay) => this.#pingedAtMs + delay - nowMs);
    this.#cancelPing = this.#clock.after(Math.min(...due.filter((ms) => ms > 0), pingIntervalMs), () =>
      this.#tick(),
    );
  }

  #ping(nowMs: number): void {
    this.#pingedAtMs = nowMs;
    this.request({ t: 'ping' }, this.#times.pongTimeoutMs * 2, {
      onAnswer: (frame) => this.#ponged(frame, nowMs),
      onFail: () => undefined,
    });
  }

  #ponged(frame: ServerFrame, sentAtMs: number): void {
    if (frame.t === 'pong') this.#handlers.onPong(this, frame.time, this.#clock.monotonicMs() - sentAtMs);
  }

  /** The peer is silent: its socket would take minutes to notice. */
  #giveUp(): void {
    const socket = this.#socket as { terminate?: () => void };
    if (typeof socket.terminate === 'function') socket.terminate();
    else this.#socket.close();
    this.end({ code: ABNORMAL, reason: 'the edge is silent', isSilent: true });
  }
}
