/** Runs whose records lie on a real server and whose logs are changed before they are checked. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  type NatsBus,
} from '@breakwater/service-kit';
import { type NatsServer, startNats } from '@breakwater/testkit';
import { checkLogs } from '../../src/check-logs/check-logs.ts';
import type { Report, Rule } from '../../src/check-logs/report.ts';
import type { LogLine, LogLineOf } from '../../src/recorder/log-line.ts';
import { createStreams, HonestRun, PARTITIONS, type RunOptions } from './honest-run.ts';

export class LogsBed implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly bus: NatsBus;
  #runs = 0;

  private constructor(nats: NatsServer, bus: NatsBus) {
    this.nats = nats;
    this.bus = bus;
  }

  static async start(): Promise<LogsBed> {
    const nats = await startNats();
    const { log } = createLogOutput({ service: 'test', instance: 'test', level: 'silent' });
    const metrics = new MetricRegistry().register(kitMetrics);
    const bus = await connectBus({ servers: [nats.url], name: 'test', log, metrics });
    await createStreams(bus);
    return new LogsBed(nats, bus);
  }

  runOf(options: RunOptions = {}): Promise<HonestRun> {
    return HonestRun.make(this.bus, `n${++this.#runs}`, options);
  }

  async check(run: HonestRun): Promise<Report> {
    const dir = mkdtempSync(join(tmpdir(), 'breakwater-logs-'));
    try {
      run.write(dir);
      return await checkLogs({ paths: [dir], nats: this.nats.url, partitions: PARTITIONS });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }

  async brokenRules(run: HonestRun): Promise<Rule[]> {
    return Object.keys((await this.check(run)).counts).sort() as Rule[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bus.drain();
    await this.nats.stop();
  }
}

/** The lines of one type in a log, in order. */
export function linesOf<T extends LogLine['t']>(lines: LogLine[], t: T): LogLineOf<T>[] {
  return lines.filter((line) => line.t === t) as LogLineOf<T>[];
}

/** Puts another line in the place of one. */
export function replace(lines: LogLine[], line: LogLine, ...by: LogLine[]): void {
  lines.splice(lines.indexOf(line), 1, ...by);
}
