import { Backoff } from './domain/backoff.ts';
import { type BreakwaterError, ServerError } from './errors.ts';
import type { Link, RequestBody } from './net/link.ts';
import type { Settings } from './runtime.ts';

/** Clients that all lose the same at once are spread over this time, ms: too short to be noticed. */
const SOON_MS = 50;

/** Joins again on a socket after a delay that grows, as long as the socket lives. At most one attempt is planned. */
export class Rejoiner {
  readonly #settings: Settings;
  readonly #backoff: Backoff;
  #cancel: () => void = () => undefined;
  #isOver = false;
  #isSoon = false;

  constructor(settings: Settings, maxDelayMs: number = settings.reconnect.maxDelayMs) {
    const { firstDelayMs } = settings.reconnect;
    this.#settings = settings;
    this.#backoff = new Backoff(
      firstDelayMs,
      Math.min(maxDelayMs, settings.reconnect.maxDelayMs),
      settings.random,
    );
  }

  /** Things work: delays begin anew. */
  reset(): void {
    this.#backoff.reset();
  }

  /** Plans an attempt; not before what `error` asks for. */
  later(link: Link, attach: (link: Link) => Promise<void>, error?: BreakwaterError): void {
    const atLeastMs = error instanceof ServerError ? (error.retryAfterMs ?? 0) : 0;
    this.after(link, attach, Math.max(atLeastMs, this.#backoff.nextMs()));
  }

  /** Plans an attempt, if it has not done so already: the first one since things worked almost at once. */
  soon(link: Link, attach: (link: Link) => Promise<void>): void {
    if (this.#isSoon) return;
    const isFirst = this.#backoff.failures === 0;
    const delayMs = this.#backoff.nextMs();
    this.after(link, attach, isFirst ? this.#settings.random() * SOON_MS : delayMs);
    this.#isSoon = true;
  }

  after(link: Link, attach: (link: Link) => Promise<void>, delayMs: number): void {
    this.cancel();
    if (link.isOver || this.#isOver) return;
    this.#cancel = this.#settings.clock.after(delayMs, () => void attach(link));
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
export function tell(link: Link, body: RequestBody, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const settle = { onAnswer: () => resolve(), onFail: () => resolve() };
    if (!link.request(body, timeoutMs, settle)) resolve();
  });
}
