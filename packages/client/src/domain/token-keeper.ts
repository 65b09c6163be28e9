import { TokenError } from '../errors.ts';
import type { TokenSource } from '../options.ts';

/** The token in use. A callback is asked again after `renew`; a plain string cannot be. */
export class TokenKeeper {
  readonly #source: TokenSource;
  #token: string | undefined;
  #fetching: Promise<string> | undefined;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  get isRenewable(): boolean {
    return typeof this.#source === 'function';
  }

  /** The token in use, fetched when there is none. Rejects with `TokenError`. */
  get(): Promise<string> {
    return this.#token === undefined ? this.renew() : Promise.resolve(this.#token);
  }

  /** Asks the callback; calls while it runs share its answer. */
  renew(): Promise<string> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  /** The server does not take it any more. */
  invalidate(): void {
    if (this.isRenewable) this.#token = undefined;
  }

  async #fetch(): Promise<string> {
    let token: unknown;
    try {
      token = typeof this.#source === 'function' ? await this.#source() : this.#source;
    } catch (cause) {
      throw new TokenError({ cause });
    }
    if (typeof token !== 'string' || token === '') throw new TokenError();
    this.#token = token;
    return token;
  }
}
