import type { Socket } from 'node:net';
import { type ErrorCode, ProtocolError, SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX } from '@breakwater/protocol';
import type { FastifyRequest } from 'fastify';
import { AdmissionBook, type AdmissionRefusal } from '../domain/admission.ts';
import {
  bearerOf,
  credentialsOf,
  hasTokenInUrl,
  isOriginAllowed,
  splitSubprotocols,
} from '../domain/handshake.ts';
import { type BucketRate, TokenBucket } from '../domain/token-bucket.ts';
import { DEVELOPMENT_ORIGINS } from '../settings/access.ts';
import type { Identity } from './connection.ts';
import type { EdgeDeps } from './deps.ts';
import type { Tickets } from './tickets.ts';
import type { Claims, Tokens } from './tokens.ts';

/** A handshake or HTTP request that is refused, with the reason that the metrics and the log show. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: ErrorCode;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    reason: string,
    options: ErrorOptions & { retryAfterMs?: number; detail?: string } = {},
  ) {
    super(options.detail ?? reason, options);
    this.code = code;
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const REFUSED_BY: Record<AdmissionRefusal, ErrorCode> = {
  process_limit: 'busy',
  user_limit: 'too_many_connections',
  address_limit: 'too_many_connections',
  rate: 'rate_limited',
};

/** Sixteen bytes in base64. */
const WEBSOCKET_KEY = /^[+/0-9A-Za-z]{22}==$/;

const RETRY_MS = { nats: 2_000, draining: 1_000, unavailable: 1_000 } as const;

interface Admitted {
  identity?: Identity;
}

/** Everything that is checked before a connection is upgraded. What it lets in is counted until the socket closes. */
export class Handshake {
  readonly #deps: EdgeDeps;
  readonly #tokens: Tokens;
  readonly #tickets: Tickets;
  readonly #origins: ReadonlySet<string>;
  readonly #httpRate: BucketRate;
  readonly #httpBucket: TokenBucket;
  readonly book: AdmissionBook;
  isDraining = false;

  constructor(deps: EdgeDeps, tokens: Tokens, tickets: Tickets, onUserGone: (user: string) => void) {
    this.#deps = deps;
    this.#tokens = tokens;
    this.#tickets = tickets;
    const { config } = deps;
    this.#origins = new Set([...config.origins, ...(config.dev ? DEVELOPMENT_ORIGINS : [])]);
    this.#httpRate = { perSecond: config.admissionsPerSecond, burst: config.admissionBurst };
    this.#httpBucket = new TokenBucket(this.#httpRate, deps.clock.monotonicMs());
    const limits = {
      maxConnections: config.maxConnections,
      maxPerUser: config.maxConnectionsPerUser,
      maxPerAddress: config.maxConnectionsPerAddress,
      rate: this.#httpRate,
    };
    this.book = new AdmissionBook(limits, deps.clock.monotonicMs(), onUserGone);
  }

