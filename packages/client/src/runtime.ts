/** The world outside: time, chance, sockets, HTTP and storage, all of them replaceable. */

import { BadArgumentError } from './errors.ts';
import type {
  ClientClock,
  ConnectOptions,
  FetchLike,
  KeyValueStorage,
  Limits,
  ReconnectRule,
  Times,
  TokenSource,
  WebSocketConstructor,
} from './options.ts';
import { DEFAULT_LIMITS, DEFAULT_RECONNECT, DEFAULT_TIMES } from './options.ts';

export interface Settings {
  readonly urls: readonly string[];
  readonly token: TokenSource;
  readonly handshake: 'ticket' | 'subprotocol';
  readonly reconnect: ReconnectRule;
  readonly limits: Limits;
  readonly times: Times;
  readonly signal: AbortSignal | undefined;
  readonly storage: KeyValueStorage;
  readonly WebSocket: WebSocketConstructor;
  readonly fetch: FetchLike;
  readonly clock: ClientClock;
  readonly random: () => number;
}

/** Fills in the defaults; throws `BadArgumentError` for what could never work. */
export function settingsOf(options: ConnectOptions): Settings {
  const urls = options.urls.map(edgeUrl);
  if (urls.length === 0) throw new BadArgumentError('urls: at least one edge is needed');
  const { WebSocket = globalThis.WebSocket, fetch = globalThis.fetch } = options;
  if (WebSocket === undefined)
    throw new BadArgumentError(
      'WebSocket: this runtime has none, so hand one in (Node before 22: that of ws)',
    );
  return {
    urls,
    token: options.token,
    handshake: options.handshake ?? 'ticket',
    reconnect: withDefaults(DEFAULT_RECONNECT, options.reconnect),
    limits: withDefaults(DEFAULT_LIMITS, options.limits),
    times: withDefaults(DEFAULT_TIMES, options.times),
    signal: options.signal,
    storage: options.storage ?? defaultStorage(),
    WebSocket,
    // Browsers refuse a fetch that is called as a method of something else.
    fetch: (url, init) => fetch(url, init),
    clock: options.clock ?? systemClock,
    random: options.random ?? secureRandom,
  };
}

function edgeUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^(http|ws)s?:$/.test(url.protocol))
    throw new BadArgumentError('urls: each must be like https://host:port');
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw new BadArgumentError('urls: no query, fragment or credentials are allowed');
  url.protocol = url.protocol.replace('ws', 'http');
  return url.href.replace(/\/+$/, '');
}

function withDefaults<T extends Readonly<Record<string, number>>>(
  defaults: T,
  given: Readonly<Partial<Record<keyof T & string, number>>> | undefined,
): { readonly [K in keyof T]: number } {
  const merged: Record<string, number> = { ...defaults };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined) continue;
    if (!Object.hasOwn(defaults, name)) throw new BadArgumentError(`${name}: there is no such option`);
    if (typeof value !== 'number' || !(value > 0)) throw new BadArgumentError(`${name}: must be above 0`);
    merged[name] = value;
  }
  return merged as { readonly [K in keyof T]: number };
}

/** Timers above this overflow to "at once" in every runtime. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const systemClock: ClientClock = {
  monotonicMs: () => performance.now(),
  unixMs: () => Date.now(),
  after: (delayMs, fn) => {
    const timer = setTimeout(fn, Math.min(MAX_TIMER_MS, Math.max(0, delayMs)));
    return () => clearTimeout(timer);
  },
};

function secureRandom(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32;
}

/** Where the program may not touch `localStorage` (or has none), numbers are kept in memory. */
function defaultStorage(): KeyValueStorage {
  const memory = new Map<string, string>();
  try {
    const { localStorage, document } = globalThis as { localStorage?: Storage; document?: unknown };
    if (document !== undefined && localStorage !== undefined) {
      return {
        get: (key) => localStorage.getItem(key) ?? undefined,
        set: (key, value) => localStorage.setItem(key, value),
      };
    }
  } catch {
    // A browser that forbids storage throws on the mere mention of it.
  }
  return { get: (key) => memory.get(key), set: (key, value) => void memory.set(key, value) };
}

/** Resolves after `delayMs`, or early when `wake` is called with the function that was handed to `arm`. */
export function sleep(clock: ClientClock, delayMs: number, arm: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(delayMs, resolve);
    arm(() => {
      cancel();
      resolve();
    });
  });
}
