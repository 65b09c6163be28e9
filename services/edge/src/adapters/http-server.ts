import type { ServerOptions as HttpsOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import {
  ERRORS,
  type ErrorCode,
  GUEST_PATH,
  isErrorCode,
  SOCKET_PATH,
  SUBPROTOCOL,
  TICKET_PATH,
} from '@breakwater/protocol';
import cors from '@fastify/cors';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { Certificate } from './certificate.ts';
import type { Identity } from './connection.ts';
import type { EdgeConfig, EdgeDeps } from './deps.ts';
import { failureOf } from './errors.ts';
import type { GuestIssuer } from './guest.ts';
import { type Handshake, Refusal } from './handshake.ts';
import type { Tickets } from './tickets.ts';

const MAX_BODY_BYTES = 4_096;
const CHECK_INTERVAL_MS = 500;
const KEEP_ALIVE_MS = 5_000;

export interface HttpServerParts {
  readonly handshake: Handshake;
  readonly tickets: Tickets;
  readonly guests: GuestIssuer;
  /** Takes the socket synchronously: a message may already be waiting in it. */
  readonly onSocket: (ws: WebSocket, tcp: Socket, identity: Identity) => void;
}

/** The port that clients connect to: the upgrade to a WebSocket, tickets, and guest tokens in development. */
export class HttpServer {
  readonly #deps: EdgeDeps;
  readonly #parts: HttpServerParts;
  readonly #app: FastifyInstance;
  readonly #certificate: Certificate | undefined;
  /** Sockets whose handshake is being checked: a stop must not wait for them. */
  readonly #upgrading = new Set<Socket>();

  constructor(deps: EdgeDeps, parts: HttpServerParts) {
    this.#deps = deps;
    this.#parts = parts;
    this.#certificate = certificateOf(deps);
    this.#app = this.#build();
  }

  /** @returns the port */
  async start(): Promise<number> {
    const { host, port } = this.#deps.config;
    await this.#registerRoutes();
    // Those that have not said anything yet count too; above this the system refuses for us.
    this.#app.server.maxConnections = this.#deps.config.maxConnections * 2;
    await this.#app.listen({ host, port });
    if (this.#app.server instanceof TlsServer) this.#certificate?.follow(this.#app.server);
    return (this.#app.server.address() as AddressInfo).port;
  }

  /** Sockets that were upgraded must have been closed before. */
  async stop(): Promise<void> {
    this.#certificate?.stop();
    for (const socket of this.#upgrading) socket.destroy();
    await this.#app.close();
  }

  #build(): FastifyInstance {
    const { connectionTimeoutMs, requestTimeoutMs, trustedProxies } = this.#deps.config;
    const server = {
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      headersTimeout: requestTimeoutMs,
      maxHeaderSize: 16_384,
    };
    const keyPair = this.#certificate?.keyPair;
    const tls = { ...server, ...keyPair, minVersion: 'TLSv1.2', handshakeTimeout: connectionTimeoutMs };
    const options = {
      logger: false,
      trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
      bodyLimit: MAX_BODY_BYTES,
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      forceCloseConnections: true,
      routerOptions: { maxParamLength: 100 },
      clientErrorHandler: onClientError,
    } as const;
    // A server with TLS is one without as far as routes and hooks are concerned.
    return keyPair === undefined
      ? Fastify({ ...options, http: server })
      : (Fastify({ ...options, https: tls as HttpsOptions }) as unknown as FastifyInstance);
  }

  async #registerRoutes(): Promise<void> {
    const { config } = this.#deps;
    const app = this.#app;
    app.setErrorHandler((cause, request, reply) => this.#refuse(cause, request, reply));
    app.setNotFoundHandler((request, reply) => {
      this.#sendError(reply, 404, 'bad_request', 'There is nothing here.');
      this.#deps.metrics.denied.add(request.ws ? 1 : 0, { reason: 'not_found' });
    });
    await app.register(cors, {
      origin: (origin, decide) => decide(null, this.#parts.handshake.isOriginAllowed(origin)),
      methods: ['POST'],
      allowedHeaders: ['authorization', 'content-type'],
      exposedHeaders: ['retry-after'],
      maxAge: 600,
    });
    await app.register(websocket, {
      errorHandler: ignoreSocketError,
      preClose: (done) => done(),
      options: socketOptions(config),
    });
    // After the plugin's own hook, which is what ends the socket of a refused upgrade.
    app.addHook('onRequest', async (request) => this.#parts.handshake.checkRequest(request));
    this.#routes(app);
  }

  #routes(app: FastifyInstance): void {
    const { handshake, tickets, guests } = this.#parts;
    app.get(
      SOCKET_PATH,
      { websocket: true, preValidation: (request) => this.#admit(request) },
      (ws, request) => this.#upgraded(ws, request),
    );
    app.post(TICKET_PATH, async (request) => {
      handshake.throttleHttp();
      const claims = await handshake.authorize(request);
      handshake.checkAdmissible(claims, request.ip);
      return tickets.issue(claims);
    });
    app.post(GUEST_PATH, async (request, reply) => {
      if (!guests.isOn) return this.#sendError(reply, 404, 'bad_request', 'There is nothing here.');
      handshake.throttleHttp();
      return guests.issue(request.body);
    });
  }

  async #admit(request: FastifyRequest): Promise<void> {
    if (!request.ws)
      throw new Refusal('bad_request', 'no_upgrade', { detail: 'This path wants a WebSocket upgrade.' });
    const { socket } = request.raw;
    this.#upgrading.add(socket);
    try {
      await this.#parts.handshake.admit(request);
    } finally {
      this.#upgrading.delete(socket);
    }
  }

  #upgraded(ws: WebSocket, request: FastifyRequest): void {
    const tcp = request.raw.socket;
    forgetRequest(ws, tcp);
    const identity = this.#parts.handshake.identityOf(tcp);
    if (identity === undefined) ws.terminate();
    else this.#parts.onSocket(ws, tcp, identity);
  }

  #refuse(cause: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { code, message, retryAfterMs, status, reason } = refusalOf(cause);
    this.#deps.metrics.denied.add(request.ws ? 1 : 0, { reason });
    if (code === 'internal') this.#deps.log.error({ err: cause }, 'an HTTP request failed');
    else {
      const [path] = request.url.split('?', 1);
      const shown = reason === 'token_in_url' ? undefined : path?.slice(0, 100);
      this.#deps.log.info({ event: 'denied', reason, address: request.ip, path: shown }, 'denied');
    }
    if (reason === 'version') reply.header('sec-websocket-version', '13');
    this.#sendError(reply, status, code, message, retryAfterMs);
  }

  #sendError(
    reply: FastifyReply,
    status: number,
    error: ErrorCode,
    message: string,
    retryAfterMs?: number,
  ): FastifyReply {
    if (retryAfterMs !== undefined)
      reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1_000))));
    const body = { error, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    return reply.code(status).header('cache-control', 'no-store').send(body);
  }
}

