import type { TraceParent } from '../telemetry/tracer.ts';
import { BusError } from './errors.ts';
import { type ApiError, JS_CODES, parseApiAnswer } from './js-api.ts';
import { encodePayload, type HeaderRecord, type Payload, toNatsHeaders } from './message.ts';
import type { RequestMux } from './request-mux.ts';

export interface CommitOptions {
  /** Store only if this is the subject's last sequence (0: the subject is empty). */
  expectedLastSubjectSeq?: number;
  /** The server stores one message of an id within its duplicate window. */
  msgId?: string;
  headers?: HeaderRecord;
  trace?: TraceParent | undefined;
  timeoutMs?: number;
}

/**
 * What became of an append.
 * - `stored`: it is in the stream at `seq`; `duplicate` says that an earlier one with its `msgId` is.
 * - `refused`: not stored, the subject's last sequence is not the expected one.
 * - `full`: not stored, the stream, the subject or the account is at its limit.
 * - `invalid`: not stored and never will be as it is (too large, bad header).
 * - `doubt`: may or may not be stored. Read the tail from the leader before anything else.
 */
export type CommitResult =
  | { readonly kind: 'stored'; readonly seq: number; readonly duplicate: boolean }
  | { readonly kind: 'refused'; readonly lastSeq?: number }
  | { readonly kind: 'full'; readonly reason: string }
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'doubt'; readonly cause: string };

const LIMIT_CODES = new Set<number>([
  JS_CODES.insufficientResources,
  JS_CODES.storageExceeded,
  JS_CODES.memoryExceeded,
  JS_CODES.accountExceeded,
]);
const DOUBT_CODES = new Set<number>([JS_CODES.wrongLastSequenceInProcess, JS_CODES.duplicateInProcess]);

function classifyError({ code, errCode, description }: ApiError): CommitResult {
  if (errCode === JS_CODES.wrongLastSequence) {
    const last = /wrong last sequence: (\d+)/.exec(description);
    return last === null ? { kind: 'refused' } : { kind: 'refused', lastSeq: Number(last[1]) };
  }
  const full =
    LIMIT_CODES.has(errCode) || (errCode === JS_CODES.storeFailed && /maximum|exceeded/i.test(description));
  if (full) return { kind: 'full', reason: description };
  if (DOUBT_CODES.has(errCode)) return { kind: 'doubt', cause: `${errCode} ${description}` };
  return code === 400
    ? { kind: 'invalid', reason: `${errCode} ${description}` }
    : { kind: 'doubt', cause: `${errCode} ${description}` };
}

/** Reads a publish acknowledgement; anything unreadable is doubt. */
export function classifyPubAck(data: Uint8Array): CommitResult {
  try {
    const answer = parseApiAnswer(data);
    if ('error' in answer) return classifyError(answer.error);
    const { seq, duplicate } = answer.value;
    if (typeof seq === 'number' && seq > 0) return { kind: 'stored', seq, duplicate: duplicate === true };
    return { kind: 'doubt', cause: 'the acknowledgement has no sequence' };
  } catch {
    return { kind: 'doubt', cause: 'the acknowledgement cannot be read' };
  }
}

function commitHeaders({ expectedLastSubjectSeq, msgId, headers }: CommitOptions): HeaderRecord | undefined {
  if (expectedLastSubjectSeq === undefined && msgId === undefined) return headers;
  return {
    ...headers,
    ...(msgId !== undefined && { 'Nats-Msg-Id': msgId }),
    ...(expectedLastSubjectSeq !== undefined && {
      'Nats-Expected-Last-Subject-Sequence': String(expectedLastSubjectSeq),
    }),
  };
}

/** Appends one message to a stream; tells what became of it and never throws for it. */
export async function commitTo(
  mux: RequestMux,
  subject: string,
  payload: Payload,
  options: CommitOptions,
): Promise<CommitResult> {
  try {
    const headers = toNatsHeaders(commitHeaders(options), options.trace);
    const msg = await mux.request(subject, encodePayload(payload), {
      timeoutMs: options.timeoutMs ?? 5_000,
      headers,
    });
    return classifyPubAck(msg.data);
  } catch (cause) {
    if (!(cause instanceof BusError))
      return { kind: 'invalid', reason: cause instanceof Error ? cause.message : String(cause) };
    return cause.code === 'invalid'
      ? { kind: 'invalid', reason: cause.message }
      : { kind: 'doubt', cause: `${cause.code}: ${cause.message}` };
  }
}
