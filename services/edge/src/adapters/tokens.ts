import { createSecretKey, type KeyObject } from 'node:crypto';
import { isId, LIMITS, ProtocolError } from '@breakwater/protocol';
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose';
import type { EdgeConfig } from './deps.ts';

/** What a good token says. */
export interface Claims {
  readonly user: string;
  readonly name: string;
  readonly expiresAtMs: number;
}

const HMAC = ['HS256'];
const PUBLIC_KEY = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];
const JWKS_TIMEOUT_MS = 3_000;

/** Checks user tokens, and signs what this edge issues itself. */
export class Tokens {
  readonly #key: KeyObject;
  readonly #remoteKeys: JWTVerifyGetKey | undefined;
  readonly #config: EdgeConfig;

  constructor(config: EdgeConfig) {
    this.#config = config;
    this.#key = createSecretKey(Buffer.from(config.jwtSecret.reveal(), 'utf8'));
    if (config.jwksUrl !== undefined) {
      this.#remoteKeys = createRemoteJWKSet(new URL(config.jwksUrl), { timeoutDuration: JWKS_TIMEOUT_MS });
    }
  }

  /** User tokens come from elsewhere: the shared secret signs none. */
  get hasForeignIssuer(): boolean {
    return this.#remoteKeys !== undefined;
  }

  /** @throws ProtocolError `unauthorized`, `token_expired`, or `unavailable` when the key set cannot be had */
  async verify(token: string): Promise<Claims> {
    const { jwtAudience: audience, jwtIssuer } = this.#config;
    const issuer = jwtIssuer === undefined ? {} : { issuer: jwtIssuer };
    const options = { audience, ...issuer, requiredClaims: ['sub', 'exp'] };
    const check = () =>
      this.#remoteKeys === undefined
        ? jwtVerify(token, this.#key, { ...options, algorithms: HMAC })
        : jwtVerify(token, this.#remoteKeys, { ...options, algorithms: PUBLIC_KEY });
    return claimsOf((await guarded(check)).payload);
  }

  /** Checks something that an edge signed. @throws ProtocolError */
  async verifyOwn(token: string, audience: string): Promise<JWTPayload> {
    const required = ['sub', 'exp', 'jti'];
    const check = () => jwtVerify(token, this.#key, { audience, algorithms: HMAC, requiredClaims: required });
    return (await guarded(check)).payload;
  }

  sign(audience: string, payload: JWTPayload, expiresAtMs: number): Promise<string> {
    const { jwtIssuer } = this.#config;
    const jwt = new SignJWT(payload)
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(Math.floor(expiresAtMs / 1_000));
    if (jwtIssuer !== undefined) jwt.setIssuer(jwtIssuer);
    return jwt.sign(this.#key);
  }
}

async function guarded<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) throw new ProtocolError('token_expired', undefined, { cause });
    throw new ProtocolError(isKeyFetchFault(cause) ? 'unavailable' : 'unauthorized', undefined, { cause });
  }
}

/** The key set could not be fetched: nothing is known about the token. */
function isKeyFetchFault(cause: unknown): boolean {
  if (!(cause instanceof errors.JOSEError)) return true;
  return cause instanceof errors.JWKSTimeout || cause.code === 'ERR_JOSE_GENERIC';
}

/** @throws ProtocolError `unauthorized` for claims that are no user of ours */
export function claimsOf(payload: JWTPayload): Claims {
  const { sub, exp, name } = payload;
  if (!isId(sub) || typeof exp !== 'number') throw new ProtocolError('unauthorized');
  return { user: sub, name: displayName(name, sub), expiresAtMs: exp * 1_000 };
}

/** Control characters, line breaks of all kinds, and marks that turn the direction of text. */
const ACTIVE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** Names come from outside: text without control characters, or else the user id. */
export function displayName(name: unknown, fallback: string): string {
  if (typeof name !== 'string') return fallback.slice(0, LIMITS.maxNameLength);
  const clean = name.toWellFormed().replace(ACTIVE, ' ').trim();
  const cut = clean.slice(0, LIMITS.maxNameLength).toWellFormed();
  return cut === '' ? fallback.slice(0, LIMITS.maxNameLength) : cut;
}
