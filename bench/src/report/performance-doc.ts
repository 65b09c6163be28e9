/** Writes `docs/performance.md` and its charts. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Benchmark, BenchmarkResult, Row } from '../benchmark.ts';
import { dotPlot } from './dot-plot.ts';
import { provenance } from './machine.ts';
import { barChart } from './svg.ts';

export interface Finished {
  readonly benchmark: Benchmark;
  readonly result: BenchmarkResult;
}

export async function writePerformanceDoc(docsDir: string, finished: readonly Finished[]): Promise<void> {
  const images = join(docsDir, 'images');
  await mkdir(images, { recursive: true });
  const sections: string[] = [];
  for (const { benchmark, result } of finished) {
    if (result.chart !== undefined)
      await writeFile(join(images, `bench-${benchmark.name}.svg`), barChart(result.chart));
    if (result.plot !== undefined)
      await writeFile(join(images, `bench-${benchmark.name}.svg`), dotPlot(result.plot));
    sections.push(section(benchmark, result));
  }
  await writeFile(join(docsDir, 'performance.md'), `${head()}\n${sections.join('\n')}`);
}

function head(): string {
  const { machine, runtime, commit } = provenance();
  return [
    '# Performance',
    '',
    'Written by `npm run bench`; `npm run bench -- NAME --json` runs one benchmark and prints its figures as one JSON',
    'object on the last line. The clients, the servers and NATS share the machine, so compare figures of one run with',
    'each other, and read times as what this machine could do at that moment.',
    '',
    `- Machine: ${machine}`,
    `- Runtime: ${runtime}`,
    `- Commit: ${commit}`,
    '',
    'CPU is user and system time of the server processes as the kernel counts it, NATS given apart. Peers run the same',
    'clients in the same run, fed from the same NATS subject.',
    '',
  ].join('\n');
}

function section(benchmark: Benchmark, result: BenchmarkResult): string {
  const title = result.chart?.title ?? result.plot?.title;
  const keys = Object.entries(result.keys).map(([key, value]) => `\`${key}\` ${value}`);
  return [
    `## ${benchmark.name}`,
    '',
    benchmark.summary,
    '',
    `\`npm run bench -- ${benchmark.name} --json\`; to reach: ${benchmark.goal}.`,
    '',
    ...table(result.rows),
    '',
    `Keys: ${keys.join(', ')}.`,
    '',
    ...(title === undefined ? [] : [`![${title}](images/bench-${benchmark.name}.svg)`, '']),
  ].join('\n');
}

function table(rows: readonly Row[]): string[] {
  const columns = Object.keys(rows[0]?.cells ?? {});
  return [
    `| | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---:').join('|')}|`,
    ...rows.map(
      ({ name, cells }) => `| ${name} | ${columns.map((column) => cells[column] ?? '').join(' | ')} |`,
    ),
  ];
}
