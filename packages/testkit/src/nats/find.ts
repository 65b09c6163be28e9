import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { dataDir } from '../paths.ts';
import { acquireLock } from '../process/file-lock.ts';
import { downloadNatsServer } from './download.ts';
import {
  isAtLeast,
  NATS_GO_MODULE,
  NATS_RELEASE_URL,
  NATS_SERVER_VERSION,
  OLDEST_NATS_SERVER,
} from './release.ts';
import { run } from './run.ts';

/** Where a nats-server came from. */
export type NatsServerSource = 'path' | 'cache' | 'release' | 'go' | 'debian';

export interface FoundNatsServer {
  path: string;
  /** As it says itself, e.g. `2.14.9`. */
  version: string;
  source: NatsServerSource;
}

/** Everything that the search looks at; the defaults are this machine. */
export interface FindNatsOptions {
  /** Folders with programs, as in the environment variable. */
  path?: string;
  cacheDir?: string;
  releaseUrl?: string;
  /** Content of `/etc/os-release`. */
  osRelease?: string;
  userId?: number;
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
  readonly #path: string;
  readonly #releaseUrl: string;
  readonly #osRelease: string;
  readonly #userId: number;
  readonly #log: (message: string) => void;
  readonly #failures: string[] = [];

  constructor(options: FindNatsOptions) {
    this.cacheDir = options.cacheDir ?? join(dataDir, 'bin');
    this.#path = options.path ?? process.env.PATH ?? '';
    this.#releaseUrl = options.releaseUrl ?? NATS_RELEASE_URL;
    this.#osRelease = options.osRelease ?? readIfThere('/etc/os-release');
    this.#userId = options.userId ?? process.getuid?.() ?? -1;
    this.#log = options.log ?? (() => undefined);
  }

  get #target(): string {
    return join(this.cacheDir, `nats-server-${NATS_SERVER_VERSION}`);
  }

  async onPath(): Promise<FoundNatsServer | undefined> {
    const program = findProgram('nats-server', this.#path);
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
    const go = findProgram('go', this.#path);
    if (go === undefined) return this.#failed('go install', 'no go on the PATH');
    return this.#attempt('go install', async () => {
      this.#log(`building nats-server ${NATS_SERVER_VERSION} with Go, which takes a minute or two`);
      await this.#install(async (file) => {
        const dir = mkdtempSync(join(tmpdir(), 'breakwater-go-'));
        try {
          await run(go, ['install', NATS_GO_MODULE], {
            env: { ...process.env, PATH: this.#path, GOBIN: dir },
          });
          copyFileSync(join(dir, 'nats-server'), file);
        } finally {
          rmSync(dir, { recursive: true, force: true });
        }
      });
      return probe(this.#target, 'go');
    });
  }

  async fromDebian(): Promise<FoundNatsServer | undefined> {
    const aptGet = findProgram('apt-get', this.#path);
    if (!/^ID(_LIKE)?=.*debian/m.test(this.#osRelease) || aptGet === undefined) {
      return this.#failed('apt-get install nats-server', 'this is not Debian');
    }
    if (this.#userId !== 0) return this.#failed('apt-get install nats-server', 'needs root');
    return this.#attempt('apt-get install nats-server', async () => {
      this.#log("installing Debian's nats-server");
      const env = { ...process.env, PATH: this.#path, DEBIAN_FRONTEND: 'noninteractive' };
      await run(aptGet, ['update', '-q'], { env });
      await run(aptGet, ['install', '-y', '-q', '--no-install-recommends', 'nats-server'], { env });
      const program = findProgram('nats-server', `${this.#path}${delimiter}/usr/sbin`);
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

/** The first executable file of this name in the folders of `path`. */
export function findProgram(name: string, path: string): string | undefined {
  for (const dir of path.split(delimiter)) {
    const file = join(dir, name);
    if (dir !== '' && isExecutable(file)) return file;
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** The message, and for a failed fetch the reason that hides in its cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause =
    error.cause instanceof Error && error.message === 'fetch failed' ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
