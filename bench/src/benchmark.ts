/** What a benchmark is, and what it gives. */

import type { DotPlot } from './report/dot-plot.ts';

export interface Row {
  readonly name: string;
  /** Column name to text. */
  readonly cells: Readonly<Record<string, string>>;
}

export interface Bar {
  readonly label: string;
  readonly value: number;
}

export interface BenchmarkResult {
  /** The figures that the last line prints as JSON. */
  readonly keys: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
  /** A bar chart of the main comparison. */
  readonly chart?: { readonly title: string; readonly unit: string; readonly bars: readonly Bar[] };
  /** Or every single value, where what is far out is what matters. */
  readonly plot?: DotPlot;
}

export interface Benchmark {
  readonly name: string;
  /** What is measured, in one sentence. */
  readonly summary: string;
  /** What it is meant to reach, in words. */
  readonly goal: string;
  run(log: (line: string) => void): Promise<BenchmarkResult>;
}
