import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findChromium, findGo, findHelm, findNatsServer, findPromtool } from '@breakwater/testkit';
import { type Command, CommandError, messageOf } from '../command.ts';
import { runProgram } from '../run-program.ts';
import { CLUSTER_COMMANDS } from './cluster-commands.ts';
import { ClusterRun, describeClusterRun, findCluster } from './e2e.ts';
import { countTests, isGreen, listTests, type TestCounts, type TestOutcome } from './report.ts';
import { lintStep, runSteps, type Step, summarize, typesStep } from './steps.ts';

const HELP = `Usage: npm test -- [options] [filter…]    (or: breakwater test …)

Types, lint and format, then every test: units, services against a real nats-server, the whole stack,
and the page in a real Chromium. The last line counts the tests. With filters only test files whose
path contains one of them are run, and nothing else.

  --long    full counts of the randomised tests, as before a release
  --chart   the tests of the Helm chart and of the Tiltfile instead, which need Helm, promtool and Go
  --e2e     the tests on the cluster that the kubeconfig leads to instead
  --strict  with --e2e: a test that is left out counts as a failure (set where CI is)

On a cluster, what Kubernetes cannot do comes as commands in the environment (docs/testing.md):
${Object.values(CLUSTER_COMMANDS)
  .map(({ env, args, does }) => `  ${[env, args].join(' ').trim()}\n      ${does}`)
  .join('\n')}`;

type Mode = 'all' | 'chart' | 'e2e';

interface TestOptions {
  readonly mode: Mode;
  readonly isLong: boolean;
  readonly isStrict: boolean;
  readonly filters: readonly string[];
}

async function run(args: readonly string[]): Promise<number> {
  const options = parse(args);
  await assertTools(options.mode);
  return options.mode === 'e2e' ? await runOnCluster(options) : await runHere(options);
}

async function runHere({ mode, isLong, filters }: TestOptions): Promise<number> {
  const isChart = mode === 'chart';
  const env = {
    ...(isLong && { BREAKWATER_TEST_LONG: '1' }),
    ...(isChart && { BREAKWATER_TEST_CHART: '1' }),
  };
  const tests = new TestRun(isChart ? ['test/chart/', 'test/tilt/', ...filters] : filters, env);
  const steps = filters.length > 0 || isChart ? [tests] : [typesStep, lintStep, tests];
  const results = await runSteps(steps, console.log);
  console.log(summarize(results));
  sayCounts(tests.counts);
  return results.every(({ ok }) => ok) ? 0 : 1;
}

async function runOnCluster({ isStrict, filters }: TestOptions): Promise<number> {
  // A second Ctrl-C would end us before the cluster is clean, so only the tests hear it.
  const ignore = () => undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ignore);
  await using cluster = new ClusterRun();
  const tests = new TestRun(filters, cluster.env);
  const results = await runSteps([tests], console.log);
  console.log(describeClusterRun(tests.outcomes, cluster.measured, process.env));
  console.log(summarize(results));
  sayCounts(tests.counts);
  const isWhole = !isStrict || tests.counts.skipped === 0;
  if (!isWhole) console.log('tests were left out, which counts as a failure here');
  return isWhole && results.every(({ ok }) => ok) ? 0 : 1;
}

function sayCounts({ passed, failed, skipped }: TestCounts): void {
  if (skipped > 0) console.log(`  ${skipped} tests skipped`);
  if (passed + failed === 0) console.log('  no test ran, which counts as a failure');
  console.log(`${passed} passed, ${failed} failed`);
}

function parse(args: readonly string[]): TestOptions {
  try {
    const flag = { type: 'boolean', default: false } as const;
    const options = { long: flag, chart: flag, e2e: flag, strict: flag } as const;
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals: true,
    });
    const mode = values.e2e ? 'e2e' : values.chart ? 'chart' : 'all';
    const isStrict = values.strict || !['', '0', 'false'].includes(process.env.CI ?? '');
    return { mode, isLong: values.long, isStrict, filters: positionals };
  } catch (error) {
    throw new CommandError(messageOf(error));
  }
}

/** A missing tool is a failure before anything runs, never a test that is skipped. */
async function assertTools(mode: Mode): Promise<void> {
  const log = (message: string) => console.log(message);
  try {
    const nats = await findNatsServer({ log });
    console.log(`nats-server ${nats.version} (${nats.path})`);
    const others: string[] = [];
    if (mode !== 'all') others.push(await findHelm({ log }));
    if (mode === 'chart') others.push(await findPromtool({ install: true, log }), await findGo());
    else others.push(await findChromium({ install: true, log }));
    if (mode === 'e2e') others.push(`Kubernetes ${await findCluster()}`);
    console.log(others.join(', '));
  } catch (error) {
    throw new CommandError(messageOf(error));
  }
}

/** The step that runs vitest, and what came of it. */
class TestRun implements Step {
  readonly name = 'tests';
  counts: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  outcomes: readonly TestOutcome[] = [];
  readonly #filters: readonly string[];
  readonly #env: Readonly<Record<string, string>>;

  constructor(filters: readonly string[], env: Readonly<Record<string, string>>) {
    this.#filters = filters;
    this.#env = env;
  }

  async run(): Promise<boolean> {
    const dir = mkdtempSync(join(tmpdir(), 'breakwater-report-'));
    const file = join(dir, 'report.json');
    try {
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
      const exitCode = await runProgram('vitest', ['run', ...reporters, ...this.#filters], {
        env: this.#env,
      });
      this.#read(file);
      return exitCode === 0 && isGreen(this.counts);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }

  /** No report means that vitest did not get as far as a test. */
  #read(file: string): void {
    try {
      const report: unknown = JSON.parse(readFileSync(file, 'utf8'));
      this.counts = countTests(report);
      this.outcomes = listTests(report);
    } catch (error) {
      console.error(`vitest left no report: ${messageOf(error)}`);
    }
  }
}

export const testCommand: Command = { help: HELP, run };
