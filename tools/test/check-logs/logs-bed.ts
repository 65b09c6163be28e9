/** Runs whose records lie on a real server and whose logs are changed before they are checked. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsBus } from '@breakwater/service-kit';
import { checkLogs } from '../../src/check-logs/check-logs.ts';
import type { Report, Rule } from '../../src/check-logs/report.ts';
import type { LogLine, LogLineOf } from '../../src/recorder/log-line.ts';
import { openBus } from '../open-bus.ts';
import { createStreams, HonestRun, PARTITIONS, type RunOptions } from './honest-run.ts';

export class LogsBed implements AsyncDisposable {
  readonly #server: Awaited<ReturnType<typeof openBus>>;
  #runs = 0;

  private constructor(server: Awaited<ReturnType<typeof openBus>>) {
    this.#server = server;
  }

  static async start(): Promise<LogsBed> {
    const server = await openBus();
    await createStreams(server.bus);
    return new LogsBed(server);
  }

  get bus(): NatsBus {
    return this.#server.bus;
  }

  /** Of the server. */
  get url(): string {
    return this.#server.url;
  }

  runOf(options: RunOptions = {}): Promise<HonestRun> {
    return HonestRun.make(this.bus, `n${++this.#runs}`, options);
  }

  async check(run: HonestRun): Promise<Report> {
    const dir = mkdtempSync(join(tmpdir(), 'breakwater-logs-'));
    try {
      run.write(dir);
      return await checkLogs({ paths: [dir], nats: this.url, partitions: PARTITIONS });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }

  async brokenRules(run: HonestRun): Promise<Rule[]> {
    return Object.keys((await this.check(run)).counts).sort() as Rule[];
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#server[Symbol.asyncDispose]();
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
