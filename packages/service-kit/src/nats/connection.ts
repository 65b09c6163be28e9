import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConnectionOptions,
  connect,
  type NatsConnection,
  PermissionViolationError,
  type Status,
} from '@nats-io/transport-node';
import type { Logger } from '../log/logger.ts';

export interface ConnectionSettings {
  /** `nats://host:port` or `tls://…`; the user and password of the first one count. */
  servers: readonly string[];
  /** Name shown by the server's monitoring. */
  name: string;
  log: Logger;
  user?: string | undefined;
  password?: string | undefined;
  caFile?: string | undefined;
  /** Begins the subjects that answers come back on; default `_INBOX`. A server may allow a user no other. */
  inboxPrefix?: string;
  /** One attempt to connect, in ms. Default 5 s. */
  connectTimeoutMs?: number;
  /** Between two pings, in ms; the third unanswered one ends the connection. Default 10 s. */
  pingIntervalMs?: number;
  /** Longest wait between two attempts, in ms; the wait is doubled from 100 ms and jittered. Default 2 s. */
  maxReconnectWaitMs?: number;
}

/** What happens to a connection. `slow` means that the server gave up sending to us. */
export interface ConnectionListener {
  onDisconnect(): void;
  onReconnect(): void;
  onSlowConsumer(): void;
  onClosed(): void;
  /** The server refused something that we published on this subject. */
  onPublishDenied(subject: string): void;
}

interface Login {
  readonly user?: string;
  readonly pass?: string;
}

/** Server list as it may be logged and as the client wants it: without user and password. */
export function stripCredentials(servers: readonly string[]): string[] {
  return servers.map((server) => {
    const url = new URL(server);
    return `${url.protocol}//${url.host}`;
  });
}

function loginOf(settings: ConnectionSettings): Login {
  const first = settings.servers[0];
  const url = first === undefined ? undefined : new URL(first);
  const user = settings.user ?? (url?.username ? decodeURIComponent(url.username) : undefined);
  const pass = settings.password ?? (url?.password ? decodeURIComponent(url.password) : undefined);
  return { ...(user !== undefined && { user }), ...(pass !== undefined && { pass }) };
}

/** Full jitter between 50 ms and a bound that doubles from 100 ms with every attempt. */
export function reconnectDelayMs(attempt: number, maxMs: number, random: () => number): number {
  const bound = Math.min(maxMs, 100 * 2 ** Math.min(attempt, 16));
  return 50 + Math.floor(random() * Math.max(0, bound - 50));
}

function tlsOf(settings: ConnectionSettings): Pick<ConnectionOptions, 'tls'> {
  if (settings.caFile !== undefined) return { tls: { ca: readFileSync(settings.caFile, 'utf8') } };
  return settings.servers.some((server) => server.startsWith('tls://')) ? { tls: {} } : {};
}

function clientOptions(settings: ConnectionSettings, delay: () => number): ConnectionOptions {
  return {
    servers: stripCredentials(settings.servers).map((server) => server.replace(/^\w+:\/\//, '')),
    name: settings.name,
    ...loginOf(settings),
    ...tlsOf(settings),
    ...(settings.inboxPrefix !== undefined && { inboxPrefix: settings.inboxPrefix }),
    timeout: settings.connectTimeoutMs ?? 5_000,
    pingInterval: settings.pingIntervalMs ?? 10_000,
    maxPingOut: 2,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: delay,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  };
}

/** Keeps trying until the first connection stands. @throws when `signal` is aborted */
async function firstConnection(
  settings: ConnectionSettings,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<NatsConnection> {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await connect({ ...options });
    } catch (cause) {
      const waitMs = reconnectDelayMs(attempt, settings.maxReconnectWaitMs ?? 2_000, Math.random);
      const servers = stripCredentials(settings.servers);
      settings.log.warn({ servers, attempt, retryInMs: waitMs, err: cause }, 'cannot connect to NATS yet');
      await sleep(waitMs, undefined, { signal });
    }
  }
}

/** A NATS connection that is re-established for ever, with its state readable at any time. */
export class Connection {
  readonly nc: NatsConnection;
  readonly #log: Logger;
  readonly #listeners = new Set<ConnectionListener>();
  #connected = true;
  #attempts: { count: number };

  private constructor(nc: NatsConnection, log: Logger, attempts: { count: number }) {
    this.nc = nc;
    this.#log = log;
    this.#attempts = attempts;
    void this.#follow();
  }

  static async open(settings: ConnectionSettings, signal: AbortSignal): Promise<Connection> {
    const attempts = { count: 0 };
    const delay = () => reconnectDelayMs(attempts.count++, settings.maxReconnectWaitMs ?? 2_000, Math.random);
    const nc = await firstConnection(settings, clientOptions(settings, delay), signal);
    attempts.count = 0;
    return new Connection(nc, settings.log, attempts);
  }

  get isConnected(): boolean {
    return this.#connected && !this.nc.isClosed();
  }

  get isClosed(): boolean {
    return this.nc.isClosed();
  }

  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #follow(): Promise<void> {
    try {
      for await (const status of this.nc.status()) this.#onStatus(status);
    } catch (cause) {
      this.#log.error({ err: cause }, 'the NATS connection ended with an error');
    }
    this.#connected = false;
    this.#tell('onClosed');
  }

  #onStatus(status: Status): void {
    if (status.type === 'disconnect') {
      this.#connected = false;
      this.#log.warn({ server: status.server }, 'NATS connection lost');
      this.#tell('onDisconnect');
    } else if (status.type === 'reconnect') {
      this.#connected = true;
      this.#attempts.count = 0;
      this.#log.info({ server: status.server }, 'NATS connection is back');
      this.#tell('onReconnect');
    } else if (
      status.type === 'slowConsumer' ||
      (status.type === 'error' && /slow consumer/i.test(status.error.message))
    ) {
      this.#log.warn('NATS cut us off as a slow consumer');
      this.#tell('onSlowConsumer');
    } else if (status.type === 'error') {
      this.#log.error({ err: status.error }, 'NATS reported an error');
      const { error } = status;
      if (error instanceof PermissionViolationError && error.operation === 'publish') {
        this.#tell('onPublishDenied', error.subject);
      }
    }
  }

  #tell(event: keyof ConnectionListener, subject = ''): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener[event](subject);
      } catch (cause) {
        this.#log.error({ event, err: cause }, 'a NATS connection listener threw');
      }
    }
  }

  /** Lets subscriptions finish and flushes, for `timeoutMs` at most; then closes. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.nc.isClosed()) return;
    const given = this.isConnected ? this.nc.drain().catch(() => undefined) : Promise.resolve();
    const timeout = new AbortController();
    await Promise.race([
      given,
      sleep(timeoutMs, undefined, { signal: timeout.signal }).catch(() => undefined),
    ]);
    timeout.abort();
    if (!this.nc.isClosed()) await this.nc.close();
  }
}
