/** Sends a room's own messages: one at a time, again where that is safe, until each is stored or refused. */

import type { ServerFrame } from '@breakwater/protocol';
import type { OutgoingMessage, RoomEvents } from './api.ts';
import { Backoff } from './domain/backoff.ts';
import { MessageIds } from './domain/message-ids.ts';
import { Outbox, type OutboxEntry } from './domain/outbox.ts';
import type { Emitter } from './emitter.ts';
import { BadArgumentError, type BreakwaterError, LeftError, ServerError, TimeoutError } from './errors.ts';
import { checkedFrameBytes } from './frame-check.ts';
import type { Link } from './net/link.ts';
import type { Session } from './session.ts';

interface Delivery {
  readonly stored: PromiseWithResolvers<{ readonly seq: number }>;
  readonly release: () => void;
}
type Entry = OutboxEntry<Delivery>;

/** Answers that say "not joined" in a row before a message is given up. */
const MAX_NOT_JOINED = 5;
/** Stored messages that wait to be shown; the feed is rarely so far behind. */
const MAX_CONFIRMED = 100;

export interface SenderHooks {
  /** Asks the room to join again. */
  rejoin(): void;
  /** Sequence up to which the room is shown. */
  shownSeq(): number;
}

export class RoomSender {
  readonly #session: Session;
  readonly #room: string;
  readonly #emitter: Emitter<RoomEvents>;
  readonly #outbox: Outbox<Delivery>;
  readonly #backoff: Backoff;
  readonly #hooks: SenderHooks;
  /** Stored, and not shown yet: without them a message would vanish between its answer and the feed. */
  #confirmed: { readonly view: OutgoingMessage; readonly seq: number }[] = [];
  #link: Link | undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(session: Session, room: string, emitter: Emitter<RoomEvents>, hooks: SenderHooks) {
    this.#session = session;
    this.#room = room;
    this.#emitter = emitter;
    this.#hooks = hooks;
    const { settings } = session;
    this.#backoff = new Backoff(
      settings.reconnect.firstDelayMs,
      settings.reconnect.maxDelayMs,
      settings.random,
    );
    this.#outbox = new Outbox({
      maxFailed: settings.limits.maxFailedMessages,
      sendTimeoutMs: settings.times.sendTimeoutMs,
      newId: () => session.messageIds.next(session.serverMs()),
      serverMs: () => session.serverMs(),
    });
  }

  get outgoing(): readonly OutgoingMessage[] {
    const confirmed = this.#confirmed.map(({ view }) => view);
    return [...confirmed, ...this.#outbox.entries.map((entry) => this.#viewOf(entry))];
  }

  send(text: string): Promise<{ readonly seq: number }> {
    const delivery = this.#deliver(text);
    this.#outbox.add(text, delivery, this.#nowMs());
    this.#changed();
    this.#flush();
    return delivery.stored.promise;
  }

  /** The room is joined on `link`: what waits goes out there. */
  live(link: Link): void {
    this.#link = link;
    this.#flush();
  }

  detached(link: Link): void {
    if (link === this.#link) this.#link = undefined;
  }

  /** The feed brought an own message: that is as good as an answer. */
  seen(msg: string, seq: number): void {
    this.#stored(msg, seq);
    this.shown(seq);
  }

  /** Everything up to `seq` is on the room's own list, or past it. */
  shown(seq: number): void {
    const rest = this.#confirmed.filter((confirmed) => confirmed.seq > seq);
    if (rest.length === this.#confirmed.length) return;
    this.#confirmed = rest;
    this.#changed();
  }

  /** Nothing more will be sent. */
  end(error: BreakwaterError): void {
    this.#cancelTimer();
    this.#link = undefined;
    for (const entry of this.#outbox.entries) this.#settle(entry, error);
  }

  #deliver(text: string): Delivery {
    const bytes = checkedFrameBytes(
      { t: 'room.send', room: this.#room, msg: 'aaaa-00000000-0', text },
      this.#session.maxFrameBytes,
    );
    const delivery = {
      stored: Promise.withResolvers<{ readonly seq: number }>(),
      release: this.#session.budget.take(bytes),
    };
    return delivery;
  }

  #flush(): void {
    const nowMs = this.#nowMs();
    for (const entry of this.#outbox.overdue(nowMs)) {
      this.#fail(entry.msg, new TimeoutError('room.send', this.#session.settings.times.sendTimeoutMs));
    }
    const link = this.#link;
    const next = link === undefined || link.isOver ? undefined : this.#outbox.take(nowMs);
    if (link !== undefined && next !== undefined) this.#transmit(link, next.entry, next.isResend, nowMs);
    // By the same time as the taking: what was due a moment after that would be planned by nobody.
    this.#plan(nowMs);
  }

  #transmit(link: Link, entry: Entry, isResend: boolean, nowMs: number): void {
    const { msg, text } = entry;
    const body = { t: 'room.send', room: this.#room, msg, text, ...(isResend && { resend: true }) } as const;
    const isSent = link.request(body, this.#session.settings.times.requestTimeoutMs, {
      onAnswer: (frame) => this.#answered(msg, frame),
      onFail: (error) => this.#refused(msg, error),
    });
    if (!isSent) this.#outbox.postpone(msg, nowMs, 0);
  }

  #answered(msg: string, frame: ServerFrame): void {
    if (frame.t === 'room.sent') this.#confirm(msg, frame.seq);
    this.#flush();
  }

  #refused(msg: string, error: BreakwaterError): void {
    const refusals = this.#outbox.entries.find((entry) => entry.msg === msg)?.refusals ?? 0;
    if (error.code === 'connection_lost' || error.code === 'timeout')
      this.#outbox.postpone(msg, this.#nowMs(), 0);
    else if (error.code === 'not_joined' && refusals < MAX_NOT_JOINED) {
      this.#outbox.postpone(msg, this.#nowMs(), this.#backoff.nextMs());
      this.#hooks.rejoin();
    } else if (error.retryable) this.#outbox.postpone(msg, this.#nowMs(), this.#delayMs(error));
    else this.#fail(msg, error);
    this.#flush();
  }

  #delayMs(error: BreakwaterError): number {
    return Math.max(this.#backoff.nextMs(), error instanceof ServerError ? (error.retryAfterMs ?? 0) : 0);
  }

  /** The answer came before the feed did. */
  #confirm(msg: string, seq: number): void {
    const entry = this.#outbox.entries.find((candidate) => candidate.msg === msg);
    if (entry !== undefined && seq > this.#hooks.shownSeq()) {
      const view = { ...this.#viewOf(entry), state: 'sent' as const };
      this.#confirmed = [...this.#confirmed, { view, seq }].slice(-MAX_CONFIRMED);
    }
    this.#stored(msg, seq);
  }

  #stored(msg: string, seq: number): void {
    const entry = this.#outbox.stored(msg);
    if (entry === undefined) return;
    this.#backoff.reset();
    entry.payload.release();
    entry.payload.stored.resolve({ seq });
    this.#emitter.emit('sent', { message: this.#viewOf(entry), seq });
    this.#changed();
  }

  #fail(msg: string, error: BreakwaterError): void {
    const { entry } = this.#outbox.fail(msg, error);
    if (entry === undefined) return;
    this.#settle(entry, error);
    this.#emitter.emit('failed', { message: this.#viewOf(entry), error });
    this.#changed();
  }

  #settle(entry: Entry, error: BreakwaterError): void {
    entry.payload.release();
    entry.payload.stored.reject(error);
  }

  #retry(key: string, text: string): Promise<{ readonly seq: number }> {
    const failed = this.#outbox.entries.find((entry) => entry.key === key && entry.state === 'failed');
    if (failed === undefined) return Promise.reject(new BadArgumentError('this message has not failed'));
    if (this.#session.isClosed) return Promise.reject(this.#session.error ?? new LeftError(this.#room));
    const delivery = this.#deliver(text);
    this.#outbox.retry(key, delivery, this.#nowMs());
    this.#changed();
    this.#flush();
    return delivery.stored.promise;
  }

  #viewOf(entry: Entry): OutgoingMessage {
    const { key, msg, text, error } = entry;
    return {
      key,
      msg,
      text,
      time: MessageIds.timeOf(msg),
      state: entry.state === 'failed' ? 'failed' : 'pending',
      error,
      retry: async () => this.#retry(key, text),
      discard: () => {
        if (this.#outbox.discard(key) !== undefined) this.#changed();
      },
    };
  }

  #changed(): void {
    this.#emitter.emit('outgoing', this.outgoing);
  }

  #plan(nowMs: number): void {
    this.#cancelTimer();
    const dueMs = this.#outbox.nextDueMs(nowMs);
    if (dueMs === undefined) return;
    this.#cancelTimer = this.#session.settings.clock.after(dueMs - nowMs, () => this.#flush());
  }

  #nowMs(): number {
    return this.#session.settings.clock.monotonicMs();
  }
}
