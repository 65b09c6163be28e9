import type { Environment } from './load.ts';

/** The process's environment. Nothing else in a service reads it. */
export function processEnvironment(): Environment {
  return process.env;
}

/** True when the process was asked only to check its settings. */
export function isConfigCheck(argv: readonly string[] = process.argv): boolean {
  return argv.includes('--check-config');
}
