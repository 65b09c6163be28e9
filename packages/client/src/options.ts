/** What `connect` takes. Every number has a unit and a default; nothing in the SDK grows without one of these limits. */

/** A token (a JWT), or a function that gives a fresh one: called at the start, before expiry, and after a refusal. */
export type TokenSource = string | (() => string | Promise<string>);

/** Keeps join numbers rising over reloads. Failures of it are reported as `error` events and otherwise ignored. */
export interface KeyValueStorage {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
}

/** Time, handed in. `testkit`'s `FakeClock` has this shape. */
export interface ClientClock {
  /** Milliseconds that never step back. */
  monotonicMs(): number;
  /** Unix milliseconds. */
  unixMs(): number;
  /** Runs `fn` once after `delayMs`; the result cancels it. */
  after(delayMs: number, fn: () => void): () => void;
}

/** The part of the standard WebSocket that the SDK uses: the browser's, Node's own, and that of `ws` all fit. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
}
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

export type FetchLike = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly signal: AbortSignal;
    readonly body?: string;
  },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  json(): Promise<unknown>;
}>;

export interface ReconnectOptions {
  /** Upper bound of the first delay, in ms; the delay is uniform between 0 and the bound. Default 250. */
  readonly firstDelayMs?: number;
  /** The bound doubles up to this, in ms. Default 15 000. */
  readonly maxDelayMs?: number;
  /** Attempts in a row before the client gives up. Default: for ever. */
  readonly maxAttempts?: number;
}

export interface LimitOptions {
  /** Requests and chat messages that wait to be sent or answered. Default 256. */
  readonly maxQueued?: number;
  /** The same in bytes of their frames. Default 1 MiB. */
  readonly maxQueuedBytes?: number;
  /** Messages that a room keeps in `messages`; the oldest go first. Default 500. */
  readonly maxRoomMessages?: number;
  /** Failed messages that a room keeps in `outgoing` for a retry. Default 50. */
  readonly maxFailedMessages?: number;
  /** Commands of one game that the state does not cover yet. Default 256. */
  readonly maxPendingCommands?: number;
  /** Items that an async iterator holds for a slow reader. Default 1 000. */
  readonly maxStreamBuffer?: number;
  /** Frames a second that the client sends; more wait, in order. Default 50, or less where the edge asks for it. */
  readonly maxFramesPerSecond?: number;
  /** Frames that may go out at once before that rate holds. Default 200, or less where the edge asks for it. */
  readonly maxFrameBurst?: number;
}

export interface TimeOptions {
  /** The first connection must stand within this, in ms. Default 30 000. */
  readonly connectTimeoutMs?: number;
  /** One attempt (ticket, upgrade, welcome), in ms. Default 10 000. */
  readonly handshakeTimeoutMs?: number;
  /** A request is answered within this, in ms, time offline included. Default 15 000. */
  readonly requestTimeoutMs?: number;
  /** A chat message is tried for so long, in ms. Default 600 000, which is the server's horizon. */
  readonly sendTimeoutMs?: number;
  /** An application ping goes out so often, in ms; the server may ask for more. Default 5 000. */
  readonly pingIntervalMs?: number;
  /** A ping without any sign of life for so long, in ms, means that the connection is dead. Default 5 000. */
  readonly pongTimeoutMs?: number;
  /** A new token is fetched so long before the old one ends, in ms. Default 30 000. */
  readonly tokenRefreshBeforeMs?: number;
  /** A typing mark vanishes by itself after, in ms. Default 6 000. */
  readonly typingExpiryMs?: number;
  /** A command that the state does not cover is sent again after, in ms. Default 1 000. */
  readonly commandResendMs?: number;
  /** A game that is played and says nothing for so long is joined again, in ms; its owner speaks every second. Default 5 000. */
  readonly gameSilenceMs?: number;
  /** The old socket stays open at most so long for what is in flight when the client moves, in ms. Default 5 000. */
  readonly moveTimeoutMs?: number;
}

export interface ConnectOptions {
  /** Edges, as `http(s)://host:port` (a path in front of `/v1/ws` is kept). Tried in a random order. */
  readonly urls: readonly string[];
  readonly token: TokenSource;
  /** `ticket` (default): a single-use ticket by HTTP first, so that refusals can be told apart. `subprotocol`: the token is offered in the upgrade. */
  readonly handshake?: 'ticket' | 'subprotocol';
  readonly reconnect?: ReconnectOptions;
  readonly limits?: LimitOptions;
  readonly times?: TimeOptions;
  /** Ends the first connection attempt. */
  readonly signal?: AbortSignal;
  /** Default: `localStorage` in browsers, memory elsewhere. */
  readonly storage?: KeyValueStorage;
  readonly WebSocket?: WebSocketConstructor;
  readonly fetch?: FetchLike;
  readonly clock?: ClientClock;
  /** Uniform from 0 (included) to 1 (excluded). */
  readonly random?: () => number;
}

export const DEFAULT_RECONNECT = {
  firstDelayMs: 250,
  maxDelayMs: 15_000,
  maxAttempts: Number.POSITIVE_INFINITY,
} as const satisfies Required<ReconnectOptions>;

export const DEFAULT_LIMITS = {
  maxQueued: 256,
  maxQueuedBytes: 1024 * 1024,
  maxRoomMessages: 500,
  maxFailedMessages: 50,
  maxPendingCommands: 256,
  maxStreamBuffer: 1_000,
  maxFramesPerSecond: 50,
  maxFrameBurst: 200,
} as const satisfies Required<LimitOptions>;

export const DEFAULT_TIMES = {
  connectTimeoutMs: 30_000,
  handshakeTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  sendTimeoutMs: 600_000,
  pingIntervalMs: 5_000,
  pongTimeoutMs: 5_000,
  tokenRefreshBeforeMs: 30_000,
  typingExpiryMs: 6_000,
  commandResendMs: 1_000,
  gameSilenceMs: 5_000,
  moveTimeoutMs: 5_000,
} as const satisfies Required<TimeOptions>;

type Settled<T> = { readonly [K in keyof Required<T>]: number };
export type Limits = Settled<LimitOptions>;
export type Times = Settled<TimeOptions>;
export type ReconnectRule = Settled<ReconnectOptions>;
