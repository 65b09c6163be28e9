import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The checkout's root folder. */
export const projectRoot = resolve(import.meta.dirname, '../../..');

/** Local data of this checkout (git-ignored): cached tools, the NATS store, development secrets. */
export const dataDir = join(projectRoot, '.breakwater');

/** The Node that runs services: this one when it is new enough, else the pinned npm package. */
export function serviceRuntime(): string {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 24) return process.execPath;
  const pinned = join(projectRoot, 'node_modules/.bin/node');
  if (!existsSync(pinned)) throw new Error(`Node 24 is missing: run "npm ci" in ${projectRoot}`);
  return pinned;
}

/** What a child needs from our own environment; settings are never inherited by accident. */
export function baseEnv(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
