import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { answerError, KubeError } from './kube-error.ts';
import { LineSplitter } from './line-splitter.ts';

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const MAX_MESSAGE = 300;

export interface WatchOptions {
  /** Without a byte for this long the connection is taken for dead, ms. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/**
 * Requests to the Kubernetes API. The library's part is who and where: kubeconfig or service account, token, TLS. The
 * connection is ours: a watch that is silent, cut or ended must be told apart, which its `Watch` does not.
 */
export class KubeApi {
  readonly #config: KubeConfig;
  readonly #timeoutMs: number;
  readonly #end = new AbortController();

  constructor(config: KubeConfig, timeoutMs: number) {
    this.#config = config;
    this.#timeoutMs = timeoutMs;
  }

  /** Breaks off what was asked and not answered; nothing can be asked any more. */
  close(): void {
    this.#end.abort();
  }

  /** @throws KubeError */
  get(path: string, signal?: AbortSignal): Promise<unknown> {
    return this.#ask('GET', path, { signal });
  }

  /** A JSON merge patch. @throws KubeError */
  patch(path: string, body: unknown): Promise<unknown> {
    return this.#ask('PATCH', path, { body: JSON.stringify(body) });
  }

  /** Reads lines until the server ends the answer. @throws KubeError, and what `onLine` throws */
  async watch(path: string, { idleMs, signal, onLine }: WatchOptions): Promise<void> {
    const { request, response } = await this.#open('GET', path, { signal, timeoutMs: idleMs });
    if (response.statusCode !== 200) throw await this.#answer(request, response);
    const splitter = new LineSplitter(MAX_LINE_BYTES);
    await read(request, response, idleMs, (piece) => {
      for (const line of splitter.push(piece)) onLine(line);
    });
  }

  async #ask(
    method: string,
    path: string,
    { body, signal }: { body?: string; signal?: AbortSignal | undefined },
  ) {
    const { request, response } = await this.#open(method, path, {
      body,
      signal,
      timeoutMs: this.#timeoutMs,
    });
    if (response.statusCode !== 200) throw await this.#answer(request, response);
    return parse(await this.#body(request, response));
  }

  async #answer(request: ClientRequest, response: IncomingMessage): Promise<KubeError> {
    const text = await this.#body(request, response);
    return answerError(response.statusCode ?? 0, messageOf(text));
  }

  async #body(request: ClientRequest, response: IncomingMessage): Promise<string> {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    await read(request, response, this.#timeoutMs, (piece) => {
      bytes += piece.length;
      if (bytes > MAX_BODY_BYTES)
        throw new KubeError('malformed', `an answer of more than ${MAX_BODY_BYTES} bytes`);
      pieces.push(piece);
    });
    return Buffer.concat(pieces).toString();
  }

  async #open(
    method: string,
    path: string,
    more: { body?: string | undefined; signal?: AbortSignal | undefined; timeoutMs: number },
  ): Promise<{ request: ClientRequest; response: IncomingMessage }> {
    const { options, url } = await this.#options(method, path, more.signal);
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
    return new Promise((resolve, reject) => {
      const request = send(url, options);
      const timer = setTimeout(() => request.destroy(silence(more.timeoutMs)), more.timeoutMs);
      request.on('error', (error) => {
        clearTimeout(timer);
        reject(asDropped(error));
      });
      request.on('response', (response) => {
        clearTimeout(timer);
        resolve({ request, response });
      });
      request.end(more.body);
    });
  }

  async #options(method: string, path: string, signal: AbortSignal | undefined) {
    const cluster = this.#config.getCurrentCluster();
    if (cluster === null) throw new KubeError('refused', 'the kubeconfig names no cluster');
    const options: RequestOptions = { method, headers: {} };
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (cause) {
      throw new KubeError('dropped', 'no credentials for the Kubernetes API', { cause });
    }
    options.headers = { ...options.headers, accept: 'application/json' };
    if (method === 'PATCH')
      options.headers = { ...options.headers, 'content-type': 'application/merge-patch+json' };
    options.signal = signal ?? this.#end.signal;
    return { options, url: new URL(cluster.server + path) };
  }
}

/** Hands over the pieces of an answer until it ends; silence, a break and a throwing `take` end it with an error. */
function read(
  request: ClientRequest,
  response: IncomingMessage,
  idleMs: number,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(silence(idleMs)), idleMs);
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(asDropped(error));
      request.destroy();
    };
    response.on('data', (piece: Uint8Array) => {
      timer.refresh();
      try {
        take(piece);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
    response.on('error', fail);
    response.on('close', () => fail(new Error('the connection broke')));
    response.on('end', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function silence(idleMs: number): KubeError {
  return new KubeError('silent', `the Kubernetes API said nothing for ${idleMs} ms`);
}

/** Errors of the socket and of TLS; what has a name of its own keeps it. */
function asDropped(error: Error): Error {
  if (error instanceof KubeError || !('code' in error || error.message === 'the connection broke'))
    return error;
  return new KubeError('dropped', `the Kubernetes API cannot be reached: ${error.message}`, { cause: error });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KubeError('malformed', 'the Kubernetes API did not answer with JSON', { cause });
  }
}

/** The message of a Status object, or what was said instead of one. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message.slice(0, MAX_MESSAGE);
  } catch {
    // Proxies answer in words of their own.
  }
  return text.slice(0, MAX_MESSAGE);
}
