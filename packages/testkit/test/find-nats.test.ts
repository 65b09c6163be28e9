import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FindNatsOptions, findChromium, findNatsServer, NATS_SERVER_VERSION } from '../src/index.ts';

const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n';
const CACHED = `nats-server-${NATS_SERVER_VERSION}`;

let dir: string;
let bin: string;
let release: ReleaseHost;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'breakwater-find-'));
  bin = join(dir, 'bin');
  mkdirSync(bin);
  // What the fake programs themselves need.
  for (const tool of ['sh', 'tar', 'gzip', 'cp', 'chmod', 'cat', 'echo', 'printf']) {
    const real = execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
    if (real.startsWith('/')) symlinkSync(real, join(bin, tool));
  }
  release = await ReleaseHost.start();
});

afterEach(async () => {
  await release.stop();
  rmSync(dir, { recursive: true, force: true });
});

function search(given: FindNatsOptions = {}): FindNatsOptions {
  return {
    path: bin,
    cacheDir: join(dir, 'cache'),
    releaseUrl: release.url,
    osRelease: 'ID=other\n',
    userId: 1000,
    ...given,
  };
}

function program(file: string, script: string): void {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

function fakeServer(file: string, version: string): void {
  program(file, `echo "nats-server: v${version}"`);
}

/** Serves a release as it is published: an archive for this platform and SHA256SUMS beside it. */
class ReleaseHost {
  readonly #server: Server;
  readonly #files = new Map<string, Buffer>();
  requests = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      this.requests += 1;
      const body = this.#files.get(request.url ?? '');
      response.writeHead(body === undefined ? 404 : 200).end(body);
    });
  }

  static start(): Promise<ReleaseHost> {
    const server = createServer();
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(new ReleaseHost(server))));
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `http://127.0.0.1:${address.port}/release`;
  }

  publish(version: string, options: { checksum?: string } = {}): void {
    const arch = { x64: 'amd64', arm64: 'arm64', arm: 'arm7' }[process.arch as string];
    const folder = `nats-server-v${version}-${process.platform}-${arch}`;
    const work = mkdtempSync(join(tmpdir(), 'breakwater-release-'));
    fakeServer(join(work, folder, 'nats-server'), version);
    execFileSync('tar', ['-czf', 'a.tar.gz', folder], { cwd: work });
    const archive = readFileSync(join(work, 'a.tar.gz'));
    rmSync(work, { recursive: true });
    const checksum = options.checksum ?? createHash('sha256').update(archive).digest('hex');
    this.#files.set(`/release/${folder}.tar.gz`, archive);
    this.#files.set(
      '/release/SHA256SUMS',
      Buffer.from(`${'0'.repeat(64)}  other.zip\n${checksum}  ${folder}.tar.gz\n`),
    );
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

test('a nats-server on the PATH comes first, even an old one, and nothing is fetched', async () => {
  fakeServer(join(bin, 'nats-server'), '2.9.10');
  fakeServer(join(dir, 'cache', CACHED), NATS_SERVER_VERSION);
  release.publish(NATS_SERVER_VERSION);
  expect(await findNatsServer(search())).toEqual({
    path: join(bin, 'nats-server'),
    version: '2.9.10',
    source: 'path',
  });
  expect(release.requests).toBe(0);
});

test('one that is too old or broken on the PATH is passed over for the cached one', async () => {
  fakeServer(join(dir, 'cache', CACHED), NATS_SERVER_VERSION);
  for (const script of ['echo "nats-server: v2.8.4"', 'exit 1', 'echo hello']) {
    program(join(bin, 'nats-server'), script);
    expect(await findNatsServer(search())).toMatchObject({ source: 'cache' });
  }
});

test('the pinned release is downloaded, checked and cached, before Go is asked', async () => {
  program(join(bin, 'go'), 'echo "Go must not run" >&2; exit 1');
  release.publish(NATS_SERVER_VERSION);
  const found = await findNatsServer(search());
  expect(found).toEqual({
    path: join(dir, 'cache', CACHED),
    version: NATS_SERVER_VERSION,
    source: 'release',
  });
  expect(await findNatsServer(search())).toMatchObject({ source: 'cache' });
  expect(release.requests).toBe(2);
});

