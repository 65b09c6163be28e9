/** Simulation processes of their own, each behind a proxy that can hold or cut its connection to NATS. */

import { type FaultProxy, type ServiceProcess, spawnService, startProxy } from '@breakwater/testkit';
import { type Sims, simEnv } from '../sims.ts';
import { APPEND_TIMEOUT_MS, HOST_TIMEOUT_MS } from './model-process.ts';

/** The settings of the model. */
const ENV = {
  BREAKWATER_SIMULATION_APPEND_TIMEOUT_MS: String(APPEND_TIMEOUT_MS),
  BREAKWATER_SIMULATION_HOST_TIMEOUT_MS: String(HOST_TIMEOUT_MS),
  BREAKWATER_SIMULATION_HASH_EVERY_RECORDS: '1',
  // So far apart that what is archived off the feed never misses a record that is purged.
  BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '12',
  BREAKWATER_SIMULATION_MAX_RESTARTS_PER_MINUTE: '1000',
};

export class RealProcess {
  readonly pod: string;
  readonly proxy: FaultProxy;
  readonly #env: Record<string, string>;
  #child: ServiceProcess;
  #isPaused = false;
  #starting: Promise<void> | undefined;

  private constructor(pod: string, proxy: FaultProxy, env: Record<string, string>, child: ServiceProcess) {
    this.pod = pod;
    this.proxy = proxy;
    this.#env = env;
    this.#child = child;
  }

  static async start(sims: Sims, pod: string): Promise<RealProcess> {
    const proxy = await startProxy(sims.nats.url);
    const env = simEnv(sims.nats, pod, { ...ENV, BREAKWATER_NATS_URL: proxy.url });
    return new RealProcess(pod, proxy, env, await spawnService('simulation', { env }));
  }

  /** SIGKILL; another one of the same name is started. */
  crash(): void {
    this.#starting ??= this.#restart().finally(() => {
      this.#starting = undefined;
    });
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#starting !== undefined || this.#isPaused) return;
    this.#isPaused = true;
    this.#child.pause();
  }

  /** SIGCONT. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#child.resume();
  }

  /** Runs, and is reached. */
  async mend(): Promise<void> {
    this.proxy.resume();
    this.resume();
    await this.#starting;
  }

  async stop(): Promise<void> {
    await this.mend();
    await this.#child.kill();
    await this.proxy.close();
  }

  async #restart(): Promise<void> {
    this.#isPaused = false;
    await this.#child.kill();
    this.proxy.resume();
    this.#child = await spawnService('simulation', { env: this.#env, readyTimeoutMs: 60_000 });
  }
}
