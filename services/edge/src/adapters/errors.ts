import { ERRORS, type ErrorCode, isErrorCode, ProtocolError } from '@breakwater/protocol';
import { BusError } from '@breakwater/service-kit';

/** What a client is told about a failure, and whether it is one that somebody should look at. */
export interface Failure {
  readonly code: ErrorCode;
  /** Instead of the catalogue's sentence; never an echo of input. */
  readonly message?: string | undefined;
  /** How long to wait before trying again, in ms, where that is known. */
  readonly retryAfterMs?: number | undefined;
  readonly isUnexpected: boolean;
}

/** Another service's refusal keeps its code if clients know it; everything unforeseen is `internal`. */
export function failureOf(cause: unknown): Failure {
  if (cause instanceof ProtocolError) {
    const { code, message, retryAfterMs } = cause;
    return { code, message, retryAfterMs, isUnexpected: false };
  }
  if (!(cause instanceof BusError)) return { code: 'internal', isUnexpected: true };
  switch (cause.code) {
    case 'unavailable':
    case 'no_responders':
      return { code: 'unavailable', isUnexpected: false };
    case 'remote': {
      const { code, message, retryAfterMs } = cause.remote ?? {};
      if (!isErrorCode(code)) return { code: 'internal', isUnexpected: true };
      // What is wrong with a request helps whoever wrote it; other sentences are about the inside.
      const detail = ERRORS[code].status === 400 ? message : undefined;
      return { code, message: detail, retryAfterMs, isUnexpected: false };
    }
    case 'invalid':
      return { code: 'too_large', isUnexpected: true };
    case 'bad_reply':
    case 'not_found':
      return { code: 'internal', isUnexpected: true };
    default:
      return cause.code satisfies never;
  }
}

/** Nothing was delivered, so the same may be sent again; after a timeout it may have been acted on. */
export function isNobodyThere(cause: unknown): boolean {
  return cause instanceof BusError && cause.code === 'no_responders';
}

/** It may have been acted on, or not. */
export function isNoAnswer(cause: unknown): boolean {
  return cause instanceof BusError && cause.code === 'unavailable';
}
