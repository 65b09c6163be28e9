/** Puts a new token on the open socket before the old one ends. */

import { Backoff } from './domain/backoff.ts';
import type { ServerClock } from './domain/server-clock.ts';
import { refreshDelayMs, tokenExpiryMs } from './domain/token.ts';
import type { TokenKeeper } from './domain/token-keeper.ts';
import type { Link } from './net/link.ts';
import type { Settings } from './runtime.ts';

export class TokenRefresher {
  readonly #settings: Settings;
  readonly #tokens: TokenKeeper;
  readonly #clock: ServerClock;
  readonly #report: (error: unknown) => void;
  readonly #backoff: Backoff;
  #cancel: () => void = () => undefined;
  #link: Link | undefined;

  constructor(settings: Settings, tokens: TokenKeeper, clock: ServerClock, report: (error: unknown) => void) {
    this.#settings = settings;
    this.#tokens = tokens;
    this.#clock = clock;
    this.#report = report;
    this.#backoff = new Backoff(2_000, 15_000, settings.random);
  }

  /** A plain string is never refreshed: the edge closes when it ends. */
  start(link: Link): void {
    this.stop();
    if (!this.#tokens.isRenewable) return;
    this.#link = link;
    this.#plan(link.welcome.tokenExpiresAt);
  }

  stop(): void {
    this.#cancel();
    this.#link = undefined;
  }

  #plan(expiresAtMs: number): void {
    const serverMs = this.#clock.serverMs(this.#settings.clock.unixMs());
    this.#backoff.reset();
    this.#after(refreshDelayMs(expiresAtMs, serverMs, this.#settings.times.tokenRefreshBeforeMs));
  }

  #after(delayMs: number): void {
    this.#cancel = this.#settings.clock.after(delayMs, () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    const link = this.#link;
    try {
      const token = await this.#tokens.renew();
      if (link === undefined || link !== this.#link) return;
      link.request({ t: 'auth', token }, this.#settings.times.requestTimeoutMs, {
        onAnswer: () => this.#renewed(link, token),
        onFail: (error) => this.#failed(link, error),
      });
    } catch (error) {
      if (link !== undefined) this.#failed(link, error);
    }
  }

  #renewed(link: Link, token: string): void {
    const expiresAtMs = tokenExpiryMs(token);
    // A token that tells nothing about its end is renewed by reconnecting when the edge says so (4401).
    if (link === this.#link && expiresAtMs !== undefined) this.#plan(expiresAtMs);
  }

  /** There is still time: the old token holds until its end. */
  #failed(link: Link, error: unknown): void {
    if (link !== this.#link || link.isOver) return;
    this.#report(error);
    this.#after(1_000 + this.#backoff.nextMs());
  }
}
