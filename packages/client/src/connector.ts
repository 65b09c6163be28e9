/** Tries edges until a socket stands: order, delays, Retry-After, tokens that are refused. One run at a time. */

import { closeAction } from '@breakwater/protocol';
import { Backoff } from './domain/backoff.ts';
import { EdgeList } from './domain/edge-list.ts';
import type { TokenKeeper } from './domain/token-keeper.ts';
import { BreakwaterError, ConnectionRefusedError, ServerError } from './errors.ts';
import type { Link, LinkEnd, LinkHandlers } from './net/link.ts';
import { openLink } from './net/open-link.ts';
import { type Settings, sleep } from './runtime.ts';

export interface ConnectorEvents {
  opened(link: Link): void;
  /** For good: not allowed, or out of attempts. */
  gaveUp(error: BreakwaterError): void;
  /** One attempt; the next follows. */
  failed(error: BreakwaterError): void;
}

/** A socket that lived so long is proof that things work: delays begin anew. */
const STABLE_MS = 5_000;
/** A token that was just fetched and is refused is tried so often. */
const MAX_TOKEN_REFUSALS = 2;

export class Connector {
  readonly #settings: Settings;
  readonly #tokens: TokenKeeper;
  readonly #handlers: LinkHandlers;
  readonly #edges: EdgeList;
  readonly #backoff: Backoff;
  readonly #abort = new AbortController();
  #wake: () => void = () => undefined;
  #isRunning = false;
  #tokenRefusals = 0;

  constructor(settings: Settings, tokens: TokenKeeper, handlers: LinkHandlers) {
    const { firstDelayMs, maxDelayMs } = settings.reconnect;
    this.#settings = settings;
    this.#tokens = tokens;
    this.#handlers = handlers;
    this.#edges = new EdgeList(settings.urls, settings.random);
    // Each edge is tried before the delays grow: that one of them is away says nothing about the others.
    this.#backoff = new Backoff(firstDelayMs, maxDelayMs, settings.random, this.#edges.size);
  }

  /** Nothing happens if a run is under way: its outcome serves as well. */
  connect(how: { freeAttempts: number; avoid?: string }, events: ConnectorEvents): void {
    if (this.#isRunning || this.#abort.signal.aborted) return;
    this.#isRunning = true;
    void this.#run(how, events);
  }

  /** Ends the delay before the next attempt. */
  hurry(): void {
    this.#wake();
  }

  stop(): void {
    this.#abort.abort(new ConnectionRefusedError('the client was closed'));
    this.#wake();
  }

  /** A socket ended: was the edge to be trusted? */
  lived(link: Link, { code, isSilent = false }: LinkEnd): void {
    if (this.#settings.clock.monotonicMs() - link.openedAtMs >= STABLE_MS) this.#backoff.reset();
    // 1012 and 1001 say that the edge goes away, and a silent one would take all the time of an attempt; after a plain
    // cut the same edge is as good as any.
    if (isSilent || (closeAction(code) === 'reconnect' && code !== 1006)) this.#edges.failed(link.url);
  }

  async #run(how: { freeAttempts: number; avoid?: string }, events: ConnectorEvents): Promise<void> {
    for (let attempt = 1; !this.#abort.signal.aborted; attempt++) {
      const edge = this.#edges.next(this.#settings.clock.monotonicMs(), how.avoid);
      const delayMs = attempt <= how.freeAttempts ? 0 : this.#backoff.nextMs();
      await this.#pause(Math.max(delayMs, edge.waitMs));
      if (this.#abort.signal.aborted) break;
      const outcome = await this.#try(edge.url);
      if (!(outcome instanceof BreakwaterError)) {
        this.#isRunning = false;
        return events.opened(outcome);
      }
      if (this.#abort.signal.aborted) break;
      if (this.#isFinal(outcome, attempt)) {
        this.#isRunning = false;
        return events.gaveUp(outcome);
      }
      events.failed(outcome);
    }
    this.#isRunning = false;
  }

  async #try(url: string): Promise<Link | BreakwaterError> {
    try {
      const token = () => this.#tokens.get();
      const link = await openLink(this.#settings, url, token, this.#handlers, this.#abort.signal);
      this.#edges.succeeded(url);
      this.#tokenRefusals = 0;
      return link;
    } catch (cause) {
      const error =
        cause instanceof BreakwaterError ? cause : new ConnectionRefusedError(undefined, { cause });
      const retryAfterMs = error instanceof ServerError ? (error.retryAfterMs ?? 0) : 0;
      this.#edges.failed(url, this.#settings.clock.monotonicMs() + retryAfterMs);
      return error;
    }
  }

  #isFinal(error: BreakwaterError, attempt: number): boolean {
    if (attempt >= this.#settings.reconnect.maxAttempts) return true;
    if (error.code === 'unauthorized' || error.code === 'token_expired') {
      this.#tokens.invalidate();
      return !this.#tokens.isRenewable || ++this.#tokenRefusals > MAX_TOKEN_REFUSALS;
    }
    // The ticket was used or came too late; the token is good, and the next attempt fetches another ticket.
    return !error.retryable && error.code !== 'ticket_refused';
  }

  #pause(delayMs: number): Promise<void> {
    if (delayMs <= 0) return Promise.resolve();
    return sleep(this.#settings.clock, delayMs, (wake) => {
      this.#wake = wake;
    });
  }
}
