import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Headers about one hop only; those of the upgrade itself are passed on for sockets. */
const HOP_HEADERS = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding'];

export interface ForwarderOptions {
  /** Base URL of the edges inside the cluster. */
  readonly to: string;
  /** Sockets that are forwarded at once; more are answered 503. */
  readonly maxSockets: number;
  /** How long the edge may take to begin its answer, ms. */
  readonly answerTimeoutMs: number;
}

/**
 * Passes what comes in under the edge's paths on to an edge, byte by byte: answers, refused upgrades and close codes
 * arrive as the edge made them, and a slow side slows down the other.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64, maxTotalSockets: 256 });
  readonly #tunnels = new Set<Duplex>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** Answers with what the edge answers; 502 when it cannot be reached, 403 to pages of another origin. */
  async forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    if (!isSameOrigin(incoming.headers)) {
      refuse(outgoing, 403, 'forbidden');
      return;
    }
    const upstream = this.#request(incoming, withoutHop(incoming.headers), this.#agent);
    const answered = answerOf(upstream, this.#options.answerTimeoutMs);
    outgoing.once('close', () => upstream.destroy());
    try {
      const [answer] = await Promise.all([answered, pipeline(incoming, upstream)]);
      outgoing.writeHead(answer.statusCode ?? 502, withoutHop(answer.headers));
      await pipeline(answer, outgoing);
    } catch {
      if (!outgoing.headersSent) refuse(outgoing, 502, 'unavailable');
      else outgoing.destroy();
    }
  }

  /** Joins the client's socket with one to the edge once that has taken the upgrade. */
  upgrade(incoming: IncomingMessage, client: Duplex, head: Buffer): void {
    client.on('error', () => client.destroy());
    (client as Socket).setTimeout(0);
    const refusal = this.#refusalOf(incoming);
    if (refusal !== undefined) {
      refuseUpgrade(client, refusal);
      return;
    }
    this.#tunnels.add(client);
    client.once('close', () => this.#tunnels.delete(client));
    const upstream = this.#request(incoming, { ...incoming.headers }, false);
    client.once('close', () => upstream.destroy());
    const timer = setTimeout(() => upstream.destroy(new Error('no answer')), this.#options.answerTimeoutMs);
    upstream.once('close', () => clearTimeout(timer));
    upstream.once('error', () => refuseUpgrade(client, '502 Bad Gateway'));
    upstream.once('response', (answer) => void relayRefusal(answer, client));
    upstream.once('upgrade', (answer, edge, edgeHead) => {
      clearTimeout(timer);
      edge.setTimeout(0);
      client.write(headOf(answer));
      if (edgeHead.length > 0) client.write(edgeHead);
      if (head.length > 0) edge.write(head);
      void join(client, edge);
    });
    upstream.end();
  }

  stop(): void {
    for (const socket of this.#tunnels) socket.destroy();
    this.#agent.destroy();
  }

  #refusalOf({ headers }: IncomingMessage): string | undefined {
    if (!isSameOrigin(headers)) return '403 Forbidden';
    const isFull = this.#tunnels.size >= this.#options.maxSockets;
    return isFull ? '503 Service Unavailable\r\nRetry-After: 5' : undefined;
  }

  #request(incoming: IncomingMessage, headers: IncomingHttpHeaders, agent: Agent | false): ClientRequest {
    const { origin: _sameAsOurs, ...rest } = headers;
    const url = new URL(incoming.url ?? '/', this.#options.to);
    return request(url, {
      method: incoming.method ?? 'GET',
      headers: { ...rest, 'x-forwarded-for': forwardedFor(incoming) },
      agent,
    });
  }
}

/** The page may call; pages of other origins may not. Callers that are no browsers send no origin. */
function isSameOrigin({ origin, host }: IncomingHttpHeaders): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function forwardedFor({ headers, socket }: IncomingMessage): string {
  const before = headers['x-forwarded-for'];
  return [before, socket.remoteAddress].flat().filter(Boolean).join(', ');
}

function withoutHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_HEADERS.includes(name)));
}

async function answerOf(upstream: ClientRequest, timeoutMs: number): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const timer = setTimeout(() => upstream.destroy(new Error('no answer')), timeoutMs);
  upstream.once('response', resolve);
  upstream.once('error', reject);
  upstream.once('close', () => reject(new Error('closed')));
  return promise.finally(() => clearTimeout(timer));
}

/** Status line and headers as they came, doubled ones included. */
function headOf({ httpVersion, statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/${httpVersion} ${statusCode} ${statusMessage}`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

async function relayRefusal(answer: IncomingMessage, client: Duplex): Promise<void> {
  // The edge ends the connection after a refusal, so that the body's end needs no chunks.
  const chunked = /^transfer-encoding$/i;
  const raw = answer.rawHeaders;
  const kept = raw.filter((_, index) => !chunked.test(raw[index - (index % 2)] ?? ''));
  client.write(headOf(Object.assign(answer, { rawHeaders: kept })));
  await pipeline(answer, client).catch(() => client.destroy());
}

/** Each side's end and each side's death is the other's. */
async function join(client: Duplex, edge: Duplex): Promise<void> {
  const ways = [pipeline(edge, client), pipeline(client, edge)];
  await Promise.allSettled(ways);
  client.destroy();
  edge.destroy();
}

function refuse(outgoing: ServerResponse, status: number, error: string): void {
  outgoing.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  outgoing.end(JSON.stringify({ error, message: 'The page could not pass this on.' }));
}

/** @param status status line, and headers after line breaks */
function refuseUpgrade(client: Duplex, status: string): void {
  if (client.destroyed || client.writableEnded) return;
  client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
