import { BusError } from './errors.ts';
import type { RequestMux } from './request-mux.ts';

/** Error part of a JetStream answer. */
export interface ApiError {
  readonly code: number;
  readonly errCode: number;
  readonly description: string;
}

/** JetStream error codes that decide something here. */
export const JS_CODES = {
  streamNotFound: 10059,
  noMessageFound: 10037,
  wrongLastSequence: 10071,
  wrongLastSequenceInProcess: 10164,
  duplicateInProcess: 10158,
  storeFailed: 10077,
  messageTooLarge: 10054,
  insufficientResources: 10023,
  storageExceeded: 10047,
  memoryExceeded: 10028,
  accountExceeded: 10002,
} as const;

export type ApiAnswer = { readonly error: ApiError } | { readonly value: Readonly<Record<string, unknown>> };

const decoder = new TextDecoder();

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws SyntaxError or TypeError when the bytes are no JetStream answer */
export function parseApiAnswer(data: Uint8Array): ApiAnswer {
  const value: unknown = JSON.parse(decoder.decode(data));
  if (!isRecord(value)) throw new TypeError('not a JetStream answer');
  const { error } = value;
  if (!isRecord(error)) return { value };
  const { code, err_code: errCode, description } = error;
  return {
    error: {
      code: typeof code === 'number' ? code : 0,
      errCode: typeof errCode === 'number' ? errCode : 0,
      description: typeof description === 'string' ? description : '',
    },
  };
}

/** Asks the JetStream API over a connection's request mux. */
export class JetStreamApi {
  readonly #mux: RequestMux;
  readonly #timeoutMs: number;

  constructor(mux: RequestMux, timeoutMs: number) {
    this.#mux = mux;
    this.#timeoutMs = timeoutMs;
  }

  /** The answer, error or not. @throws BusError `unavailable`, `no_responders`, `bad_reply` */
  async ask(verb: string, body?: object, timeoutMs = this.#timeoutMs): Promise<ApiAnswer> {
    const subject = `$JS.API.${verb}`;
    const data = body === undefined ? '' : JSON.stringify(body);
    const msg = await this.#mux.request(subject, data, { timeoutMs });
    try {
      return parseApiAnswer(msg.data);
    } catch (cause) {
      throw new BusError('bad_reply', subject, 'JetStream answered something unreadable', { cause });
    }
  }

  /** The good answer. @throws BusError also `not_found` and `remote` with code `js_<err_code>` */
  async call(verb: string, body?: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.ask(verb, body);
    if ('value' in answer) return answer.value;
    throw apiErrorToBusError(verb, answer.error);
  }
}

export function apiErrorToBusError(verb: string, { errCode, description }: ApiError): BusError {
  const subject = `$JS.API.${verb}`;
  if (errCode === JS_CODES.streamNotFound) return new BusError('not_found', subject, description);
  return new BusError('remote', subject, description, {
    remote: { code: `js_${errCode}`, message: description },
  });
}
