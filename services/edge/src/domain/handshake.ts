/** The parts of a handshake that need no I/O: where the token is, and whether the origin may connect. */

export type Credential =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'ticket'; readonly ticket: string };

export interface Offer {
  readonly authorization: string | undefined;
  /** The `Sec-WebSocket-Protocol` header. */
  readonly subprotocols: string | undefined;
  readonly ticket: string | undefined;
}

const FORBIDDEN_PARAMETERS = new Set([
  'token',
  'access_token',
  'id_token',
  'refresh_token',
  'jwt',
  'auth',
  'authorization',
  'bearer',
]);
const LOOKS_LIKE_JWT = /eyJ[\w-]{4,}\.[\w-]{4,}\./;

/** URLs end up in access logs, histories and referrers: only a single-use ticket may be part of one. */
export function hasTokenInUrl(path: string, query: Readonly<Record<string, unknown>>): boolean {
  if (LOOKS_LIKE_JWT.test(path)) return true;
  return Object.entries(query).some(([name, value]) => {
    if (name === 'ticket') return false;
    if (FORBIDDEN_PARAMETERS.has(name.toLowerCase())) return true;
    return [value].flat().some((text) => typeof text === 'string' && LOOKS_LIKE_JWT.test(text));
  });
}

/** No Origin: not a browser, or not one that another page could misuse. */
export function isOriginAllowed(origin: string | undefined, allowed: ReadonlySet<string>): boolean {
  return origin === undefined || allowed.has(origin);
}

export function splitSubprotocols(header: string | undefined): readonly string[] {
  if (header === undefined) return [];
  return header.split(',').map((name) => name.trim());
}

export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
}

/** Every credential of an offer: there must be exactly one. */
export function credentialsOf(offer: Offer, tokenPrefix: string): readonly Credential[] {
  const bearer = bearerOf(offer.authorization);
  const offered = splitSubprotocols(offer.subprotocols).filter((name) => name.startsWith(tokenPrefix));
  const tokens = [
    ...(bearer === undefined ? [] : [bearer]),
    ...offered.map((name) => name.slice(tokenPrefix.length)),
  ];
  const tickets = offer.ticket === undefined ? [] : [offer.ticket];
  return [
    ...tokens.map((token) => ({ kind: 'token', token }) as const),
    ...tickets.map((ticket) => ({ kind: 'ticket', ticket }) as const),
  ];
}
