import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance } from 'fastify';
import { Forwarder } from './forwarder.ts';

export interface PageServerOptions {
  readonly host: string;
  readonly port: number;
  readonly edges: readonly string[];
  readonly page: string;
  /** Base URL of the edges: what comes in under `/v1` is passed on to it. */
  readonly forwardTo?: string | undefined;
  readonly maxForwardedSockets: number;
  readonly forwardTimeoutMs: number;
}

/** Serves the built page and `/config.json`, which lists the edges; none means that the page's own address is one. */
export class PageServer {
  readonly #options: PageServerOptions;
  readonly #server: FastifyInstance;
  #forwarder: Forwarder | undefined;

  constructor(options: PageServerOptions, onAnswer: (statusClass: string) => void) {
    this.#options = options;
    this.#server = fastify({ forceCloseConnections: true, connectionTimeout: 5_000, requestTimeout: 10_000 });
    this.#server.addHook('onSend', async (request, reply) => {
      reply.headers(securityHeaders(this.#edges));
      if (!request.url.startsWith('/assets/')) reply.header('cache-control', 'no-cache');
    });
    this.#server.addHook('onResponse', async (_request, reply) => {
      onAnswer(`${Math.floor(reply.statusCode / 100)}xx`);
    });
  }

  /** Resolves with the port. */
  async start(): Promise<number> {
    const { host, port, page } = this.#options;
    await this.#server.register(fastifyStatic, { root: resolve(page), immutable: true, maxAge: '1y' });
    this.#server.get('/config.json', async () => ({ edges: this.#edges }));
    this.#forward();
    await this.#server.listen({ host, port });
    const address = this.#server.server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  get #edges(): readonly string[] {
    return this.#options.forwardTo === undefined ? this.#options.edges : [];
  }

  #forward(): void {
    const { forwardTo, maxForwardedSockets, forwardTimeoutMs } = this.#options;
    if (forwardTo === undefined) return;
    const forwarder = new Forwarder({
      to: forwardTo,
      maxSockets: maxForwardedSockets,
      answerTimeoutMs: forwardTimeoutMs,
    });
    this.#forwarder = forwarder;
    // The body goes through as it comes.
    this.#server.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
      scope.all('/v1/*', async (request, reply) => {
        reply.hijack();
        await forwarder.forward(request.raw, reply.raw);
      });
    });
    this.#server.server.on('upgrade', (request, socket, head) => {
      if (request.url?.startsWith('/v1/') === true) forwarder.upgrade(request, socket, head);
      else socket.destroy();
    });
  }

  async stop(): Promise<void> {
    this.#forwarder?.stop();
    await this.#server.close();
  }
}

/** The page runs its own script and style, and talks to the edges; nothing else. */
function securityHeaders(edges: readonly string[]): Record<string, string> {
  const sockets = edges.map((edge) => edge.replace(/^http/, 'ws'));
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data:",
      `connect-src 'self' ${[...edges, ...sockets].join(' ')}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "form-action 'self'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  };
}
