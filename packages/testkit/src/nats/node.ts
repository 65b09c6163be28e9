import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';
import { baseEnv } from '../paths.ts';
import type { LogLine } from '../process/log-line.ts';
import {
  type ExitStatus,
  launchProcess,
  type ManagedProcess,
  type StopOptions,
} from '../process/managed-process.ts';
import type { SupervisedUnit } from '../process/supervisor.ts';
import { type NatsNodeConfig, renderNatsConfig } from './config.ts';

const START_TIMEOUT_MS = 20_000;

/** One running nats-server that can be hurt and brought back on the same port and store. */
export class NatsNode implements SupervisedUnit, AsyncDisposable {
  readonly config: NatsNodeConfig;
  readonly dir: string;
  readonly #binary: string;
  readonly #onLine: ((line: LogLine) => void) | undefined;
  #process: ManagedProcess | undefined;

  /** @param dir folder for this server's configuration; its store is inside */
  constructor(binary: string, dir: string, config: NatsNodeConfig, onLine?: (line: LogLine) => void) {
    this.#binary = binary;
    this.dir = dir;
    this.config = config;
    this.#onLine = onLine;
  }

  get name(): string {
    return this.config.name;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.config.port}`;
  }

  get monitorUrl(): string {
    return `http://127.0.0.1:${this.config.monitorPort}`;
  }

  get port(): number {
    return this.config.port;
  }

  /** @throws Error when the server is not running */
  get pid(): number {
    return this.#running().pid;
  }

  get lines(): readonly LogLine[] {
    return this.#process?.lines ?? [];
  }

  /** Settles when the process that runs now has ended. */
  get exited(): Promise<ExitStatus> {
    return this.#running().exited;
  }

  /** Starts the process; resolves when it takes connections. A cluster is whole only after `waitUntilWhole`. */
  async start(): Promise<void> {
    mkdirSync(this.config.storeDir, { recursive: true });
    const configFile = join(this.dir, `${this.config.name}.conf`);
    writeFileSync(configFile, renderNatsConfig(this.config));
    const child = launchProcess({
      name: `nats-server ${this.config.name}`,
      command: this.#binary,
      args: ['-c', configFile],
      env: baseEnv(),
    });
    this.#process = child;
    if (this.#onLine !== undefined) child.onLine(this.#onLine);
    try {
      await child.waitForLine((line) => line.text.includes('Server is ready'), START_TIMEOUT_MS);
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  /** Resolves when the server says that it is healthy and, in a cluster of `size`, when its meta leader sees all of them. */
  async waitUntilWhole(size: number): Promise<void> {
    await eventually(() => this.#assertWhole(size), {
      timeoutMs: 30_000,
      intervalMs: 50,
      message: `${this.config.name} of ${size} nats-servers healthy`,
    });
  }

  async #assertWhole(size: number): Promise<void> {
    const health = await fetch(`${this.monitorUrl}/healthz`);
    if (!health.ok) throw new Error(await health.text());
    if (size === 1) return;
    const jetstream: unknown = await (await fetch(`${this.monitorUrl}/jsz`)).json();
    const meta = readMeta(jetstream);
    if (meta.leader === undefined) throw new Error('no meta leader yet');
    // Only the leader lists the others.
    if (meta.leader === this.config.name && meta.current < size - 1) {
      throw new Error(`the meta leader sees ${meta.current} of ${size - 1} others`);
    }
  }

  kill(): Promise<ExitStatus> {
    return this.#running().kill();
  }

  pause(): void {
    this.#running().pause();
  }

  resume(): void {
    this.#running().resume();
  }

  /** Kills the process when it still runs and starts it on the same port and store. */
  async restart(): Promise<void> {
    await this.#process?.kill();
    await this.start();
  }

  async stop(options: StopOptions = {}): Promise<void> {
    await this.#process?.stop(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #running(): ManagedProcess {
    if (this.#process === undefined) throw new Error(`nats-server ${this.config.name} was not started`);
    return this.#process;
  }
}

function readMeta(jetstream: unknown): { leader: string | undefined; current: number } {
  const meta = field(jetstream, 'meta_cluster');
  const leader = field(meta, 'leader');
  const replicas = field(meta, 'replicas');
  const current = Array.isArray(replicas)
    ? replicas.filter((peer) => field(peer, 'current') === true).length
    : 0;
  return { leader: typeof leader === 'string' && leader !== '' ? leader : undefined, current };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
