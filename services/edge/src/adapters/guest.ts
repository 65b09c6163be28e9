import { randomBytes } from 'node:crypto';
import { decode, LIMITS, ProtocolError, strict, string } from '@breakwater/protocol';
import type { EdgeDeps } from './deps.ts';
import { displayName, type Tokens } from './tokens.ts';

const guestRequest = strict({ name: string({ minLength: 1, maxLength: LIMITS.maxNameLength }) });

export interface Guest {
  readonly token: string;
  readonly user: string;
  readonly name: string;
  /** Unix ms. */
  readonly expiresAt: number;
}

/** Issues tokens to whoever asks. For development and demos: elsewhere there is no such endpoint. */
export class GuestIssuer {
  readonly #deps: EdgeDeps;
  readonly #tokens: Tokens;

  constructor(deps: EdgeDeps, tokens: Tokens) {
    this.#deps = deps;
    this.#tokens = tokens;
  }

  get isOn(): boolean {
    const { dev, guestTokens } = this.#deps.config;
    return (dev || guestTokens) && !this.#tokens.hasForeignIssuer;
  }

  /** @throws ProtocolError `bad_request` */
  async issue(body: unknown): Promise<Guest> {
    const request = decode(guestRequest, body);
    if (!request.ok) throw new ProtocolError('bad_request', request.error.sentence);
    const { clock, config } = this.#deps;
    const user = `guest-${randomBytes(9).toString('base64url')}`;
    const name = displayName(request.value.name, user);
    const expiresAt = Math.floor((clock.unixMs() + config.guestTokenMs) / 1_000) * 1_000;
    const token = await this.#tokens.sign(config.jwtAudience, { sub: user, name }, expiresAt);
    return { token, user, name, expiresAt };
  }
}
