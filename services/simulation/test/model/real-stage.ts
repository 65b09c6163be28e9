/** A real nats-server, real processes and an edge's connection, each of which can be hurt. They serve many runs. */

import { connectBus, kitMetrics, MetricRegistry, type NatsBus } from '@breakwater/service-kit';
import { type FaultProxy, startProxy } from '@breakwater/testkit';
import { Sims, silent } from '../sims.ts';
import type { Command, Who } from './command.ts';
import { RealProcess } from './real-process.ts';

export const PODS: readonly string[] = ['sim-a', 'sim-b'];

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class RealStage implements AsyncDisposable {
  readonly sims: Sims;
  readonly processes: readonly RealProcess[];
  readonly edgeProxy: FaultProxy;
  readonly edgeBus: NatsBus;
  /** Faults that end by themselves. */
  readonly #underWay = new Set<Promise<void>>();
  /** The server is hurt in one way at a time. */
  #server: Promise<void> = Promise.resolve();
  #games = 0;

  private constructor(
    sims: Sims,
    processes: readonly RealProcess[],
    edgeProxy: FaultProxy,
    edgeBus: NatsBus,
  ) {
    this.sims = sims;
    this.processes = processes;
    this.edgeProxy = edgeProxy;
    this.edgeBus = edgeBus;
  }

  static async start(): Promise<RealStage> {
    const sims = await Sims.start();
    const processes = await Promise.all(PODS.map((pod) => RealProcess.start(sims, pod)));
    const proxy = await startProxy(sims.nats.url);
    const metrics = new MetricRegistry().register(kitMetrics);
    const bus = await connectBus({ servers: [proxy.url], name: 'edge', log: silent().log, metrics });
    return new RealStage(sims, processes, proxy, bus);
  }

  newGame(): string {
    this.#games += 1;
    return `twin-${this.#games}`;
  }

  at(index: number): RealProcess {
    const process = this.processes[index % this.processes.length];
    if (process === undefined) throw new RangeError(`there is no process ${index}`);
    return process;
  }

  /** Hurts something, as long as the command says. What only the model has (replicas, a full stream) is passed over. */
  hurt(command: Command): void {
    switch (command.kind) {
      case 'crash':
        this.at(command.process).crash();
        break;
      case 'pause': {
        const process = this.at(command.process);
        process.pause();
        this.#track(pause(command.ms).then(() => process.resume()));
        break;
      }
      case 'hold': {
        const proxy = this.#proxyOf(command.who);
        proxy.halfOpen(command.direction);
        this.#track(pause(command.ms).then(() => proxy.resume(command.direction)));
        break;
      }
      case 'cut':
        this.#proxyOf(command.who).cut();
        break;
      case 'pauseServer':
      case 'restartServer':
        this.#server = this.#server.then(() => this.#hurtServer(command.kind, command.ms));
        break;
      default:
    }
  }

  /** Everything runs and is connected. */
  async mend(): Promise<void> {
    await this.#server;
    await Promise.all(this.#underWay);
    this.edgeProxy.resume();
    await Promise.all(this.processes.map((process) => process.mend()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mend();
    await Promise.all(this.processes.map((process) => process.stop()));
    await this.edgeBus.drain();
    await this.edgeProxy.close();
    await this.sims[Symbol.asyncDispose]();
  }

  async #hurtServer(how: 'pauseServer' | 'restartServer', ms: number): Promise<void> {
    const { nats } = this.sims;
    if (how === 'pauseServer') nats.pause();
    else await nats.kill();
    await pause(ms);
    if (how === 'pauseServer') nats.resume();
    else await nats.restart();
  }

  #track(fault: Promise<void>): void {
    this.#underWay.add(fault);
    void fault.finally(() => this.#underWay.delete(fault));
  }

  #proxyOf(who: Who): FaultProxy {
    return who === 'edge' ? this.edgeProxy : this.at(who).proxy;
  }
}
