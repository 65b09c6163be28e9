/** The one catalogue of error codes that a client can meet, in frames and in HTTP answers. */

export interface ErrorEntry {
  readonly message: string;
  /** The same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** Status of the HTTP answer where the code is given before the upgrade. */
  readonly status: number;
}

export const ERRORS = {
  bad_request: { message: 'The frame or request is not valid.', retryable: false, status: 400 },
  too_large: { message: 'The text or state is larger than the limit.', retryable: false, status: 413 },
  unauthorized: { message: 'A valid token is needed.', retryable: false, status: 401 },
  token_expired: { message: 'The token has expired.', retryable: false, status: 401 },
  ticket_refused: {
    message: 'The ticket was used before, has expired or is none.',
    retryable: false,
    status: 401,
  },
  token_in_url: { message: 'A token must not be part of the URL.', retryable: false, status: 400 },
  forbidden: { message: 'This is not allowed.', retryable: false, status: 403 },
  origin_refused: { message: 'This origin is not on the list.', retryable: false, status: 403 },
  not_joined: { message: 'Join the room or game first.', retryable: false, status: 403 },
  rate_limited: { message: 'Too many requests; slow down.', retryable: true, status: 429 },
  too_many_connections: { message: 'Too many connections.', retryable: true, status: 429 },
  too_many_joined: {
    message: 'This connection has joined too many rooms or games.',
    retryable: false,
    status: 429,
  },
  unavailable: { message: 'The service cannot be reached now; try again.', retryable: true, status: 503 },
  busy: { message: 'The service is at its limit; try again.', retryable: true, status: 503 },
  draining: { message: 'This edge is going away; use another.', retryable: true, status: 503 },
  internal: { message: 'Something went wrong on the server.', retryable: true, status: 500 },
  room_not_found: { message: 'There is no such room.', retryable: false, status: 404 },
  room_exists: { message: 'A room with this id exists.', retryable: false, status: 409 },
  id_reused: { message: 'This message id was used for another message.', retryable: false, status: 409 },
  expired: { message: 'The message is too old to be sent again safely.', retryable: false, status: 410 },
  game_not_found: { message: 'There is no such game.', retryable: false, status: 404 },
  game_full: { message: 'The game is full.', retryable: true, status: 409 },
  join_outdated: {
    message: 'A join with a higher number came before this one.',
    retryable: false,
    status: 409,
  },
  game_ended: { message: 'The game has ended.', retryable: false, status: 410 },
  game_failed: { message: 'The game has failed and cannot go on.', retryable: false, status: 410 },
  unknown_game_type: { message: 'No process hosts this type of game.', retryable: false, status: 404 },
  bad_options: { message: 'The options do not fit this type of game.', retryable: false, status: 400 },
  no_capacity: { message: 'No process has room for another game.', retryable: true, status: 503 },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

/** An error with a code of the catalogue; `detail` replaces the catalogue's sentence and never echoes input. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ErrorCode;
  /** How long to wait before trying again, in ms, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, detail?: string, options: ErrorOptions & { retryAfterMs?: number } = {}) {
    super(detail ?? ERRORS[code].message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

/** Reasons with which a game rejects a command by itself; a game's author adds further ones. */
export const REJECTIONS = {
  command_failed: 'The command threw; its effects were undone.',
  unknown_command: 'The game has no such command.',
  bad_args: 'The arguments do not fit the command.',
  awards_full: 'Too many awards of the game wait to be written down; try again later.',
  own_awards_full:
    'Too many awards of this player wait to be written down: there are too many games with awards for them that have not ended.',
} as const;