  isOriginAllowed(origin: string | undefined): boolean {
    return isOriginAllowed(origin, this.#origins);
  }

  /** For every request, before anything else. @throws Refusal */
  checkRequest(request: FastifyRequest): void {
    const [path = ''] = request.url.split('?', 1);
    if (hasTokenInUrl(path, request.query as Record<string, unknown>)) {
      throw new Refusal('token_in_url', 'token_in_url');
    }
    if (!this.isOriginAllowed(request.headers.origin)) throw new Refusal('origin_refused', 'origin');
  }

  /** Tickets and guest tokens are issued no faster than connections are taken. @throws Refusal */
  throttleHttp(): void {
    const waitMs = this.#httpBucket.take(this.#httpRate, this.#deps.clock.monotonicMs());
    if (waitMs > 0) throw new Refusal('rate_limited', 'rate', { retryAfterMs: waitMs });
  }

  /** The bearer token of an HTTP request. @throws Refusal */
  async authorize(request: FastifyRequest): Promise<Claims> {
    const token = bearerOf(request.headers.authorization);
    if (token === undefined) throw new Refusal('unauthorized', 'no_token');
    return this.#verified(() => this.#tokens.verify(token));
  }

  /** A ticket for a connection that would be refused now helps nobody. @throws Refusal */
  checkAdmissible({ user }: Claims, address: string): void {
    this.#checkAvailable();
    this.#refuseUnless(this.book.check(user, address));
  }

  /** @returns who is let in; the count ends with the TCP socket. @throws Refusal */
  async admit(request: FastifyRequest): Promise<void> {
    this.#checkUpgrade(request);
    this.#checkAvailable();
    this.#refuseUnless(this.book.checkAddress(request.ip));
    const claims = await this.#claims(request);
    // Draining, or NATS going away, may have begun meanwhile.
    this.#checkAvailable();
    const { socket } = request.raw;
    if (socket.destroyed) throw new Refusal('bad_request', 'gone');
    this.#refuseUnless(this.book.admit(claims.user, request.ip, this.#deps.clock.monotonicMs()));
    const identity: Identity = {
      user: claims.user,
      name: claims.name,
      address: request.ip,
      tokenExpiresAtMs: claims.expiresAtMs,
      book: this.book,
    };
    (socket as Socket & Admitted).identity = identity;
    socket.once('close', onTcpClose);
  }

  /** What `admit` found out about the owner of this socket. */
  identityOf(socket: Socket): Identity | undefined {
    return (socket as Socket & Admitted).identity;
  }

  #checkUpgrade({ headers }: FastifyRequest): void {
    if (headers['sec-websocket-version'] !== '13') throw new Refusal('bad_request', 'version');
    if (!WEBSOCKET_KEY.test(headers['sec-websocket-key'] ?? '')) {
      throw new Refusal('bad_request', 'key', { detail: 'The header Sec-WebSocket-Key is missing or bad.' });
    }
    if (splitSubprotocols(headers['sec-websocket-protocol']).includes(SUBPROTOCOL)) return;
    throw new Refusal('bad_request', 'subprotocol', {
      detail: `The subprotocol ${SUBPROTOCOL} must be offered.`,
    });
  }

  #checkAvailable(): void {
    if (this.isDraining) throw new Refusal('draining', 'draining', { retryAfterMs: RETRY_MS.draining });
    if (!this.#deps.nats.isConnected)
      throw new Refusal('unavailable', 'nats', { retryAfterMs: RETRY_MS.nats });
  }

  #refuseUnless(admission: ReturnType<AdmissionBook['checkAddress']>): void {
    if (admission.isAdmitted) return;
    const { refusal, retryAfterMs } = admission;
    throw new Refusal(REFUSED_BY[refusal], refusal, { retryAfterMs });
  }

  #claims({ headers, query }: FastifyRequest): Promise<Claims> {
    const { ticket } = query as { ticket?: unknown };
    if (Array.isArray(ticket)) throw tooManyCredentials();
    const offer = {
      authorization: headers.authorization,
      subprotocols: headers['sec-websocket-protocol'],
      ticket: typeof ticket === 'string' ? ticket : undefined,
    };
    const [credential, another] = credentialsOf(offer, TOKEN_SUBPROTOCOL_PREFIX);
    if (credential === undefined) throw new Refusal('unauthorized', 'no_token');
    if (another !== undefined) throw tooManyCredentials();
    return this.#verified(() =>
      credential.kind === 'token'
        ? this.#tokens.verify(credential.token)
        : this.#tickets.redeem(credential.ticket),
    );
  }

  async #verified(check: () => Promise<Claims>): Promise<Claims> {
    try {
      return await check();
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      const retry = cause.retryable ? { retryAfterMs: RETRY_MS.unavailable } : {};
      throw new Refusal(cause.code, cause.code, { cause, ...retry });
    }
  }
}

function tooManyCredentials(): Refusal {
  return new Refusal('bad_request', 'credentials', { detail: 'Give one credential.' });
}

/** Shared by all sockets, and bound to the TCP socket: some end before there is a WebSocket. */
function onTcpClose(this: Socket & Admitted): void {
  const { identity } = this;
  identity?.book.release(identity.user, identity.address);
}
