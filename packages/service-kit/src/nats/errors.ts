/**
 * - `unavailable`: no answer in time, or not connected. The other side may have acted all the same.
 * - `no_responders`: nobody listens on the subject; nothing happened.
 * - `bad_reply`: the answer could not be decoded.
 * - `remote`: the other side refused; `remote` says how.
 * - `not_found`: the stream or bucket does not exist.
 * - `invalid`: the request could not be sent (too large, illegal subject).
 */
export const BUS_ERROR_CODES = [
  'unavailable',
  'no_responders',
  'bad_reply',
  'remote',
  'not_found',
  'invalid',
] as const;
export type BusErrorCode = (typeof BUS_ERROR_CODES)[number];

export interface RemoteError {
  readonly code: string;
  readonly message: string;
  /** How long to wait before asking again, in ms, where the other side said so. */
  readonly retryAfterMs?: number;
}

/** A request that has no good answer. */
export class BusError extends Error {
  readonly code: BusErrorCode;
  readonly subject: string;
  /** What the other side said, when `code` is `remote`. */
  readonly remote: RemoteError | undefined;

  constructor(
    code: BusErrorCode,
    subject: string,
    message: string,
    options: { cause?: unknown; remote?: RemoteError } = {},
  ) {
    super(`${subject}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BusError';
    this.code = code;
    this.subject = subject;
    this.remote = options.remote;
  }
}

/** Thrown by a handler to answer with this error; anything else that is thrown is answered as `internal`. */
export class ReplyError extends Error {
  readonly code: string;
  /** How long to wait before asking again, in ms. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    options: ErrorOptions & { retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.name = 'ReplyError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The server is too old for what is asked of it. */
export class ServerVersionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ServerVersionError';
  }
}

/** A stream or bucket is missing, or differs from its definition in something that matters. */
export class StreamMismatchError extends Error {
  readonly stream: string;

  constructor(stream: string, message: string) {
    super(`stream ${stream}: ${message}`);
    this.name = 'StreamMismatchError';
    this.stream = stream;
  }
}
