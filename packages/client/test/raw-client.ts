import {
  type ClientFrame,
  decodeGameFrame,
  decodeServerFrame,
  encodeClientFrame,
  formatMessageId,
  type GameFrame,
  type ServerFrame,
  type ServerFrameOf,
  SOCKET_PATH,
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL_PREFIX,
} from '@breakwater/protocol';
import { WebSocket } from 'ws';
import type { RequestBody } from '../src/net/link.ts';

/** Speaks the protocol frame by frame, for what the SDK would never do. */
export class RawClient {
  readonly ws: WebSocket;
  readonly frames: ServerFrame[] = [];
  readonly gameFrames: GameFrame[] = [];
  /** Settles when the socket is closed. */
  readonly closeCode: Promise<number>;
  readonly #answers = new Map<number, (frame: ServerFrame) => void>();
  #id = 0;
  static #made = 0;

  constructor(ws: WebSocket) {
    this.ws = ws;
    this.closeCode = new Promise((resolve) => ws.once('close', resolve));
    ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#takeGameFrame(data);
      else this.#takeFrame(String(data));
    });
  }

  static async open(url: string, token: string): Promise<RawClient> {
    const protocols = [SUBPROTOCOL, `${TOKEN_SUBPROTOCOL_PREFIX}${token}`];
    const ws = new WebSocket(`${url.replace('http', 'ws')}${SOCKET_PATH}`, protocols);
    const client = new RawClient(ws);
    await new Promise<void>((resolve, reject) => {
      ws.once('message', () => resolve());
      ws.once('error', reject);
    });
    return client;
  }

  static messageId(timeMs = Date.now()): string {
    return formatMessageId('rawclient', timeMs, ++RawClient.#made);
  }

  ask(body: RequestBody): Promise<ServerFrame> {
    const id = ++this.#id;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.ws.send(encodeClientFrame({ ...body, id } as ClientFrame));
    });
  }

  of<T extends ServerFrame['t']>(type: T): ServerFrameOf<T>[] {
    return this.frames.filter((frame): frame is ServerFrameOf<T> => frame.t === type);
  }

  close(): void {
    this.ws.close(1000);
  }

  [Symbol.dispose](): void {
    this.ws.terminate();
  }

  #takeFrame(text: string): void {
    const decoded = decodeServerFrame(text);
    if (!decoded.ok) throw decoded.error;
    this.frames.push(decoded.value);
    if ('id' in decoded.value && decoded.value.id !== undefined)
      this.#answers.get(decoded.value.id)?.(decoded.value);
  }

  #takeGameFrame(data: Buffer): void {
    const decoded = decodeGameFrame(data);
    if (!decoded.ok) throw decoded.error;
    this.gameFrames.push(decoded.value);
  }
}
