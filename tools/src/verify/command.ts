import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findChromium, findHelm, findNatsServer, findPromtool } from '@breakwater/testkit';
import { type Command, CommandError, messageOf } from '../command.ts';
import { runProgram } from '../run-program.ts';
import { countTests, isGreen, type TestCounts } from './report.ts';
import { lintStep, runSteps, type Step, summarize, typesStep } from './steps.ts';

const HELP = `Usage: npm test -- [options] [filter…]    (or: breakwater test …)

Types, lint and format, then every test: units, services against a real nats-server, the whole stack,
and the page in a real Chromium. The last line counts the tests. With filters only test files whose
path contains one of them are run, and nothing else.

  --long   full counts of the randomised tests, as before a release
  --chart  the tests of the Helm chart instead, which need Helm and promtool`;

const NO_TESTS: TestCounts = { passed: 0, failed: 0, skipped: 0 };

async function run(args: readonly string[]): Promise<number> {
  const { long, chart, filters } = parse(args);
  await assertTools(chart);
  let counts = NO_TESTS;
  const testStep: Step = {
    name: 'tests',
    run: async () => {
      const outcome = await runVitest(
        chart ? ['test/chart/', ...filters] : filters,
        environmentOf(long, chart),
      );
      counts = outcome.counts;
      return outcome.exitCode === 0 && isGreen(counts);
    },
  };
  const steps = filters.length > 0 || chart ? [testStep] : [typesStep, lintStep, testStep];
  const results = await runSteps(steps, console.log);
  console.log(summarize(results));
  if (counts.skipped > 0) console.log(`  ${counts.skipped} tests skipped`);
  if (counts.passed + counts.failed === 0) console.log('  no test ran, which counts as a failure');
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return results.every(({ ok }) => ok) ? 0 : 1;
}

function environmentOf(long: boolean, chart: boolean): Record<string, string> {
  return { ...(long && { BREAKWATER_TEST_LONG: '1' }), ...(chart && { BREAKWATER_TEST_CHART: '1' }) };
}

function parse(args: readonly string[]): { long: boolean; chart: boolean; filters: string[] } {
  try {
    const flag = { type: 'boolean', default: false } as const;
    const options = { long: flag, chart: flag } as const;
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals: true,
    });
    return { long: values.long, chart: values.chart, filters: positionals };
  } catch (error) {
    throw new CommandError(messageOf(error));
  }
}

/** A missing tool is a failure before anything runs, never a test that is skipped. */
async function assertTools(chart: boolean): Promise<void> {
  const log = (message: string) => console.log(message);
  try {
    const nats = await findNatsServer({ log });
    console.log(`nats-server ${nats.version} (${nats.path})`);
    const others = chart
      ? [await findHelm({ log }), await findPromtool({ install: true, log })]
      : [await findChromium({ install: true, log })];
    console.log(others.join(', '));
  } catch (error) {
    throw new CommandError(messageOf(error));
  }
}

async function runVitest(
  filters: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ exitCode: number; counts: TestCounts }> {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-report-'));
  const file = join(dir, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const exitCode = await runProgram('vitest', ['run', ...reporters, ...filters], { env });
    return { exitCode, counts: readCounts(file) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** No report means that vitest did not get as far as a test. */
function readCounts(file: string): TestCounts {
  try {
    return countTests(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    console.error(`vitest left no report: ${messageOf(error)}`);
    return NO_TESTS;
  }
}

export const testCommand: Command = { help: HELP, run };
