import { createHmac } from 'node:crypto';

export interface TokenOptions {
  /** Becomes the claim `sub`. */
  user: string;
  /** Display name, the claim `name`; default the user's id. */
  name?: string;
  /** Default one hour; negative for a token that has expired. */
  lifetimeSeconds?: number;
  /** Further claims; they win. */
  claims?: Readonly<Record<string, unknown>>;
}

/** Signs a JSON Web Token (HS256, audience `breakwater`) as an application's own backend would. */
export function signToken(secret: string, options: TokenOptions): string {
  const issuedAt = Math.floor(Date.now() / 1000);
  const claims = {
    sub: options.user,
    name: options.name ?? options.user,
    iat: issuedAt,
    exp: issuedAt + (options.lifetimeSeconds ?? 3_600),
    aud: 'breakwater',
    ...options.claims,
  };
  const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
