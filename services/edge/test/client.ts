import { once } from 'node:events';
import {
  decodeGameFrame,
  type GameFrame,
  type ServerFrame,
  type ServerFrameOf,
  SOCKET_PATH,
  SUBPROTOCOL,
} from '@breakwater/protocol';
import { eventually } from '@breakwater/testkit';
import { type ClientOptions, WebSocket } from 'ws';

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A bare WebSocket client that keeps everything it gets, in order. */
export class TestClient implements AsyncDisposable {
  readonly ws: WebSocket;
  readonly frames: ServerFrame[] = [];
  readonly gameFrames: GameFrame[] = [];
  /** Text and binary frames as they came, to see their order. */
  readonly all: (ServerFrame | GameFrame)[] = [];
  pings = 0;
  closed: Closed | undefined;
  /** Above the ids that tests choose themselves. */
  #lastId = 1_000;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data, isBinary) => this.#onMessage(data as Buffer, isBinary));
    ws.on('ping', () => {
      this.pings += 1;
    });
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    ws.on('error', () => undefined);
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      const decoded = decodeGameFrame(new Uint8Array(data));
      if (!decoded.ok) throw decoded.error;
      this.gameFrames.push(decoded.value);
      this.all.push(decoded.value);
      return;
    }
    const frame = JSON.parse(data.toString('utf8')) as ServerFrame;
    this.frames.push(frame);
    this.all.push(frame);
  }

  of<T extends ServerFrame['t']>(type: T): ServerFrameOf<T>[] {
    return this.frames.filter((frame): frame is ServerFrameOf<T> => frame.t === type);
  }

  send(frame: Record<string, unknown>): void {
    this.ws.send(JSON.stringify(frame));
  }

  /** Sends with a fresh id and waits for the frame that echoes it. */
  async request<T extends ServerFrame['t']>(
    type: T,
    frame: Record<string, unknown>,
  ): Promise<ServerFrameOf<T>> {
    const answer = await this.ask(frame);
    if (answer.t !== type) throw new Error(`expected ${type}, got ${JSON.stringify(answer)}`);
    return answer as ServerFrameOf<T>;
  }

  async ask(frame: Record<string, unknown>): Promise<ServerFrame> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.send({ ...frame, id });
    return this.answer(id);
  }

  answer(id: number): Promise<ServerFrame> {
    return eventually(() => this.frames.find((frame) => 'id' in frame && frame.id === id) ?? false, {
      message: `the answer to request ${id}`,
    }) as Promise<ServerFrame>;
  }

  texts(room: string): string[] {
    return this.of('room.message')
      .filter((frame) => frame.room === room)
      .map((frame) => frame.text);
  }

  async closing(): Promise<Closed> {
    await eventually(() => this.closed !== undefined, { message: 'the connection to close' });
    return this.closed!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ws.readyState === WebSocket.CLOSED) return;
    this.ws.terminate();
    if (this.closed === undefined) await once(this.ws, 'close');
  }
}

export interface OpenOptions {
  readonly token?: string;
  readonly path?: string;
  readonly protocols?: string[];
  readonly ws?: ClientOptions;
  /** Bytes that go out in the same packet as the handshake are not possible with `ws`; see the raw tests. */
  readonly waitForWelcome?: boolean;
}

export function socketTo(port: number, options: OpenOptions = {}): WebSocket {
  const { token, ws, path = SOCKET_PATH, protocols = [SUBPROTOCOL] } = options;
  const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...ws?.headers };
  return new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, {
    perMessageDeflate: false,
    ...ws,
    headers,
  });
}

/** Connects and waits for the welcome. */
export async function open(port: number, options: OpenOptions = {}): Promise<TestClient> {
  const client = new TestClient(socketTo(port, options));
  await eventually(() => client.of('welcome').length === 1 || client.closed !== undefined, {
    message: 'the welcome',
  });
  if (client.closed !== undefined) throw new Error('the handshake was refused');
  return client;
}

export interface Refused {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: { error?: string; message?: string; retryAfterMs?: number };
}

/** Tries a handshake that must be refused. @returns the HTTP answer */
export function refusal(port: number, options: OpenOptions = {}): Promise<Refused> {
  const ws = socketTo(port, options);
  return new Promise((resolve, reject) => {
    ws.on('open', () => {
      ws.terminate();
      reject(new Error('the handshake was not refused'));
    });
    ws.on('error', reject);
    ws.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => {
        const body = text === '' ? {} : (JSON.parse(text) as Refused['body']);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
  });
}
