import {
  type ClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  formatMessageId,
  type ServerFrame,
  SOCKET_PATH,
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL_PREFIX,
} from '@breakwater/protocol';
import { WebSocket } from 'ws';
import type { RequestBody } from '../src/net/link.ts';

/** Speaks the protocol frame by frame, for what the SDK would never do. */
export class RawClient {
  readonly #ws: WebSocket;
  readonly #answers = new Map<number, (frame: ServerFrame) => void>();
  #id = 0;
  static #made = 0;

  constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', (data, isBinary) => {
      const decoded = isBinary ? undefined : decodeServerFrame(String(data));
      if (decoded?.ok !== true || !('id' in decoded.value) || decoded.value.id === undefined) return;
      this.#answers.get(decoded.value.id)?.(decoded.value);
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

  static messageId(): string {
    return formatMessageId('rawclient', Date.now(), ++RawClient.#made);
  }

  ask(body: RequestBody): Promise<ServerFrame> {
    const id = ++this.#id;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#ws.send(encodeClientFrame({ ...body, id } as ClientFrame));
    });
  }

  close(): void {
    this.#ws.close();
  }
}
