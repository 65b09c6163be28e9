import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { dataDir } from '../paths.ts';
import { acquireLock } from '../process/file-lock.ts';
import { run } from '../system/run.ts';
import { findProgram, installDebianPackages, type SystemFacts, systemFacts } from '../system/system.ts';
import { downloadNatsServer } from './download.ts';
import {
  isAtLeast,
  NATS_GO_MODULE,
  NATS_RELEASE_URL,
  NATS_SERVER_VERSION,
  OLDEST_NATS_SERVER,
} from './release.ts';

/** Where a nats-server came from. */
export type NatsServerSource = 'path' | 'cache' | 'release' | 'go' | 'debian';

export interface FoundNatsServer {
  path: string;
  /** As it says itself, e.g. `2.14.9`. */
  version: string;
  source: NatsServerSource;
}

/** Everything that the search looks at; the defaults are this machine. */
export interface FindNatsOptions extends Partial<SystemFacts> {
  cacheDir?: string;
  releaseUrl?: string;
  /** Told before each step that takes long. */
  log?: (message: string) => void;
}

const INSTALL_WAIT_MS = 600_000;

/**
 * Finds a nats-server, or gets one: on the PATH, cached by an earlier run, the pinned release, built with Go,
 * Debian's package. What was got is cached in `.breakwater/bin`.
 *
 * @throws Error that names every way and why it failed
 */
export async function findNatsServer(options: FindNatsOptions = {}): Promise<FoundNatsServer> {
  const search = new Search(options);
  const present = (await search.onPath()) ?? (await search.cached());
  if (present !== undefined) return present;
  const lock = await acquireLock(join(search.cacheDir, 'install.lock'), INSTALL_WAIT_MS);
  try {
    // Another process may have brought it while this one waited.
    const found =
      (await search.cached()) ??
      (await search.fromRelease()) ??
      (await search.fromGo()) ??
      (await search.fromDebian());
    if (found !== undefined) return found;
  } finally {
    lock.release();
  }
  throw new Error(search.explain());
}

class Search {
  readonly cacheDir: string;
  readonly #facts: SystemFacts;
  readonly #releaseUrl: string;
  readonly #log: (message: string) => void;
  readonly #failures: string[] = [];

  constructor(options: FindNatsOptions) {
    this.cacheDir = options.cacheDir ?? join(dataDir, 'bin');
    this.#facts = systemFacts(options);
    this.#releaseUrl = options.releaseUrl ?? NATS_RELEASE_URL;
    this.#log = options.log ?? (() => undefined);
  }

  get #target(): string {
    return join(this.cacheDir, `nats-server-${NATS_SERVER_VERSION}`);
  }

  async onPath(): Promise<FoundNatsServer | undefined> {
    const program = findProgram(this.#facts.path, 'nats-server');
    if (program === undefined) return this.#failed('PATH', 'no nats-server there');
    return this.#attempt('PATH', () => probe(program, 'path'));
  }

  async cached(): Promise<FoundNatsServer | undefined> {
    if (!existsSync(this.#target)) return undefined;
    return this.#attempt(this.#target, () => probe(this.#target, 'cache'));
  }

  fromRelease(): Promise<FoundNatsServer | undefined> {
    return this.#attempt(this.#releaseUrl, async () => {
      this.#log(`downloading nats-server ${NATS_SERVER_VERSION}`);
      await this.#install((file) =>
        downloadNatsServer({ releaseUrl: this.#releaseUrl, version: NATS_SERVER_VERSION, target: file }),
      );
      return probe(this.#target, 'release');
    });
  }

  async fromGo(): Promise<FoundNatsServer | undefined> {
    const go = findProgram(this.#facts.path, 'go');
    if (go === undefined) return this.#failed('go install', 'no go on the PATH');
    return this.#attempt('go install', async () => {
      this.#log(`building nats-server ${NATS_SERVER_VERSION} with Go, which takes a minute or two`);
      await this.#install(async (file) => {
        const dir = mkdtempSync(join(tmpdir(), 'breakwater-go-'));
        try {
          await run(go, ['install', NATS_GO_MODULE], {
            env: { ...process.env, PATH: this.#facts.path, GOBIN: dir },
          });
          copyFileSync(join(dir, 'nats-server'), file);
        } finally {
          rmSync(dir, { recursive: true, force: true });
        }
      });
      return probe(this.#target, 'go');
    });
  }

  fromDebian(): Promise<FoundNatsServer | undefined> {
    return this.#attempt('apt-get install nats-server', async () => {
      this.#log("installing Debian's nats-server");
      await installDebianPackages(['nats-server'], this.#facts);
      const program = findProgram(`${this.#facts.path}${delimiter}/usr/sbin`, 'nats-server');
      if (program === undefined) throw new Error('the package brought no nats-server');
      return probe(program, 'debian');
    });
  }

  explain(): string {
    return [
      'No nats-server. Tried, in this order:',
      ...this.#failures.map((failure) => `  - ${failure}`),
      'Put a nats-server (2.9 or newer) on the PATH, or set BREAKWATER_NATS_URL to one that runs.',
    ].join('\n');
  }

  /** Writes beside the cached file first: a half-written program is never found. */
  async #install(bring: (file: string) => Promise<void>): Promise<void> {
    mkdirSync(this.cacheDir, { recursive: true });
    const partial = `${this.#target}.${process.pid}.partial`;
    try {
      await bring(partial);
      chmodSync(partial, 0o755);
      renameSync(partial, this.#target);
    } finally {
      rmSync(partial, { force: true });
    }
  }

  async #attempt(way: string, find: () => Promise<FoundNatsServer>): Promise<FoundNatsServer | undefined> {
    try {
      return await find();
    } catch (error) {
      return this.#failed(way, describe(error));
    }
  }

  #failed(way: string, reason: string): undefined {
    this.#failures.push(`${way}: ${reason}`);
    return undefined;
  }
}

async function probe(path: string, source: NatsServerSource): Promise<FoundNatsServer> {
  const output = await run(path, ['--version'], { timeoutMs: 10_000 });
  const version = /v?(\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (version === undefined) throw new Error(`${path} does not say its version`);
  if (!isAtLeast(version, OLDEST_NATS_SERVER))
    throw new Error(`${path} is ${version}, older than ${OLDEST_NATS_SERVER}`);
  return { path, version, source };
}

/** The message, and for a failed fetch the reason that hides in its cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause =
    error.cause instanceof Error && error.message === 'fetch failed' ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
