/**
 * A WebSocket client that only counts: it reads frame headers and skips what is in them. Every server under test gets
 * the same one, so that what clients cost is small and equal.
 */

import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface RawClientOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as soon as the socket stands. */
  readonly greeting?: readonly string[];
  /** Only frames whose text begins so are counted; default all. */
  readonly prefix?: string;
  /** Text frames that must be answered, by their text. */
  readonly answers?: Readonly<Record<string, string>>;
}

const OPCODE = { text: 1, close: 8, ping: 9, pong: 10 } as const;

export class RawClient {
  /** Frames counted. */
  count = 0;
  readonly opened: Promise<void>;
  readonly #socket: Socket;
  readonly #prefix: Buffer;
  readonly #options: RawClientOptions;
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;

  constructor(options: RawClientOptions) {
    this.#options = options;
    this.#prefix = Buffer.from(options.prefix ?? '');
    this.#socket = connect({ host: options.host, port: options.port, noDelay: true });
    this.#socket.write(upgradeRequest(options));
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.once('close', () => reject(new Error('closed before it was open')));
      this.#socket.on('data', (chunk) => this.#onData(chunk, resolve, reject));
    });
  }

  send(text: string): void {
    this.#socket.write(maskedFrame(OPCODE.text, Buffer.from(text)));
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer, resolve: () => void, reject: (error: Error) => void): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#isOpen) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) {
        this.#rest = bytes;
        return;
      }
      const head = bytes.subarray(0, end).toString('latin1');
      if (!head.startsWith('HTTP/1.1 101')) {
        reject(new Error(head.split('\r\n')[0]));
        return;
      }
      this.#isOpen = true;
      bytes = bytes.subarray(end + 4);
      for (const text of this.#options.greeting ?? []) this.send(text);
      resolve();
    }
    this.#rest = this.#readFrames(bytes);
  }

  /** Counts whole frames; gives back what is left over. */
  #readFrames(bytes: Buffer): Buffer {
    let offset = 0;
    while (bytes.length - offset >= 2) {
      const short = bytes[offset + 1]! & 0x7f;
      const headLength = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length - offset < headLength) break;
      const length = payloadLength(bytes, offset, short);
      if (bytes.length - offset < headLength + length) break;
      this.#onFrame(bytes[offset]! & 0x0f, bytes, offset + headLength, length);
      offset += headLength + length;
    }
    return offset === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(offset));
  }

  #onFrame(opcode: number, bytes: Buffer, from: number, length: number): void {
    if (opcode === OPCODE.ping) {
      this.#socket.write(maskedFrame(OPCODE.pong, bytes.subarray(from, from + length)));
      return;
    }
    if (opcode !== OPCODE.text) return;
    const { answers } = this.#options;
    if (answers !== undefined && length < 16) {
      const answer = answers[bytes.toString('utf8', from, from + length)];
      if (answer !== undefined) {
        this.send(answer);
        return;
      }
    }
    const prefix = this.#prefix;
    if (
      length >= prefix.length &&
      bytes.compare(prefix, 0, prefix.length, from, from + prefix.length) === 0
    ) {
      this.count++;
    }
  }
}

function payloadLength(bytes: Buffer, offset: number, short: number): number {
  if (short === 126) return bytes.readUInt16BE(offset + 2);
  return short === 127 ? Number(bytes.readBigUInt64BE(offset + 2)) : short;
}

function upgradeRequest({ host, port, path, headers = {} }: RawClientOptions): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const head =
    payload.length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | payload.length])
      : Buffer.from([0x80 | opcode, 0xfe, payload.length >> 8, payload.length & 0xff]);
  const body = Buffer.from(payload);
  for (let index = 0; index < body.length; index++) body[index]! ^= mask[index % 4]!;
  return Buffer.concat([head, mask, body]);
}
