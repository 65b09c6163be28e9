/** When the token ends, read from the token itself. It is not verified: that is the server's part. */
export function tokenExpiryMs(token: string): number | undefined {
  try {
    const payload = token.split('.')[1];
    if (payload === undefined) return undefined;
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined;
    return typeof claims.exp === 'number' && Number.isFinite(claims.exp) ? claims.exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}

/** How long to wait before a new token is fetched: `beforeMs` before the end, or half of a short remaining life. */
export function refreshDelayMs(expiresAtMs: number, serverMs: number, beforeMs: number): number {
  const leftMs = expiresAtMs - serverMs;
  return Math.max(1_000, leftMs - Math.min(beforeMs, leftMs / 2));
}
