import { resolve } from 'node:path';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance } from 'fastify';

export interface PageServerOptions {
  readonly host: string;
  readonly port: number;
  readonly edges: readonly string[];
  readonly page: string;
}

/** Serves the built page and `/config.json`, which lists the edges. */
export class PageServer {
  readonly #options: PageServerOptions;
  readonly #server: FastifyInstance;

  constructor(options: PageServerOptions, onAnswer: (statusClass: string) => void) {
    this.#options = options;
    this.#server = fastify({ forceCloseConnections: true, connectionTimeout: 5_000, requestTimeout: 10_000 });
    this.#server.addHook('onSend', async (request, reply) => {
      reply.headers(securityHeaders(options.edges));
      if (!request.url.startsWith('/assets/')) reply.header('cache-control', 'no-cache');
    });
    this.#server.addHook('onResponse', async (_request, reply) => {
      onAnswer(`${Math.floor(reply.statusCode / 100)}xx`);
    });
  }

  /** Resolves with the port. */
  async start(): Promise<number> {
    const { host, port, edges, page } = this.#options;
    await this.#server.register(fastifyStatic, { root: resolve(page), immutable: true, maxAge: '1y' });
    this.#server.get('/config.json', async () => ({ edges }));
    await this.#server.listen({ host, port });
    const address = this.#server.server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  async stop(): Promise<void> {
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
