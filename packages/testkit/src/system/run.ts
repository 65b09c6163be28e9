import { execFile } from 'node:child_process';

export interface RunOptions {
  cwd?: string;
  env?: Readonly<Record<string, string | undefined>>;
  /** Default 10 minutes: a build or a package manager on a slow machine. */
  timeoutMs?: number;
  /** Standard input. */
  input?: string;
}

/**
 * Runs a program to its end.
 *
 * @returns its standard output
 * @throws Error with the last lines of its standard error
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = {
      timeout: options.timeoutMs ?? 600_000,
      maxBuffer: 16 * 1024 * 1024,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: options.env ?? process.env,
    };
    const child = execFile(command, [...args], settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const detail = stderr.trim().split('\n').slice(-3).join(' ');
      reject(new Error(`${command} ${args[0] ?? ''} failed: ${detail || error.message}`, { cause: error }));
    });
    if (options.input !== undefined) child.stdin?.end(options.input);
  });
}
