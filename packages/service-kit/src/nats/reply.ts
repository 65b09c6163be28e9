import type { Msg } from '@nats-io/transport-node';
import { BusError, type RemoteError } from './errors.ts';
import { ERROR_HEADER } from './handlers.ts';

/** How the answer is read: JSON through `decode`, or bytes through `decodeBytes`. Both throw on bad input. */
export type ReplyDecoding<T> =
  | { decode: (value: unknown) => T; decodeBytes?: never }
  | { decodeBytes: (data: Uint8Array) => T; decode?: never };

/** The good form of an answer: `{ok: false, …}` never comes back, it is thrown. */
export type Good<T> = T extends { readonly ok: false } ? never : T;

const decoder = new TextDecoder();
const OPENING_BRACE = 0x7b;

function remoteErrorOf(value: unknown): RemoteError | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { ok, error } = value as { ok?: unknown; error?: unknown };
  if (ok !== false || typeof error !== 'object' || error === null) return undefined;
  const { code, message, retryAfterMs } = error as {
    code?: unknown;
    message?: unknown;
    retryAfterMs?: unknown;
  };
  if (typeof code !== 'string') return undefined;
  const text = typeof message === 'string' ? message : '';
  return typeof retryAfterMs === 'number' ? { code, message: text, retryAfterMs } : { code, message: text };
}

function parseJson(subject: string, data: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(data));
  } catch (cause) {
    throw new BusError('bad_reply', subject, 'the answer is not JSON', { cause });
  }
}

function throwIfRemote(subject: string, value: unknown): void {
  const remote = remoteErrorOf(value);
  if (remote !== undefined)
    throw new BusError('remote', subject, `${remote.code}: ${remote.message}`, { remote });
}

/** A bytes answer is an error when its header says so, or when it is the JSON of one. */
function throwIfRemoteBytes(subject: string, msg: Msg): void {
  const marked = msg.headers?.get(ERROR_HEADER);
  if (!marked && msg.data[0] !== OPENING_BRACE) return;
  try {
    throwIfRemote(subject, parseJson(subject, msg.data));
  } catch (cause) {
    if (marked || (cause instanceof BusError && cause.code === 'remote')) throw cause;
  }
}

/** @throws BusError `remote` or `bad_reply` */
export function decodeReply<T>(subject: string, msg: Msg, decoding: ReplyDecoding<T>): Good<T> {
  if (decoding.decodeBytes !== undefined) throwIfRemoteBytes(subject, msg);
  const value = decoding.decodeBytes === undefined ? parseJson(subject, msg.data) : undefined;
  if (decoding.decodeBytes === undefined) throwIfRemote(subject, value);
  try {
    return (
      decoding.decodeBytes === undefined ? decoding.decode(value) : decoding.decodeBytes(msg.data)
    ) as Good<T>;
  } catch (cause) {
    throw new BusError('bad_reply', subject, 'the answer has another shape than agreed', { cause });
  }
}
