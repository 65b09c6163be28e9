import { join } from 'node:path';
import {
  baseEnv,
  LocalService,
  projectRoot,
  type SupervisedUnit,
  Supervisor,
  type SupervisorEvent,
  serviceRuntime,
} from '@breakwater/testkit';
import type { Output, Running, RunningRow } from './output.ts';
import type { PreparedStack } from './prepare.ts';
import { ProgramUnit } from './units.ts';

/** What faces clients starts last and stops first. */
const OUTER_SERVICES = new Set(['edge', 'web']);

/** The stack of `start`: kept running until it is stopped. */
export class LocalStackRun {
  readonly #prepared: PreparedStack;
  readonly #supervisor: Supervisor;
  readonly #services: readonly LocalService[];
  readonly #bots: ProgramUnit | undefined;

  constructor(prepared: PreparedStack, output: Output, onEvent: (event: SupervisorEvent) => void) {
    this.#prepared = prepared;
    this.#supervisor = new Supervisor({ onEvent });
    this.#services = prepared.specs.map(
      (spec) => new LocalService(spec, (line) => output.log(spec.instance, line)),
    );
    this.#bots = prepared.bots === 0 ? undefined : this.#createBots(prepared.bots, output);
  }

  get isStopping(): boolean {
    return this.#supervisor.isStopping;
  }

  /** @throws Error of the first process that did not come up */
  async start(): Promise<void> {
    const outer = this.#services.filter((service) => OUTER_SERVICES.has(service.spec.service));
    const inner = this.#services.filter((service) => !OUTER_SERVICES.has(service.spec.service));
    const stages: SupervisedUnit[][] = [
      [this.#prepared.nats ?? []].flat(),
      inner,
      outer,
      [this.#bots ?? []].flat(),
    ];
    for (const stage of stages) await this.#supervisor.startStage(stage);
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#supervisor.stop('SIGINT', deadlineMs);
  }

  running(): Running {
    const web = this.#services.find((service) => service.spec.service === 'web');
    const { nats, data } = this.#prepared;
    const rows: RunningRow[] = this.#services.map((service) => ({
      service: service.spec.service,
      instance: service.name,
      port: service.ready.port,
      adminPort: service.ready.httpPort,
      pid: service.pid,
    }));
    if (nats !== undefined) {
      rows.unshift({
        service: 'nats-server',
        instance: nats.name,
        port: nats.port,
        adminPort: nats.config.monitorPort,
        pid: nats.pid,
      });
    }
    if (this.#bots !== undefined) {
      rows.push({
        service: 'bots',
        instance: this.#bots.name,
        port: undefined,
        adminPort: undefined,
        pid: this.#bots.pid,
      });
    }
    return { url: web?.url ?? '', rows, dataDir: data.dir };
  }

  #createBots(players: number, output: Output): ProgramUnit {
    const edges = this.#services.filter((service) => service.spec.service === 'edge');
    const main = join(projectRoot, 'tools/src/main.ts');
    const urls = edges.map((edge) => edge.url).join(',');
    const secret = edges[0]?.spec.env.BREAKWATER_EDGE_JWT_SECRET ?? '';
    return new ProgramUnit(
      'bots-1',
      [serviceRuntime(), main, 'bots', '--players', String(players), '--url', urls, '--every', '10'],
      { ...baseEnv(), BREAKWATER_EDGE_JWT_SECRET: secret },
      (line) => output.log('bots-1', line),
    );
  }
}
