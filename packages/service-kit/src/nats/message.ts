import { type Msg, type MsgHdrs, headers as natsHeaders } from '@nats-io/transport-node';
import { parseTraceParent, TRACEPARENT_HEADER, type TraceParent } from '../telemetry/tracer.ts';

/** Bytes and strings go as they are (a string is text that is already encoded); anything else as JSON. */
export type Payload = Uint8Array | string | object;

export type HeaderRecord = Readonly<Record<string, string>>;

const decoder = new TextDecoder();

/** A message as a handler sees it. `data` may share memory with the socket's read buffer: copy what is kept. */
export class BusMessage {
  readonly #msg: Msg;

  constructor(msg: Msg) {
    this.#msg = msg;
  }

  get subject(): string {
    return this.#msg.subject;
  }

  get data(): Uint8Array {
    return this.#msg.data;
  }

  /** Where an answer is expected; `undefined` when none is. */
  get reply(): string | undefined {
    return this.#msg.reply || undefined;
  }

  /** Value of a header, exact name; `undefined` when it is not there. */
  header(name: string): string | undefined {
    return this.#msg.headers?.get(name) || undefined;
  }

  /** The trace that the sender handed on. */
  get trace(): TraceParent | undefined {
    return parseTraceParent(this.header(TRACEPARENT_HEADER));
  }

  /** @throws SyntaxError */
  json(): unknown {
    return JSON.parse(decoder.decode(this.data));
  }

  /** Answers by hand; `handle` does it by itself. False when nobody waits. */
  respond(payload: Payload, headers?: HeaderRecord): boolean {
    const hdrs = toNatsHeaders(headers);
    return this.#msg.respond(encodePayload(payload), hdrs === undefined ? {} : { headers: hdrs });
  }
}

/** @throws TypeError when an object cannot be JSON */
export function encodePayload(payload: Payload): Uint8Array | string {
  if (payload instanceof Uint8Array || typeof payload === 'string') return payload;
  return JSON.stringify(payload);
}

/** NATS headers of a plain record and a trace; `undefined` when there is none. */
export function toNatsHeaders(record: HeaderRecord | undefined, trace?: TraceParent): MsgHdrs | undefined {
  if (record === undefined && trace === undefined) return undefined;
  const hdrs = natsHeaders();
  for (const name in record) hdrs.set(name, record[name] ?? '');
  if (trace !== undefined) hdrs.set(TRACEPARENT_HEADER, trace);
  return hdrs;
}
