/** Requests of the caller that are not tied to one socket: queued while offline, bounded, repeated where that is safe. */

import type { ServerFrame, ServerFrameOf } from '@breakwater/protocol';
import type { Budget } from './domain/budget.ts';
import { type BreakwaterError, ServerError, TimeoutError } from './errors.ts';
import { checkedFrameBytes } from './frame-check.ts';
import type { Link, RequestBody } from './net/link.ts';
import type { Settings } from './runtime.ts';

interface Queued {
  readonly body: RequestBody;
  /** The answer is the same however often it is asked. */
  readonly isSafe: boolean;
  readonly deadlineMs: number;
  /** The socket that it left on. */
  sentOn: Link | undefined;
  finish(outcome: ServerFrame | BreakwaterError): void;
}

export class RequestQueue {
  readonly #settings: Settings;
  readonly #budget: Budget;
  readonly #maxFrameBytes: () => number;
  readonly #waiting = new Set<Queued>();
  #link: Link | undefined;
  #closedBy: BreakwaterError | undefined;

  constructor(settings: Settings, budget: Budget, maxFrameBytes: () => number) {
    this.#settings = settings;
    this.#budget = budget;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Resolves with the answer. `isSafe`: asked again when the socket falls before the answer; otherwise it then
   * rejects with `ConnectionLostError`. Rejects with `ServerError`, `TimeoutError`, `QueueFullError` too.
   */
  async ask<T extends ServerFrame['t']>(
    body: RequestBody,
    expected: T,
    isSafe: boolean,
  ): Promise<ServerFrameOf<T>> {
    const answer = await this.#ask(body, isSafe);
    if (answer.t !== expected)
      throw new ServerError('internal', `the answer to ${body.t} is not ${expected}`);
    return answer as ServerFrameOf<T>;
  }

  #ask(body: RequestBody, isSafe: boolean): Promise<ServerFrame> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    const { requestTimeoutMs } = this.#settings.times;
    return new Promise((resolve, reject) => {
      const release = this.#budget.take(checkedFrameBytes(body, this.#maxFrameBytes()));
      const cancel = this.#settings.clock.after(requestTimeoutMs, () =>
        queued.finish(new TimeoutError(body.t, requestTimeoutMs)),
      );
      const queued: Queued = {
        body,
        isSafe,
        deadlineMs: this.#settings.clock.monotonicMs() + requestTimeoutMs,
        sentOn: undefined,
        finish: (outcome) => {
          this.#waiting.delete(queued);
          cancel();
          release();
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      };
      this.#waiting.add(queued);
      if (this.#link !== undefined && !this.#link.isOver) this.#send(queued, this.#link);
    });
  }

  /** A socket stands: what waits goes out in order. */
  resume(link: Link): void {
    this.#link = link;
    for (const queued of [...this.#waiting]) {
      // What is on its way on an older socket that still lives will be answered there.
      if (queued.sentOn === undefined || queued.sentOn.isOver) this.#send(queued, link);
    }
  }

  close(error: BreakwaterError): void {
    this.#closedBy = error;
    for (const queued of [...this.#waiting]) queued.finish(error);
  }

  #send(queued: Queued, link: Link): void {
    const leftMs = Math.max(1, queued.deadlineMs - this.#settings.clock.monotonicMs());
    const isSent = link.request(queued.body, leftMs, {
      onAnswer: (frame) => queued.finish(frame),
      onFail: (error) => this.#failed(queued, link, error),
    });
    queued.sentOn = isSent ? link : undefined;
  }

  #failed(queued: Queued, link: Link, error: BreakwaterError): void {
    if (!this.#waiting.has(queued)) return;
    if (error.code !== 'connection_lost' || !queued.isSafe) {
      queued.finish(error);
      return;
    }
    queued.sentOn = undefined;
    // A newer socket may stand already, when the client moved.
    const current = this.#link;
    if (current !== undefined && current !== link && !current.isOver) this.#send(queued, current);
  }
}
