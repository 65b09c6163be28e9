import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';

export interface Passing {
  readonly method: string;
  readonly url: URL;
  readonly isWatch: boolean;
}

/** What becomes of a request instead of being passed on. */
export interface Instead {
  readonly status: number;
  readonly body: object | undefined;
}

/** Stands before the real API server and passes on what it is asked, until it is told to fail. */
export class ApiProxy implements AsyncDisposable {
  readonly #config: KubeConfig;
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();
  readonly passed: Passing[] = [];
  /** May change the URL, and may answer itself. */
  fault: ((request: Passing) => Instead | undefined) | undefined;
  #isFrozen = new Set<ServerResponse>();

  private constructor(kubeconfig: string) {
    this.#config = new KubeConfig();
    this.#config.loadFromFile(kubeconfig);
    this.#server = createServer((request, response) => {
      this.#take(request, response).catch(() => response.destroy());
    });
  }

  static async start(kubeconfig: string): Promise<ApiProxy> {
    const proxy = new ApiProxy(kubeconfig);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get watches(): Passing[] {
    return this.passed.filter(({ isWatch }) => isWatch);
  }

  get lists(): Passing[] {
    return this.passed.filter(({ isWatch, method }) => !isWatch && method === 'GET');
  }

  /** Nothing more comes through connections that are open now, and nobody closes them. */
  freeze(): void {
    this.#isFrozen = new Set(this.#open);
  }

  /** Ends open answers as a server that shuts down in order. */
  end(): void {
    for (const response of this.#open) response.end();
  }

  /** Resets open connections. */
  reset(): void {
    for (const response of this.#open) response.socket?.resetAndDestroy();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.#config.getCurrentCluster()?.server);
    const passing = { method: request.method ?? '', url, isWatch: url.searchParams.get('watch') === 'true' };
    this.passed.push(passing);
    const instead = this.fault?.(passing);
    if (instead !== undefined) {
      response.writeHead(instead.status).end(instead.body && JSON.stringify(instead.body));
      return;
    }
    this.#open.add(response);
    response.on('close', () => this.#open.delete(response));
    const options: RequestOptions = { method: passing.method, headers: {} };
    await this.#config.applyToHTTPSOptions(options);
    const type = request.headers['content-type'];
    options.headers = { ...options.headers, ...(type !== undefined && { 'content-type': type }) };
    const upstream = httpsRequest(url, options, (answer) => this.#answer(answer, response));
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }

  #answer(answer: IncomingMessage, response: ServerResponse): void {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.on('data', (piece: Uint8Array) => {
      if (!this.#isFrozen.has(response)) response.write(piece);
    });
    answer.on('end', () => {
      if (!this.#isFrozen.has(response)) response.end();
    });
    answer.on('error', () => response.destroy());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
