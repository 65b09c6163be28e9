import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MetricRegistry } from '../telemetry/metrics.ts';
import { PROMETHEUS_CONTENT_TYPE, renderPrometheus } from '../telemetry/prometheus.ts';
import type { Health, HealthReport } from './checks.ts';

export interface AdminServerOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  health: Health;
  registry: MetricRegistry;
}

function sendReport(response: ServerResponse, { ok, checks }: HealthReport): void {
  response.writeHead(ok ? 200 : 503, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify({ status: ok ? 'ok' : 'failing', checks }));
}

function sendText(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type });
  response.end(body);
}

/** Health and metrics, for probes and scrapers inside the cluster. */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #server: Server;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 8_192 },
      (request, response) => this.#answer(request, response),
    );
    this.#server.maxConnections = 100;
  }

  /** Where it listens, once started. */
  get port(): number {
    const address = this.#server.address() as AddressInfo | null;
    return address?.port ?? 0;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    const { health, registry } = this.#options;
    const path = (request.url ?? '/').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD')
      sendText(response, 405, 'text/plain', 'method not allowed\n');
    else if (path === '/livez') sendReport(response, health.live());
    else if (path === '/readyz') sendReport(response, health.ready());
    else if (path === '/startupz') sendReport(response, health.started());
    else if (path === '/metrics')
      sendText(response, 200, PROMETHEUS_CONTENT_TYPE, renderPrometheus(registry));
    else sendText(response, 404, 'text/plain', 'not found\n');
  }

  /** @throws Error of the system, for example EADDRINUSE */
  start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(this.#options.port, this.#options.host, () => {
      this.#server.off('error', reject);
      resolve();
    });
    return promise;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