function socketOptions(config: EdgeConfig) {
  return {
    perMessageDeflate: false,
    clientTracking: false,
    maxPayload: config.maxFrameBytes,
    maxFragments: config.maxFragments,
    maxBufferedChunks: config.maxBufferedChunks,
    closeTimeout: config.closeTimeoutMs,
    handleProtocols: () => SUBPROTOCOL,
  };
}

/** @throws Error when only one of the two is set, or a file cannot be read */
function certificateOf({ config, log }: EdgeDeps): Certificate | undefined {
  const { tlsCertFile: certFile, tlsKeyFile: keyFile } = config;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile !== undefined && keyFile !== undefined) return new Certificate({ certFile, keyFile }, log);
  throw new Error(
    'BREAKWATER_EDGE_TLS_CERT_FILE and BREAKWATER_EDGE_TLS_KEY_FILE are set together or not at all.',
  );
}

interface HttpRefusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly reason: string;
  readonly status: number;
  readonly retryAfterMs?: number | undefined;
}

function refusalOf(cause: unknown): HttpRefusal {
  if (cause instanceof Refusal) {
    const { code, reason, retryAfterMs } = cause;
    const message = cause.message === reason ? ERRORS[code].message : cause.message;
    return { code, message, reason, status: ERRORS[code].status, retryAfterMs };
  }
  const { statusCode } = cause as { statusCode?: unknown };
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    const code = statusCode === 413 ? 'too_large' : 'bad_request';
    return { code, message: ERRORS[code].message, reason: 'http', status: statusCode };
  }
  const { code, message } = failureOf(cause);
  const known = isErrorCode(code) ? code : 'internal';
  return {
    code: known,
    message: message ?? ERRORS[known].message,
    reason: known,
    status: ERRORS[known].status,
  };
}

/**
 * What the upgrade leaves behind would keep the request, the reply and all their headers alive for as long as the
 * socket: the plugin's error listener and the response that is assigned to the TCP socket.
 */
function forgetRequest(ws: WebSocket, tcp: Socket): void {
  ws.removeAllListeners('error');
  ws.on('error', ignoreError);
  const { _httpMessage: response } = tcp as Socket & {
    _httpMessage?: { detachSocket(socket: Socket): void } | null;
  };
  response?.detachSocket(tcp);
}

function ignoreError(): void {}

function ignoreSocketError(_error: Error, ws: WebSocket): void {
  ws.terminate();
}

function onClientError(error: Error & { code?: string }, socket: Socket): void {
  const isTimeout = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status = isTimeout
    ? '408 Request Timeout'
    : isTooLarge
      ? '431 Request Header Fields Too Large'
      : '400 Bad Request';
  if (socket.writable) socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.destroy();
}
