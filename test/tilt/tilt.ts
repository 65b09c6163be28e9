import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { baseEnv, findGo, findHelm, projectRoot } from '@breakwater/testkit';
import { type Json, type KubeObject, list } from '../chart/helm.ts';

const exec = promisify(execFile);

/** A call of one of Tilt's functions. Paths in its arguments count from the checkout. */
export interface TiltCall {
  readonly function: string;
  readonly args: Json;
}

/** What a Tiltfile asked of Tilt. */
export interface TiltRun {
  readonly calls: readonly TiltCall[];
  readonly objects: readonly KubeObject[];
  readonly workloads: readonly { readonly kind: string; readonly name: string; readonly resource: string }[];
}

/** Tilt's interpreter with its functions written down instead of done; built once, removed at the end. */
export class Tilt implements AsyncDisposable {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** @throws Error when Go or Helm is missing, or the module cannot be fetched */
  static async build(): Promise<Tilt> {
    const dir = mkdtempSync(join(tmpdir(), 'breakwater-tilt-'));
    symlinkSync(await findHelm({ log: (message) => console.error(message) }), join(dir, 'helm'));
    await exec(await findGo(), ['build', '-o', join(dir, 'recorder'), '.'], {
      cwd: join(import.meta.dirname, 'starlark'),
      env: { ...baseEnv(), GOFLAGS: '-mod=readonly' },
    });
    return new Tilt(dir);
  }

  /** @throws Error with the place in the Tiltfile */
  async run(subcommand: 'up' | 'ci', args: readonly string[] = [], tiltfile = 'Tiltfile'): Promise<TiltRun> {
    const all = ['-subcommand', subcommand, join(projectRoot, tiltfile), '--', ...args];
    const env = { ...baseEnv(), PATH: `${this.#dir}:${process.env.PATH}` };
    const { stdout } = await exec(join(this.#dir, 'recorder'), all, { env, maxBuffer: 64 * 1024 * 1024 });
    return JSON.parse(stdout, (_key, value: unknown) =>
      typeof value === 'string' && value.startsWith(`${projectRoot}/`) ? relative(projectRoot, value) : value,
    ) as TiltRun;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Arguments of all calls of one function. */
export const callsOf = (run: TiltRun, name: string): readonly Json[] =>
  run.calls.filter((call) => call.function === name).map(({ args }) => args);

/** Arguments of the steps of one kind in an image's live update. */
export const stepsOf = (image: Json, kind: string): readonly Json[] =>
  (list(image.live_update) as unknown as TiltCall[])
    .filter((step) => step.function === kind)
    .map(({ args }) => args);

export const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

const isUnder = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** What `.dockerignore` keeps out of every image, and therefore out of Tilt's sight. */
const isIgnored = (path: string): boolean =>
  /\.test\.ts$/.test(path) || /(^|\/)(test|dist|node_modules)\//.test(path);

/** What Tilt does with an image when a file changes. */
export function reactionTo(image: Json, path: string): 'nothing' | 'live update' | 'new image' {
  if (isIgnored(path) || !texts(image.only).some((each) => isUnder(path, each))) return 'nothing';
  const stops = stepsOf(image, 'fall_back_on').flatMap(({ files }) => texts(files));
  const isSynced = stepsOf(image, 'sync').some(({ local_path }) => isUnder(path, String(local_path)));
  return isSynced && !stops.includes(path) ? 'live update' : 'new image';
}
