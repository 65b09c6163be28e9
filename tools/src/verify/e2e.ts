import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '@breakwater/testkit';
import { CLUSTER_COMMANDS, missingCommands } from './cluster-commands.ts';
import type { TestOutcome } from './report.ts';

/** On every namespace that a run makes; its value is the run's id. */
export const RUN_LABEL = 'breakwater-e2e-run';

/** In the folder of a run: what its tests measured, a line each. */
export const MEASURED_FILE = 'measured.txt';

const DELETE_TIMEOUT_MS = 180_000;

/** One run of the tests on a cluster. Disposed of, it leaves nothing there, whatever became of the tests. */
export class ClusterRun implements AsyncDisposable {
  readonly id = process.env.BREAKWATER_E2E_RUN || randomBytes(3).toString('hex');
  /** Somebody else's run, who looks after it: what it left is used, and stays. */
  readonly #isForeign = Boolean(process.env.BREAKWATER_E2E_RUN);
  readonly folder = mkdtempSync(join(tmpdir(), 'breakwater-e2e-'));

  /** What the tests have to know. */
  get env(): Record<string, string> {
    return { BREAKWATER_TEST_E2E: '1', BREAKWATER_E2E_RUN: this.id, BREAKWATER_E2E_FOLDER: this.folder };
  }

  /** What the tests measured, as they tell it. */
  get measured(): readonly string[] {
    const file = join(this.folder, MEASURED_FILE);
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    const resume = process.env[CLUSTER_COMMANDS.resumeApi.env];
    // A run that was cut short may have left the API server silent.
    if (resume) await runCommand('sh', ['-c', resume]).catch(() => undefined);
    if (this.#isForeign) return;
    const selector = `${RUN_LABEL}=${this.id}`;
    await kubectl(['delete', 'namespace', '--selector', selector, '--timeout=150s'], DELETE_TIMEOUT_MS);
  }
}

/**
 * The version of the cluster that the kubeconfig leads to.
 *
 * @throws Error when there is none, or no kubectl
 */
export async function findCluster(): Promise<string> {
  const answer: unknown = JSON.parse(await kubectl(['version', '--output', 'json'], 30_000));
  const server = answer instanceof Object && 'serverVersion' in answer ? answer.serverVersion : undefined;
  const version = server instanceof Object && 'gitVersion' in server ? server.gitVersion : undefined;
  if (typeof version !== 'string') throw new Error('kubectl names no server version');
  return version;
}

/** Every test with its time, what was measured, and what the environment gave no command for. */
export function describeClusterRun(
  tests: readonly TestOutcome[],
  measured: readonly string[],
  env: NodeJS.ProcessEnv,
): string {
  const lines = tests.map(({ name, outcome, durationMs }) => {
    const time = outcome === 'skipped' ? 'not run' : `${(durationMs / 1000).toFixed(1)} s`;
    return `  ${time.padStart(8)}  ${outcome === 'failed' ? 'FAILED  ' : ''}${name}`;
  });
  const missing = missingCommands(env).map(({ env, does }) => `  ${env} is not set: it ${does}`);
  const figures = measured.length === 0 ? [] : ['\n── measured', ...measured.map((line) => `  ${line}`)];
  return ['\n── tests on the cluster', ...lines, ...missing, ...figures].join('\n');
}

async function kubectl(args: readonly string[], timeoutMs: number): Promise<string> {
  return await runCommand('kubectl', args, { timeoutMs });
}
