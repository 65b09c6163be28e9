import { Backoff } from './domain/backoff.ts';
import { type BreakwaterError, ServerError } from './errors.ts';
import type { Link, RequestBody } from './net/link.ts';
import type { Session } from './session.ts';

/** Clients that all lose the same at once are spread over this time, ms: too short to be noticed. */
const SOON_MS = 50;

/**
 * Joins again after a delay that grows, on the newest socket there is by then, whichever the last join was on: a socket
 * that is being left takes no plan with it. At most one attempt is planned.
 */
export class Rejoiner {
  readonly #session: Session;
  readonly #attach: (link: Link) => Promise<void>;
  readonly #backoff: Backoff;
  #cancel: () => void = () => undefined;
  #isOver = false;
  #isSoon = false;

  /** @param maxDelayMs not above that of the settings, ms */
  constructor(
    session: Session,
    attach: (link: Link) => Promise<void>,
    maxDelayMs: number = Number.POSITIVE_INFINITY,
  ) {
    const { reconnect, random } = session.settings;
    this.#session = session;
    this.#attach = attach;
    this.#backoff = new Backoff(reconnect.firstDelayMs, Math.min(maxDelayMs, reconnect.maxDelayMs), random);
  }

  /** Things work: delays begin anew. */
  reset(): void {
    this.#backoff.reset();
  }

  /** Plans an attempt; not before what `error` asks for. */
  later(error?: BreakwaterError): void {
    const atLeastMs = error instanceof ServerError ? (error.retryAfterMs ?? 0) : 0;
    this.after(Math.max(atLeastMs, this.#backoff.nextMs()));
  }

  /** Plans an attempt, if it has not done so already: the first one since things worked almost at once. */
  soon(): void {
    if (this.#isSoon) return;
    const isFirst = this.#backoff.failures === 0;
    const delayMs = this.#backoff.nextMs();
    this.after(isFirst ? this.#session.settings.random() * SOON_MS : delayMs);
    this.#isSoon = true;
  }

  after(delayMs: number): void {
    this.cancel();
    if (this.#isOver) return;
    this.#cancel = this.#session.settings.clock.after(delayMs, () => this.now());
  }

  /** Without a socket there is nothing to do: the next one attaches everything. */
  now(): void {
    const { link } = this.#session;
    if (link !== undefined) void this.#attach(link);
  }

  cancel(): void {
    this.#isSoon = false;
    this.#cancel();
  }

  /** No attempt any more. */
  end(): void {
    this.#isOver = true;
    this.cancel();
  }
}

/** Sends a request whose outcome changes nothing for the caller; resolves when there is one. */
export function tell({ settings }: Session, link: Link, body: RequestBody): Promise<void> {
  return new Promise((resolve) => {
    const settle = { onAnswer: () => resolve(), onFail: () => resolve() };
    if (!link.request(body, settings.times.requestTimeoutMs, settle)) resolve();
  });
}
