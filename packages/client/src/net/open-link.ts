/** From a URL to an open link: token, ticket, upgrade, welcome, all of it within one time limit. */

import {
  CLOSE,
  closeAction,
  decodeServerFrame,
  SOCKET_PATH,
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL_PREFIX,
} from '@breakwater/protocol';
import type { PacerRule } from '../domain/pacer.ts';
import { ConnectionClosedError, ConnectionRefusedError, ServerError, TimeoutError } from '../errors.ts';
import type { Limits, WebSocketLike } from '../options.ts';
import type { Settings } from '../runtime.ts';
import { Link, type LinkEnd, type LinkHandlers, type Welcome } from './link.ts';
import { fetchTicket } from './ticket.ts';

/** Rejects with `ServerError`, `ConnectionClosedError`, `ConnectionRefusedError`, `TimeoutError`, or what `token` throws. */
export async function openLink(
  settings: Settings,
  url: string,
  token: () => Promise<string>,
  handlers: LinkHandlers,
  signal: AbortSignal,
): Promise<Link> {
  const { handshakeTimeoutMs } = settings.times;
  const attempt = new AbortController();
  const cancelTimer = settings.clock.after(handshakeTimeoutMs, () =>
    attempt.abort(new TimeoutError('the handshake', handshakeTimeoutMs)),
  );
  const onAbort = (): void => attempt.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const steps = openSteps(settings, url, token, handlers, attempt.signal);
    return await Promise.race([steps, rejection(attempt.signal)]);
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
    // Whoever lost the race must not leave a socket behind.
    attempt.abort();
  }
}

async function openSteps(
  settings: Settings,
  url: string,
  token: () => Promise<string>,
  handlers: LinkHandlers,
  signal: AbortSignal,
): Promise<Link> {
  const jwt = await token();
  signal.throwIfAborted();
  const socketUrl = `${url.replace(/^http/, 'ws')}${SOCKET_PATH}`;
  if (settings.handshake === 'subprotocol') {
    const protocols = [SUBPROTOCOL, `${TOKEN_SUBPROTOCOL_PREFIX}${jwt}`];
    return welcomeOf(settings, url, new settings.WebSocket(socketUrl, protocols), handlers, signal);
  }
  const ticket = await fetchTicket(settings.fetch, url, jwt, signal);
  signal.throwIfAborted();
  const withTicket = `${socketUrl}?ticket=${encodeURIComponent(ticket)}`;
  return welcomeOf(settings, url, new settings.WebSocket(withTicket, [SUBPROTOCOL]), handlers, signal);
}

/** Waits for `welcome`, the first frame; from then on the socket belongs to the link. */
function welcomeOf(
  settings: Settings,
  url: string,
  socket: WebSocketLike,
  handlers: LinkHandlers,
  signal: AbortSignal,
): Promise<Link> {
  const { clock, times, limits } = settings;
  socket.binaryType = 'arraybuffer';
  let link: Link | undefined;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      if (link !== undefined) return;
      reject(error);
      // A socket that is still connecting may be closed too; Node's then fires `error`, which is heard below.
      socket.close();
    };
    signal.addEventListener('abort', () => fail(abortError(signal)), { once: true });
    socket.addEventListener('error', () => fail(new ConnectionRefusedError()));
    socket.addEventListener('close', ({ code, reason }) => {
      if (link === undefined) fail(closedBeforeWelcome({ code, reason }));
      else link.end({ code, reason });
    });
    socket.addEventListener('message', ({ data }) => {
      if (link !== undefined) return link.receive(data);
      const first = readWelcome(data);
      if (first instanceof Error) return fail(first);
      link = new Link(socket, url, first, clock, { ...times, ...paceOf(first, limits) }, handlers);
      resolve(link);
    });
  });
}

/** Below what the edge takes, so that what goes past the queue and what arrives bunched up still fits. */
const PACE_SHARE = 0.8;

function paceOf({ limits }: Welcome, { maxFramesPerSecond, maxFrameBurst }: Limits): PacerRule {
  const { framesPerSecond = Number.POSITIVE_INFINITY, frameBurst = Number.POSITIVE_INFINITY } = limits;
  return {
    framesPerSecond: Math.min(maxFramesPerSecond, framesPerSecond * PACE_SHARE),
    burst: Math.max(1, Math.min(maxFrameBurst, Math.floor(frameBurst * PACE_SHARE))),
  };
}

function readWelcome(data: unknown): Welcome | Error {
  const decoded = typeof data === 'string' ? decodeServerFrame(data) : undefined;
  if (decoded?.ok === true) {
    if (decoded.value.t === 'welcome') return decoded.value;
    if (decoded.value.t === 'error')
      return new ServerError(decoded.value.code, decoded.value.message, decoded.value.retryAfterMs);
  }
  return new ConnectionRefusedError('this is no edge: its first frame is no welcome');
}

function closedBeforeWelcome({ code, reason }: LinkEnd): Error {
  if (code === CLOSE.tokenExpired.code) return new ServerError('token_expired');
  if (closeAction(code) === 'stop') return new ConnectionClosedError(code, meaningOf(code, reason));
  return new ConnectionRefusedError(`the socket was closed before the welcome (close code ${code})`);
}

/** The table's sentence for a close code, or what the server said. */
export function meaningOf(code: number, reason: string): string {
  const entry = Object.values(CLOSE).find((candidate) => candidate.code === code);
  return entry?.meaning ?? (reason === '' ? 'The server closed the connection.' : reason);
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new ConnectionRefusedError();
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(abortError(signal)), { once: true });
  });
}
