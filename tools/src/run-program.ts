import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { projectRoot } from '@breakwater/testkit';

/** Folder of the tools that npm installed. */
export const binDir = `${projectRoot}/node_modules/.bin`;

export interface ProgramOptions {
  env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs an installed tool in the project's root with our terminal; signals go on to it.
 *
 * @returns its exit code, or 128 and the signal's number
 */
export async function runProgram(
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<number> {
  const env = { ...process.env, ...options.env, PATH: `${binDir}:${process.env.PATH ?? ''}` };
  const child = spawn(`${binDir}/${name}`, [...args], {
    cwd: projectRoot,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) =>
        resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]),
      );
    });
  } finally {
    for (const signal of signals) process.off(signal, forward);
  }
}
