import { projectRoot } from '@breakwater/testkit';
import { runProgram } from '../run-program.ts';

/** One part of a check: its name in the summary, and whether it held. */
export interface Step {
  readonly name: string;
  run(): Promise<boolean>;
}

/** `tsc` over the whole tree. */
export const typesStep: Step = {
  name: 'types',
  run: async () => (await runProgram('tsc', ['-p', projectRoot])) === 0,
};

/** Lint rules and format, read only. */
export const lintStep: Step = {
  name: 'lint and format',
  run: async () => (await runProgram('biome', ['check', '--error-on-warnings', '.'])) === 0,
};

/** How a step ended. */
export interface StepResult {
  name: string;
  ok: boolean;
  durationMs: number;
}

/** Runs every step, also after one that failed, so that one run tells everything. */
export async function runSteps(steps: readonly Step[], say: (text: string) => void): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const step of steps) {
    const { name } = step;
    say(`\n── ${name}`);
    const startMs = performance.now();
    const ok = await step.run();
    results.push({ name, ok, durationMs: performance.now() - startMs });
  }
  return results;
}

/** One line a step. */
export function summarize(results: readonly StepResult[]): string {
  const width = Math.max(...results.map(({ name }) => name.length));
  const lines = results.map(({ name, ok, durationMs }) => {
    return `  ${name.padEnd(width)}  ${ok ? 'ok    ' : 'FAILED'}  ${(durationMs / 1000).toFixed(1)} s`;
  });
  return `\n── summary\n${lines.join('\n')}`;
}