test('a download whose checksum differs is not used and not kept', async () => {
  release.publish(NATS_SERVER_VERSION, { checksum: 'f'.repeat(64) });
  await expect(findNatsServer(search())).rejects.toThrow(/checksum of .* published is ffff/);
  expect(existsSync(join(dir, 'cache', CACHED))).toBe(false);
});

test('without a release Go builds the pinned version into the cache', async () => {
  program(
    join(bin, 'go'),
    `[ "$2" = "github.com/nats-io/nats-server/v2@v${NATS_SERVER_VERSION}" ] || exit 9
printf '#!/bin/sh\\necho "nats-server: v${NATS_SERVER_VERSION}"\\n' > "$GOBIN/nats-server"; chmod 755 "$GOBIN/nats-server"`,
  );
  const found = await findNatsServer(search());
  expect(found).toEqual({ path: join(dir, 'cache', CACHED), version: NATS_SERVER_VERSION, source: 'go' });
});

test("Debian's package comes last, and only for root", async () => {
  program(
    join(bin, 'apt-get'),
    `echo "$1" >> "${join(dir, 'apt.log')}"
[ "$1" = install ] || exit 0
printf '#!/bin/sh\\necho "nats-server: v2.9.10"\\n' > "${join(bin, 'nats-server')}"; chmod 755 "${join(bin, 'nats-server')}"`,
  );
  await expect(findNatsServer(search({ osRelease: DEBIAN }))).rejects.toThrow(
    /apt-get install nats-server: needs root/,
  );
  expect(existsSync(join(dir, 'apt.log'))).toBe(false);
  const found = await findNatsServer(search({ osRelease: DEBIAN, userId: 0 }));
  expect(found).toEqual({ path: join(bin, 'nats-server'), version: '2.9.10', source: 'debian' });
  expect(readFileSync(join(dir, 'apt.log'), 'utf8')).toBe('update\ninstall\n');
});

test('when every way fails the error names them all, with the reasons', async () => {
  program(join(bin, 'go'), 'echo "no such module" >&2; exit 1');
  const failure = await findNatsServer(search({ releaseUrl: 'http://127.0.0.1:9/release' })).catch(
    (error: unknown) => error,
  );
  if (!(failure instanceof Error)) throw new Error('it was found');
  expect(failure.message.split('\n')).toEqual([
    'No nats-server. Tried, in this order:',
    '  - PATH: no nats-server there',
    expect.stringMatching(/^ {2}- http:\/\/127.0.0.1:9\/release: fetch failed/),
    expect.stringMatching(/^ {2}- go install: .*no such module/),
    '  - apt-get install nats-server: this is not Debian',
    expect.stringContaining('BREAKWATER_NATS_URL'),
  ]);
});

test('searches at once install once', async () => {
  release.publish(NATS_SERVER_VERSION);
  const found = await Promise.all(Array.from({ length: 5 }, () => findNatsServer(search())));
  expect(new Set(found.map((server) => server.path)).size).toBe(1);
  expect(found.filter((server) => server.source === 'release')).toHaveLength(1);
  expect(release.requests).toBe(2);
});

test('a missing Chromium is a clear error, and Debian as root may install it', async () => {
  await expect(findChromium({ path: bin })).rejects.toThrow(/need chromium or google-chrome on the PATH/);
  const place = { path: bin, osRelease: DEBIAN, userId: 0, install: true };
  program(join(bin, 'apt-get'), 'exit 100');
  await expect(findChromium(place)).rejects.toThrow(/Installing Debian's package: .*apt-get update failed/);
  program(
    join(bin, 'apt-get'),
    `[ "$1" = install ] && printf '#!/bin/sh\\n' > "${join(bin, 'chromium')}" && chmod 755 "${join(bin, 'chromium')}"; exit 0`,
  );
  expect(await findChromium(place)).toBe(join(bin, 'chromium'));
});
