import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { BusError } from './errors.ts';

interface Pending {
  readonly subject: string;
  readonly resolve: (msg: Msg) => void;
  readonly reject: (error: BusError) => void;
  readonly timer: NodeJS.Timeout;
}

export interface MuxRequest {
  timeoutMs: number;
  headers?: MsgHdrs | undefined;
}

/**
 * Requests of one connection over one inbox subscription. Unlike the client library's own it fails what
 * is pending as soon as the connection is lost (the answer would go to nobody), and it is bounded.
 */
export class RequestMux {
  readonly #nc: NatsConnection;
  readonly #isConnected: () => boolean;
  readonly #maxPending: number;
  readonly #inbox: string;
  readonly #pending = new Map<string, Pending>();
  #counter = 0;

  constructor(nc: NatsConnection, isConnected: () => boolean, maxPending: number, inboxPrefix?: string) {
    this.#inbox = createInbox(inboxPrefix);
    this.#nc = nc;
    this.#isConnected = isConnected;
    this.#maxPending = maxPending;
    nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => this.#onReply(error, msg),
    });
  }

  /** @throws BusError `unavailable`, `no_responders` or `invalid` */
  request(subject: string, data: Uint8Array | string, { timeoutMs, headers }: MuxRequest): Promise<Msg> {
    if (!this.#isConnected())
      return Promise.reject(new BusError('unavailable', subject, 'not connected to NATS'));
    if (this.#pending.size >= this.#maxPending) {
      return Promise.reject(
        new BusError('unavailable', subject, `${this.#maxPending} requests are waiting already`),
      );
    }
    this.#counter += 1;
    const token = this.#counter.toString(36);
    const { promise, resolve, reject } = Promise.withResolvers<Msg>();
    const timer = setTimeout(
      () => this.#fail(token, 'unavailable', `no answer within ${timeoutMs} ms`),
      timeoutMs,
    );
    this.#pending.set(token, { subject, resolve, reject, timer });
    this.#send(token, subject, data, headers);
    return promise;
  }

  #send(token: string, subject: string, data: Uint8Array | string, headers: MsgHdrs | undefined): void {
    try {
      const reply = `${this.#inbox}.${token}`;
      this.#nc.publish(subject, data, headers === undefined ? { reply } : { reply, headers });
    } catch (cause) {
      const closed = this.#nc.isClosed() || this.#nc.isDraining();
      this.#fail(
        token,
        closed ? 'unavailable' : 'invalid',
        closed ? 'the NATS connection is closing' : 'cannot be sent',
        cause,
      );
    }
  }

  #onReply(error: Error | null, msg: Msg): void {
    if (error !== null) return;
    const token = msg.subject.slice(this.#inbox.length + 1);
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    if (msg.data.length === 0 && msg.headers?.code === 503) {
      this.#fail(token, 'no_responders', 'nobody answers on this subject');
      return;
    }
    this.#pending.delete(token);
    clearTimeout(pending.timer);
    pending.resolve(msg);
  }

  #fail(
    token: string,
    code: 'unavailable' | 'no_responders' | 'invalid',
    message: string,
    cause?: unknown,
  ): void {
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    this.#pending.delete(token);
    clearTimeout(pending.timer);
    pending.reject(new BusError(code, pending.subject, message, { cause }));
  }

  /** Fails what waits for an answer from a subject that we may not publish on. */
  failSubject(subject: string, message: string): void {
    for (const [token, pending] of this.#pending) {
      if (pending.subject === subject) this.#fail(token, 'unavailable', message);
    }
  }

  /** Fails everything that waits: the connection is gone. */
  failAll(message: string): void {
    for (const token of [...this.#pending.keys()]) this.#fail(token, 'unavailable', message);
  }
}
