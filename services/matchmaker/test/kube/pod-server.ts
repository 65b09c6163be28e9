import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: object;
}

/** A pod as the API would tell of it. */
export function podObject(name: string, version: number, more: object = {}): object {
  return { metadata: { name, resourceVersion: String(version) }, status: { phase: 'Running' }, ...more };
}

/**
 * Speaks list and watch over real sockets, for faults of the connection that a real API server shows rarely. What the
 * real one says is tested with the real one.
 */
export class PodServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #watches = new Set<ServerResponse>();
  pods: object[] = [];
  version = 10;
  lists = 0;
  /** Version that each watch asked for. */
  readonly watchedFrom: string[] = [];
  /** Takes the place of the answer where it returns one; `end` is an empty watch, `silent` no answer at all. */
  fault: ((isWatch: boolean) => Answer | 'end' | 'silent' | undefined) | undefined;

  private constructor() {
    this.#server = createServer((request, response) => this.#take(request, response));
  }

  static async start(): Promise<PodServer> {
    const server = new PodServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get watches(): number {
    return this.#watches.size;
  }

  /** Sends bytes to every watch, as they are. */
  send(bytes: string | Uint8Array): void {
    for (const watch of this.#watches) watch.write(bytes);
  }

  event(type: string, object: object): void {
    this.send(`${JSON.stringify({ type, object })}\n`);
  }

  end(): void {
    for (const watch of this.#watches) watch.end();
  }

  reset(): void {
    for (const watch of this.#watches) watch.socket?.resetAndDestroy();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', this.url);
    const isWatch = url.searchParams.get('watch') === 'true';
    if (isWatch) this.watchedFrom.push(url.searchParams.get('resourceVersion') ?? '');
    else this.lists += 1;
    const fault = this.fault?.(isWatch);
    if (fault === 'silent') return;
    if (fault === 'end') response.end();
    else if (fault !== undefined) response.writeHead(fault.status).end(JSON.stringify(fault.body));
    else if (isWatch) this.#watch(response);
    else
      response.end(JSON.stringify({ metadata: { resourceVersion: String(this.version) }, items: this.pods }));
  }

  #watch(response: ServerResponse): void {
    this.#watches.add(response);
    response.on('close', () => this.#watches.delete(response));
    response.flushHeaders();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
