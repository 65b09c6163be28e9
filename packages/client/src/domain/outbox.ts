/** Own chat messages of one room on their way: sent in order, kept until the server stored or refused them. */

import { LIMITS, messageIdTimeMs } from '@breakwater/protocol';
import type { BreakwaterError } from '../errors.ts';

export interface OutboxEntry<T> {
  readonly key: string;
  msg: string;
  readonly text: string;
  state: 'waiting' | 'sent' | 'failed';
  /** It left on some socket, so it may be stored: the next time it says `resend`. */
  wasSent: boolean;
  /** Answers in a row that asked to try again. */
  refusals: number;
  /** Monotonic ms. */
  notBeforeMs: number;
  deadlineMs: number;
  error: BreakwaterError | undefined;
  /** What the owner of the outbox hangs on it. */
  payload: T;
}

export interface OutboxRules {
  readonly maxFailed: number;
  readonly sendTimeoutMs: number;
  /** Makes a message id with the server's time of now. */
  readonly newId: () => string;
  /** Server's clock, Unix ms. */
  readonly serverMs: () => number;
}

/** Ids younger than this are sent as they are; an older one that never left is made anew. */
const FRESH_ID_MS = LIMITS.retryHorizonMs / 2;

export class Outbox<T> {
  readonly #rules: OutboxRules;
  #entries: OutboxEntry<T>[] = [];
  #keys = 0;

  constructor(rules: OutboxRules) {
    this.#rules = rules;
  }

  get entries(): readonly OutboxEntry<T>[] {
    return this.#entries;
  }

  add(text: string, payload: T, nowMs: number): OutboxEntry<T> {
    const entry: OutboxEntry<T> = {
      key: String(++this.#keys),
      msg: this.#rules.newId(),
      text,
      state: 'waiting',
      wasSent: false,
      refusals: 0,
      notBeforeMs: 0,
      deadlineMs: nowMs + this.#rules.sendTimeoutMs,
      error: undefined,
      payload,
    };
    this.#entries.push(entry);
    return entry;
  }

  /**
   * The message to send now, marked as sent. One at a time: two on their way at once could be stored in the wrong
   * order. A message that waits for its time holds up those behind it, for the same reason.
   */
  take(nowMs: number): { readonly entry: OutboxEntry<T>; readonly isResend: boolean } | undefined {
    const entry = this.#entries.find((candidate) => candidate.state !== 'failed');
    if (entry === undefined || entry.state === 'sent' || entry.notBeforeMs > nowMs) return undefined;
    const isResend = entry.wasSent;
    if (!isResend && this.#ageMs(entry.msg) > FRESH_ID_MS) entry.msg = this.#rules.newId();
    entry.state = 'sent';
    entry.wasSent = true;
    return { entry, isResend };
  }

  /** The server stored `msg`, said so by an answer or by the feed. */
  stored(msg: string): OutboxEntry<T> | undefined {
    const entry = this.#find(msg);
    if (entry !== undefined) this.#remove(entry);
    return entry;
  }

  /** Not this time: it stays at its place and is tried again after `delayMs`. */
  postpone(msg: string, nowMs: number, delayMs: number): void {
    const entry = this.#find(msg);
    if (entry === undefined || entry.state === 'failed') return;
    entry.state = 'waiting';
    entry.refusals++;
    entry.notBeforeMs = nowMs + delayMs;
  }

  /** For good. Returns what was failed, and the failed ones that were dropped because there are too many. */
  fail(msg: string, error: BreakwaterError): { entry?: OutboxEntry<T>; dropped: OutboxEntry<T>[] } {
    const entry = this.#find(msg);
    if (entry === undefined || entry.state === 'failed') return { dropped: [] };
    entry.state = 'failed';
    entry.error = error;
    const failed = this.#entries.filter((candidate) => candidate.state === 'failed');
    const dropped = failed.slice(0, Math.max(0, failed.length - this.#rules.maxFailed));
    for (const old of dropped) this.#remove(old);
    return { entry, dropped };
  }

  /** Messages whose time is over. */
  overdue(nowMs: number): OutboxEntry<T>[] {
    return this.#entries.filter((entry) => entry.state !== 'failed' && entry.deadlineMs <= nowMs);
  }

  /** The socket fell: what was on its way waits again. */
  connectionLost(): void {
    for (const entry of this.#entries) if (entry.state === 'sent') entry.state = 'waiting';
  }

  /** A failed message goes to the end of the queue; as a new message where the old id can bring nothing any more. */
  retry(key: string, payload: T, nowMs: number): OutboxEntry<T> | undefined {
    const entry = this.#entries.find((candidate) => candidate.key === key && candidate.state === 'failed');
    if (entry === undefined) return undefined;
    const isSpent = entry.error?.code === 'expired' || entry.error?.code === 'id_reused';
    if (isSpent || !entry.wasSent || this.#ageMs(entry.msg) >= LIMITS.retryHorizonMs) {
      entry.msg = this.#rules.newId();
      entry.wasSent = false;
    }
    this.#remove(entry);
    this.#entries.push(entry);
    Object.assign(entry, {
      state: 'waiting',
      error: undefined,
      refusals: 0,
      notBeforeMs: 0,
      deadlineMs: nowMs + this.#rules.sendTimeoutMs,
      payload,
    });
    return entry;
  }

  discard(key: string): OutboxEntry<T> | undefined {
    const entry = this.#entries.find((candidate) => candidate.key === key && candidate.state === 'failed');
    if (entry !== undefined) this.#remove(entry);
    return entry;
  }

  /** When something is due next (a retry or a deadline), monotonic ms. */
  nextDueMs(nowMs: number): number | undefined {
    const open = this.#entries.filter((entry) => entry.state !== 'failed');
    const times = open.map((entry) => entry.deadlineMs);
    const first = open[0];
    if (first?.state === 'waiting' && first.notBeforeMs > nowMs) times.push(first.notBeforeMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #ageMs(msg: string): number {
    return this.#rules.serverMs() - messageIdTimeMs(msg);
  }

  #find(msg: string): OutboxEntry<T> | undefined {
    return this.#entries.find((entry) => entry.msg === msg);
  }

  #remove(entry: OutboxEntry<T>): void {
    this.#entries = this.#entries.filter((other) => other !== entry);
  }
}
