import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { baseEnv, projectRoot, serviceRuntime } from '@breakwater/testkit';

export interface RunResult {
  /** Exit code; -1 when it had to be ended. */
  readonly code: number;
  /** What it wrote, standard output and error together. */
  readonly output: string;
}

/** A signal that fires at the end of its scope, so that a test that fails leaves no program behind. */
export class Stopped implements Disposable {
  readonly #controller = new AbortController();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    this.#controller.abort();
  }
}

/** Runs a program of ours on Node 24 and waits for its end, two minutes at most. */
export function runNode(args: readonly string[], cwd: string, signal?: AbortSignal): Promise<RunResult> {
  const env = { ...baseEnv(), NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(serviceRuntime(), args, { cwd, env, timeout: 120_000, signal }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

/** The script behind a command of a development dependency, such as `typescript/bin/tsc`. */
export const toolOf = (script: string): string => join(projectRoot, 'node_modules', script);
