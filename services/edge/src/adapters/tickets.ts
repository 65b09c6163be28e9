import { randomBytes } from 'node:crypto';
import { BUCKETS } from '@breakwater/bus';
import { int, loose, ProtocolError } from '@breakwater/protocol';
import type { Bucket } from '@breakwater/service-kit';
import { decodeJwt, type JWTPayload } from 'jose';
import type { EdgeDeps } from './deps.ts';
import { type Claims, claimsOf, type Tokens } from './tokens.ts';

const AUDIENCE = 'breakwater-ticket';
const usedTicket = loose({ at: int(0) });

export interface Ticket {
  readonly ticket: string;
  /** Unix ms. */
  readonly expiresAt: number;
}

/**
 * Short-lived, single-use stand-ins for a token, for browsers: they may be part of the URL. Any edge redeems one, by
 * creating its key in a bucket that all edges share; of two attempts one is refused.
 */
export class Tickets {
  readonly #deps: EdgeDeps;
  readonly #tokens: Tokens;
  #bucket: Bucket<{ at: number }> | undefined;

  constructor(deps: EdgeDeps, tokens: Tokens) {
    this.#deps = deps;
    this.#tokens = tokens;
  }

  async start(): Promise<void> {
    const { nats, config } = this.#deps;
    const { name, maxAgeMs } = BUCKETS.tickets;
    this.#bucket = await nats.ensureBucket(
      { name, maxAgeMs, replicas: config.replicas },
      { decode: usedTicket },
    );
  }

  async issue({ user, name, expiresAtMs }: Claims): Promise<Ticket> {
    const expiresAt = Math.min(expiresAtMs, this.#deps.clock.unixMs() + this.#deps.config.ticketMs);
    const jti = randomBytes(18).toString('base64url');
    const payload = { sub: user, name, jti, until: expiresAtMs };
    return { ticket: await this.#tokens.sign(AUDIENCE, payload, expiresAt), expiresAt };
  }

  /**
   * @throws ProtocolError `ticket_refused`; `token_in_url` when it is a token; `unavailable` when its single use cannot
   * be checked
   */
  async redeem(ticket: string): Promise<Claims> {
    if (isForSomethingElse(ticket)) throw new ProtocolError('token_in_url');
    const payload = await this.#verify(ticket);
    const { jti, until } = payload;
    if (jti === undefined || !/^[\w-]{24}$/.test(jti) || typeof until !== 'number') {
      throw new ProtocolError('ticket_refused');
    }
    if (until <= this.#deps.clock.unixMs()) throw new ProtocolError('token_expired');
    await this.#use(jti);
    return { ...claimsOf(payload), expiresAtMs: until };
  }

  async #verify(ticket: string): Promise<JWTPayload> {
    try {
      return await this.#tokens.verifyOwn(ticket, AUDIENCE);
    } catch (cause) {
      // Nothing is known of the token that the ticket was made from.
      throw new ProtocolError('ticket_refused', undefined, { cause });
    }
  }

  /** In doubt a ticket counts as not checked: the client fetches another one. */
  async #use(jti: string): Promise<void> {
    const { clock, config } = this.#deps;
    const result = await this.#bucket?.create(
      jti,
      { at: clock.unixMs() },
      { timeoutMs: config.backendTimeoutMs },
    );
    if (result?.kind === 'stored') return;
    throw new ProtocolError(result?.kind === 'refused' ? 'ticket_refused' : 'unavailable');
  }
}

/** A JWT that is no ticket was put into the URL by mistake: its owner has to hear so. */
function isForSomethingElse(ticket: string): boolean {
  try {
    return ![decodeJwt(ticket).aud].flat().includes(AUDIENCE);
  } catch {
    return false;
  }
}
