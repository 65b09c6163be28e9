import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataDir } from '../paths.ts';
import { acquireLock } from '../process/file-lock.ts';
import { run } from '../system/run.ts';
import { findProgram, type SystemFacts, systemFacts } from '../system/system.ts';

/** The Helm that the chart is tested with. */
export const HELM_VERSION = '3.22.0';
const HELM_GO_MODULE = `helm.sh/helm/v3/cmd/helm@v${HELM_VERSION}`;
const INSTALL_WAIT_MS = 900_000;

export interface FindHelmOptions extends Partial<SystemFacts> {
  cacheDir?: string;
  /** Told before the step that takes minutes. */
  log?: (message: string) => void;
}

/**
 * Finds Helm 3, or gets it: on the PATH, cached in `.breakwater/bin` by an earlier run, built with Go.
 *
 * @throws Error that names every way and why it failed
 */
export async function findHelm(options: FindHelmOptions = {}): Promise<string> {
  const facts = systemFacts(options);
  const cacheDir = options.cacheDir ?? join(dataDir, 'bin');
  const cached = join(cacheDir, `helm-${HELM_VERSION}`);
  const onPath = findProgram(facts.path, 'helm');
  const failures: string[] = [];
  for (const program of [onPath, existsSync(cached) ? cached : undefined]) {
    if (program === undefined) continue;
    const version = await versionOf(program);
    if (version?.startsWith('v3.') === true) return program;
    failures.push(`${program} is ${version ?? 'no Helm'}, not Helm 3`);
  }
  const go = findProgram(facts.path, 'go');
  if (go === undefined) failures.push('go install: no go on the PATH');
  else {
    try {
      options.log?.(`building Helm ${HELM_VERSION} with Go, which takes some minutes`);
      return await build(go, facts.path, cacheDir, cached);
    } catch (error) {
      failures.push(`go install: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (onPath === undefined) failures.unshift('PATH: no helm there');
  throw new Error(
    [
      'No Helm. Tried, in this order:',
      ...failures.map((failure) => `  - ${failure}`),
      'Put Helm 3 on the PATH.',
    ].join('\n'),
  );
}

async function versionOf(program: string): Promise<string | undefined> {
  const output = await run(program, ['version', '--short'], { timeoutMs: 10_000 }).catch(() => '');
  return /v\d+\.\d+/.exec(output)?.[0];
}

/** One process builds, the others wait for it; a half-written program is never found. */
async function build(go: string, path: string, cacheDir: string, target: string): Promise<string> {
  const lock = await acquireLock(join(cacheDir, 'helm.lock'), INSTALL_WAIT_MS);
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-go-'));
  try {
    if (existsSync(target)) return target;
    await run(go, ['install', HELM_GO_MODULE], {
      env: { ...process.env, PATH: path, GOBIN: dir },
      timeoutMs: INSTALL_WAIT_MS,
    });
    mkdirSync(cacheDir, { recursive: true });
    const partial = `${target}.${process.pid}.partial`;
    copyFileSync(join(dir, 'helm'), partial);
    chmodSync(partial, 0o755);
    renameSync(partial, target);
    return target;
  } finally {
    rmSync(dir, { recursive: true, force: true });
    lock.release();
  }
}
