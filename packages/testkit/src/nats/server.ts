import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import type { LogLine } from '../process/log-line.ts';
import type { StopOptions } from '../process/managed-process.ts';
import { findNatsServer } from './find.ts';
import { NatsNode } from './node.ts';

export interface NatsOptions {
  /** One, or a cluster of three; default 1. */
  servers?: 1 | 3;
  /** Port of the (first) server, default a free one. */
  port?: number;
  /** Keeps the store here and leaves it behind; default a temporary folder that goes away. */
  dir?: string;
  /** Further lines of nats-server configuration. */
  config?: string;
  /** The program to run, default what `findNatsServer` finds. */
  binary?: string;
  onLine?: (line: LogLine) => void;
}

/** A running nats-server with JetStream, or three as one cluster. What acts on all of them acts in parallel. */
export interface NatsServer extends AsyncDisposable {
  /** All addresses with commas: what `BREAKWATER_NATS_URL` takes. */
  readonly url: string;
  readonly urls: readonly string[];
  /** Handles of the single servers, to kill or pause one of three. */
  readonly servers: readonly NatsNode[];
  /** Of the first server. */
  readonly port: number;
  /** Of the first server. */
  readonly pid: number;
  readonly dir: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing is answered. */
  pause(): void;
  resume(): void;
  /** Kill when running, then start again on the same ports and stores. */
  restart(): Promise<void>;
  stop(options?: StopOptions): Promise<void>;
}

/**
 * Starts a real nats-server on 127.0.0.1 with JetStream on.
 *
 * @throws Error when no server can be found, or it does not start in 20 s
 */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const binary = options.binary ?? (await findNatsServer()).path;
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'breakwater-nats-'));
  mkdirSync(dir, { recursive: true });
  const server = new LocalNats(await planNodes(binary, dir, options), dir, options.dir === undefined);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

async function planNodes(binary: string, dir: string, options: NatsOptions): Promise<NatsNode[]> {
  const count = options.servers ?? 1;
  const routePorts = await Promise.all(Array.from({ length: count }, () => freePort()));
  const nodes: NatsNode[] = [];
  for (const [index, routePort] of routePorts.entries()) {
    const name = `n${index + 1}`;
    const config = {
      name,
      port: index === 0 && options.port !== undefined ? options.port : await freePort(),
      monitorPort: await freePort(),
      storeDir: join(dir, count === 1 ? 'store' : `store-${name}`),
      ...(count === 1 ? {} : { cluster: { port: routePort, routePorts } }),
      ...(options.config === undefined ? {} : { extra: options.config }),
    };
    nodes.push(new NatsNode(binary, dir, config, options.onLine));
  }
  return nodes;
}

class LocalNats implements NatsServer {
  readonly servers: readonly NatsNode[];
  readonly dir: string;
  readonly #removeDir: boolean;

  constructor(servers: readonly NatsNode[], dir: string, removeDir: boolean) {
    this.servers = servers;
    this.dir = dir;
    this.#removeDir = removeDir;
  }

  get url(): string {
    return this.urls.join(',');
  }

  get urls(): readonly string[] {
    return this.servers.map((server) => server.url);
  }

  get port(): number {
    return this.#first().port;
  }

  get pid(): number {
    return this.#first().pid;
  }

  async start(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.start()));
    await this.#whole();
  }

  async kill(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
  }

  pause(): void {
    for (const server of this.servers) server.pause();
  }

  resume(): void {
    for (const server of this.servers) server.resume();
  }

  async restart(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.restart()));
    await this.#whole();
  }

  async stop(options?: StopOptions): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop(options)));
    if (this.#removeDir) rmSync(this.dir, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #whole(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.waitUntilWhole(this.servers.length)));
  }

  #first(): NatsNode {
    const first = this.servers[0];
    if (first === undefined) throw new Error('no nats-server');
    return first;
  }
}
