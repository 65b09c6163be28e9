/** Limits that both sides of the wire must know. An edge may take smaller frames and then says so in `welcome`. */
export const LIMITS = {
  /** One client frame, UTF-8 bytes. */
  maxFrameBytes: 64 * 1024,
  /** JSON nesting of a client frame. */
  maxNesting: 16,
  /** A chat message's text, UTF-8 bytes. */
  maxTextBytes: 4 * 1024,
  /** A display name, UTF-16 code units. */
  maxNameLength: 32,
  /** A room's or game's title, UTF-16 code units. */
  maxTitleLength: 64,
  /** Messages in one page of history. */
  maxPageMessages: 200,
  /** Rooms joined by one connection. */
  maxRoomsPerSocket: 100,
  /** Games joined or watched by one connection. */
  maxGamesPerSocket: 8,
  /** A message id older than this is `expired`, in ms. */
  retryHorizonMs: 10 * 60_000,
  /** A message id may lie this far in the future, in ms. */
  clockSkewMs: 60_000,
} as const;

export const PROTOCOL_VERSION = 1;
export const SUBPROTOCOL = 'breakwater.v1';
/** A token offered as a subprotocol: this prefix, then the JWT. */
export const TOKEN_SUBPROTOCOL_PREFIX = 'breakwater.token.';
export const SOCKET_PATH = '/v1/ws';
export const TICKET_PATH = '/v1/ticket';
export const GUEST_PATH = '/v1/guest';
