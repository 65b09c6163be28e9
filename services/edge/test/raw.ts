import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { eventually } from '@breakwater/testkit';

/** A TCP connection that speaks WebSocket by hand, also wrongly. */
export class RawSocket implements AsyncDisposable {
  readonly tcp: Socket;
  received = Buffer.alloc(0);
  isEnded = false;

  constructor(port: number, options: { allowHalfOpen?: boolean } = {}) {
    this.tcp = connect({ port, host: '127.0.0.1', ...options });
    this.tcp.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.tcp.on('error', () => undefined);
    this.tcp.on('close', () => {
      this.isEnded = true;
    });
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  /** The code of a close frame that came in as the last thing. */
  get closeCode(): number | undefined {
    const at = this.received.lastIndexOf(0x88);
    return at === -1 || at + 4 > this.received.length ? undefined : this.received.readUInt16BE(at + 2);
  }

  write(bytes: Uint8Array | string): void {
    this.tcp.write(bytes);
  }

  async ended(timeoutMs = 10_000): Promise<void> {
    await eventually(() => this.isEnded, { timeoutMs, message: 'the server to close the connection' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tcp.destroy();
  }
}

export function handshakeText(token: string, extra: Record<string, string> = {}): string {
  const headers: Record<string, string> = {
    host: '127.0.0.1',
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'breakwater.v1',
    authorization: `Bearer ${token}`,
    ...extra,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `GET /v1/ws HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

export interface FrameParts {
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly masked?: boolean;
  /** Stated in the header instead of the real length. */
  readonly claimedLength?: bigint;
}

/** A client frame, built as told. */
export function clientFrame(payload: Uint8Array | string, parts: FrameParts = {}): Buffer {
  const { opcode = 1, fin = true, rsv = 0, masked = true, claimedLength } = parts;
  const body = Buffer.from(payload);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  const length = claimedLength ?? BigInt(body.length);
  let header: Buffer;
  if (length < 126n) header = Buffer.from([first, maskBit | Number(length)]);
  else if (length < 65_536n) {
    header = Buffer.from([first, maskBit | 126, 0, 0]);
    header.writeUInt16BE(Number(length), 2);
  } else {
    header = Buffer.concat([Buffer.from([first, maskBit | 127]), Buffer.alloc(8)]);
    header.writeBigUInt64BE(length, 2);
  }
  if (!masked) return Buffer.concat([header, body]);
  const mask = randomBytes(4);
  return Buffer.concat([header, mask, body.map((byte, index) => byte ^ mask[index % 4]!)]);
}

/** Opens a WebSocket by hand and waits for the welcome. */
export async function openRaw(port: number, token: string): Promise<RawSocket> {
  const raw = new RawSocket(port);
  raw.write(handshakeText(token));
  await eventually(() => raw.text.includes('"t":"welcome"'), { message: 'the welcome' });
  return raw;
}
