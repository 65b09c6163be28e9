/** `npm run bench -- [NAME …] [--json]`: without a name everything runs and `docs/performance.md` is written. */

import { join } from 'node:path';
import type { Benchmark } from './benchmark.ts';
import { commit } from './commit.ts';
import { failover } from './failover.ts';
import { fanout } from './fanout.ts';
import { idle } from './idle.ts';
import { replay } from './replay.ts';
import { type Finished, writePerformanceDoc } from './report/performance-doc.ts';
import { tick } from './tick.ts';
import { volatile } from './volatile.ts';

const BENCHMARKS: readonly Benchmark[] = [fanout, idle, tick, volatile, commit, replay, failover];

async function main(args: readonly string[]): Promise<number> {
  const isJson = args.includes('--json');
  const names = args.filter((arg) => arg !== '--json');
  const unknown = names.find((name) => BENCHMARKS.every((benchmark) => benchmark.name !== name));
  if (unknown !== undefined) {
    console.error(
      `There is no benchmark "${unknown}". There are: ${BENCHMARKS.map(({ name }) => name).join(', ')}.`,
    );
    return 1;
  }
  const log = (line: string) => (isJson ? console.error(line) : console.log(line));
  const finished: Finished[] = [];
  for (const benchmark of BENCHMARKS.filter(({ name }) => names.length === 0 || names.includes(name))) {
    log(`\n${benchmark.name}: ${benchmark.summary}`);
    const result = await benchmark.run((line) => log(`  ${line}`));
    log(`  to reach: ${benchmark.goal}`);
    log(`  ${JSON.stringify(result.keys)}`);
    finished.push({ benchmark, result });
  }
  if (names.length === 0) await writePerformanceDoc(join(import.meta.dirname, '../../docs'), finished);
  if (isJson) console.log(JSON.stringify(keysOf(finished)));
  return 0;
}

/** One benchmark's keys as they are; of several, by name. */
function keysOf(finished: readonly Finished[]): unknown {
  const [only] = finished;
  if (finished.length === 1) return only!.result.keys;
  return Object.fromEntries(finished.map(({ benchmark, result }) => [benchmark.name, result.keys]));
}

process.exitCode = await main(process.argv.slice(2));
