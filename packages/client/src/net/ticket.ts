/** A single-use ticket by HTTP: unlike a refused upgrade, its refusal can be read in a browser. */

import { DecodeError, int, isErrorCode, loose, optional, string, TICKET_PATH } from '@breakwater/protocol';
import { ConnectionRefusedError, ServerError } from '../errors.ts';
import type { FetchLike } from '../options.ts';

const ticketBody = loose({ ticket: string({ minLength: 1, maxLength: 8_192 }) });
const errorBody = loose({ error: string(), message: optional(string()), retryAfterMs: optional(int(0)) });

/** Rejects with `ServerError` (what the edge said) or `ConnectionRefusedError` (no edge there). */
export async function fetchTicket(
  fetch: FetchLike,
  url: string,
  token: string,
  signal: AbortSignal,
): Promise<string> {
  const response = await request(fetch, url, token, signal);
  const body: unknown = await response.json().catch(() => undefined);
  if (response.status === 200) return readTicket(body);
  throw refusalOf(response.status, response.headers.get('retry-after'), body);
}

async function request(fetch: FetchLike, url: string, token: string, signal: AbortSignal) {
  try {
    return await fetch(`${url}${TICKET_PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      signal,
    });
  } catch (cause) {
    throw new ConnectionRefusedError(undefined, { cause });
  }
}

function readTicket(body: unknown): string {
  try {
    return ticketBody(body).ticket;
  } catch (cause) {
    throw new ConnectionRefusedError('this is no edge: its answer holds no ticket', { cause });
  }
}

function refusalOf(status: number, retryAfter: string | null, body: unknown): Error {
  const headerMs = retryAfterMs(retryAfter);
  try {
    const { error, message, retryAfterMs: bodyMs } = errorBody(body);
    if (isErrorCode(error)) return new ServerError(error, message, bodyMs ?? headerMs);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  if (status === 401) return new ServerError('unauthorized');
  if (status === 429) return new ServerError('rate_limited', undefined, headerMs);
  if (status === 503) return new ServerError('unavailable', undefined, headerMs);
  return new ConnectionRefusedError(`the edge answered with status ${status}`);
}

/** `Retry-After` in seconds; its other form, a date, is not used by edges. */
function retryAfterMs(header: string | null): number | undefined {
  return header !== null && /^[0-9]{1,6}$/.test(header) ? Number(header) * 1_000 : undefined;
}
