/** Every way in which the SDK says no. `code` is stable; `retryable` means that the same call may succeed later. */

import { ERRORS, type ErrorCode, REJECTIONS } from '@breakwater/protocol';

/** Codes that only the SDK gives; the others are the protocol's `ERRORS`. */
export const CLIENT_ERRORS = {
  connection_lost: 'The connection fell before the answer came.',
  connection_refused: 'No edge could be reached.',
  connection_closed: 'The server closed the connection for good.',
  client_closed: 'The client was closed.',
  timeout: 'No answer came in time.',
  queue_full: 'Too much is waiting to be sent.',
  stream_overflow: 'A stream was read too slowly.',
  token_failed: 'The token callback failed.',
  command_rejected: 'The game rejected the command.',
  command_lost: 'What became of the command cannot be known any more.',
  replaced: 'Another session of this user plays the game now.',
  left: 'The room or game was left.',
  bad_argument: 'The call does not make sense.',
} as const;

export type ClientErrorCode = keyof typeof CLIENT_ERRORS;
export type BreakwaterErrorCode = ClientErrorCode | ErrorCode;

/** The base of all errors that the SDK throws or rejects with. */
export class BreakwaterError extends Error {
  override readonly name: string = 'BreakwaterError';
  readonly code: BreakwaterErrorCode;
  readonly retryable: boolean;

  constructor(code: BreakwaterErrorCode, retryable: boolean, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = retryable;
  }
}

/** The server answered with an error frame, or with an HTTP status before the upgrade. `code` says which. */
export class ServerError extends BreakwaterError {
  override readonly name = 'ServerError';
  declare readonly code: ErrorCode;
  /** How long to wait before trying again, in ms, where the server said so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string = ERRORS[code].message, retryAfterMs?: number) {
    super(code, ERRORS[code].retryable, message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The socket fell after the request was sent; whether it took effect is not known. */
export class ConnectionLostError extends BreakwaterError {
  override readonly name = 'ConnectionLostError';

  constructor(options?: ErrorOptions) {
    super('connection_lost', true, CLIENT_ERRORS.connection_lost, options);
  }
}

/** An attempt to reach an edge failed (refused, unreachable, not a Breakwater edge). `cause` says more. */
export class ConnectionRefusedError extends BreakwaterError {
  override readonly name = 'ConnectionRefusedError';

  constructor(message: string = CLIENT_ERRORS.connection_refused, options?: ErrorOptions) {
    super('connection_refused', true, message, options);
  }
}

/** The server closed the socket with a code after which a client must not come back. */
export class ConnectionClosedError extends BreakwaterError {
  override readonly name = 'ConnectionClosedError';
  readonly closeCode: number;

  constructor(closeCode: number, meaning: string) {
    super('connection_closed', false, `${meaning} (close code ${closeCode})`);
    this.closeCode = closeCode;
  }
}

/** `close()` was called, so the call cannot be answered. */
export class ClientClosedError extends BreakwaterError {
  override readonly name = 'ClientClosedError';

  constructor(options?: ErrorOptions) {
    super('client_closed', false, CLIENT_ERRORS.client_closed, options);
  }
}

/** No answer within the stated time; whether the request took effect is not known. */
export class TimeoutError extends BreakwaterError {
  override readonly name = 'TimeoutError';

  constructor(what: string, timeoutMs: number, options?: ErrorOptions) {
    super('timeout', true, `${what}: no answer within ${timeoutMs} ms`, options);
  }
}

/** `limits.maxQueued` or `limits.maxQueuedBytes` (or a game's `maxPendingCommands`) is reached. */
export class QueueFullError extends BreakwaterError {
  override readonly name = 'QueueFullError';

  constructor(what: string) {
    super('queue_full', true, what);
  }
}

/** An async iterator's buffer ran over because its reader was too slow. */
export class StreamOverflowError extends BreakwaterError {
  override readonly name = 'StreamOverflowError';

  constructor(maxBuffered: number) {
    super('stream_overflow', false, `more than ${maxBuffered} items were waiting to be read`);
  }
}

/** The token callback threw or gave no token. */
export class TokenError extends BreakwaterError {
  override readonly name = 'TokenError';

  constructor(options?: ErrorOptions) {
    super('token_failed', true, CLIENT_ERRORS.token_failed, options);
  }
}

/** The game did not accept a command; its number counts as used. */
export class CommandRejectedError extends BreakwaterError {
  override readonly name = 'CommandRejectedError';
  /** One of `REJECTIONS`, or a word of the game's author. */
  readonly reason: string;
  readonly n: number;

  constructor(n: number, reason: string) {
    const known = Object.hasOwn(REJECTIONS, reason) ? REJECTIONS[reason as keyof typeof REJECTIONS] : reason;
    super('command_rejected', false, `command ${n} was rejected: ${known}`);
    this.n = n;
    this.reason = reason;
  }
}

/** The seat is another one now, or another session of the same player plays it, so the command's fate is unknown. */
export class CommandLostError extends BreakwaterError {
  override readonly name = 'CommandLostError';
  readonly n: number;

  constructor(n: number, why: string) {
    super('command_lost', false, `command ${n}: ${why}`);
    this.n = n;
  }
}

/** Another session of the same user joined the game after this one; what became of uncovered commands is not known. */
export class ReplacedError extends BreakwaterError {
  override readonly name = 'ReplacedError';

  constructor() {
    super('replaced', false, CLIENT_ERRORS.replaced);
  }
}

/** The room or game was left while the call was waiting. */
export class LeftError extends BreakwaterError {
  override readonly name = 'LeftError';

  constructor(what: string) {
    super('left', false, `${what} was left`);
  }
}

/** An argument that could never work: an id outside the alphabet, a text over the limit. Nothing was sent. */
export class BadArgumentError extends BreakwaterError {
  override readonly name = 'BadArgumentError';

  constructor(message: string) {
    super('bad_argument', false, message);
  }
}
