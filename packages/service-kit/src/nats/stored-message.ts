import { BusError } from './errors.ts';

/** A message of a stream, read from its leader. */
export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
  /** When it was stored, ms since 1970 (by the stream leader's clock). */
  readonly timeMs: number;
  header(name: string): string | undefined;
}

function parseHeaders(base64: unknown): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  if (typeof base64 !== 'string' || base64 === '') return headers;
  for (const line of Buffer.from(base64, 'base64').toString('utf8').split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}

/** Decodes the answer of `STREAM.MSG.GET`. @throws BusError `bad_reply` */
export function parseStoredMessage(verb: string, value: Readonly<Record<string, unknown>>): StoredMessage {
  const message = value.message as Readonly<Record<string, unknown>> | undefined;
  const { subject, seq, data, hdrs, time } = message ?? {};
  if (typeof subject !== 'string' || typeof seq !== 'number' || typeof time !== 'string') {
    throw new BusError('bad_reply', `$JS.API.${verb}`, 'JetStream answered without a message');
  }
  let headers: ReadonlyMap<string, string> | undefined;
  return {
    subject,
    seq,
    data: typeof data === 'string' ? Buffer.from(data, 'base64') : new Uint8Array(0),
    timeMs: Date.parse(time),
    header(name) {
      headers ??= parseHeaders(hdrs);
      return headers.get(name);
    },
  };
}
