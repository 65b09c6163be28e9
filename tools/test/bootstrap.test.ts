import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, projectRoot, spawnProcess } from '@breakwater/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';

const LOCK = {
  'node_modules/x': { version: '1.0.0', integrity: 'sha-1' },
  'packages/a': { version: '0.1.0' },
};

let root: string;

/** A checkout of its own: the bootstrap, a command that says what it was given, and an npm that installs a fake. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'breakwater-bootstrap-'));
  mkdirSync(join(root, 'tools/src'), { recursive: true });
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, 'packages/a'), { recursive: true });
  writeFileSync(join(root, 'packages/a/package.json'), '{"version":"0.1.0"}');
  cpSync(join(projectRoot, 'tools/breakwater.mjs'), join(root, 'tools/breakwater.mjs'));
  writeLock('package-lock.json', LOCK);
  writeFileSync(
    join(root, 'tools/src/main.ts'),
    `const args: string[] = process.argv.slice(2);
console.log('ran', JSON.stringify(args));
if (args[0] === 'fail') process.exitCode = 7;
if (args[0] === 'wait') {
  process.on('SIGTERM', () => { console.log('got SIGTERM'); process.exit(3); });
  process.on('disconnect', () => { console.log('parent gone'); process.exit(4); });
  console.log(JSON.stringify({ msg: 'waiting', child: process.pid }));
  setInterval(() => undefined, 1_000);
}
`,
  );
  fakeNpm(`echo "$@" >> "$LOG"; mkdir -p node_modules/.bin; ln -sf "${process.execPath}" node_modules/.bin/node
cp package-lock.json node_modules/.package-lock.json`);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function writeLock(file: string, packages: object): void {
  writeFileSync(join(root, file), JSON.stringify({ packages }));
}

function fakeNpm(script: string): void {
  writeFileSync(join(root, 'bin/npm'), `#!/bin/sh\nLOG="${join(root, 'npm.log')}"\n${script}\n`);
  chmodSync(join(root, 'bin/npm'), 0o755);
}

const environment = () => ({ PATH: `${join(root, 'bin')}:/usr/bin:/bin`, NODE_ENV: 'production' });

function breakwater(args: readonly string[], nodeArgs: readonly string[] = []) {
  const file = join(root, 'tools/breakwater.mjs');
  return spawnSync(process.execPath, [...nodeArgs, file, ...args], {
    encoding: 'utf8',
    env: environment(),
    cwd: tmpdir(),
  });
}

function installs(): string[] {
  const log = join(root, 'npm.log');
  return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
}

test('the first run installs, the second does not, and both hand over the arguments', () => {
  expect(breakwater(['hello', '--x', 'a b']).stdout).toBe('ran ["hello","--x","a b"]\n');
  expect(breakwater([]).stdout).toBe('ran []\n');
  expect(installs()).toEqual(['ci --include=dev --no-audit --no-fund --loglevel=error']);
});

test('a lockfile with another version, or a package that is missing, installs again', () => {
  breakwater([]);
  writeLock('package-lock.json', { ...LOCK, 'node_modules/x': { version: '1.0.1', integrity: 'sha-2' } });
  breakwater([]);
  expect(installs()).toHaveLength(2);
  writeLock('package-lock.json', { ...LOCK, 'node_modules/y': { version: '1.0.0' } });
  breakwater([]);
  expect(installs()).toHaveLength(3);
});

test('packages for other platforms need not be there', () => {
  breakwater([]);
  writeLock('package-lock.json', { ...LOCK, 'node_modules/other-os': { version: '1.0.0', optional: true } });
  breakwater([]);
  expect(installs()).toHaveLength(1);
});

test('an npm that fails, brings no Node, or is not there is one sentence and exit code 1', () => {
  fakeNpm('exit 5');
  const failed = breakwater(['hello']);
  expect(failed.status).toBe(1);
  expect(failed.stderr).toMatch(/Installing failed: "npm ci" in .* ended with exit code 5\.\n$/);
  expect(failed.stdout).toBe('');

  fakeNpm('mkdir -p node_modules');
  expect(breakwater([]).stderr).toMatch(/did not install Node 24/);

  rmSync(join(root, 'bin/npm'));
  const file = join(root, 'tools/breakwater.mjs');
  const without = spawnSync(process.execPath, [file], { encoding: 'utf8', env: { PATH: join(root, 'bin') } });
  expect(without.status).toBe(1);
  expect(without.stderr).toMatch(/needs npm on the PATH/);
});

test('a lockfile that does not fit a package is named as the reason, and no install script is blamed', () => {
  const installed = readFileSync(join(root, 'bin/npm'), 'utf8');
  const declare = (dependencies: object) =>
    writeFileSync(join(root, 'packages/a/package.json'), JSON.stringify({ dependencies }));
  declare({ x: '1.0.0' });
  fakeNpm('exit 1');
  const misfit = breakwater(['hello']);
  expect(misfit.status).toBe(1);
  expect(misfit.stderr).toContain(
    `package-lock.json does not fit (dependencies of packages/a/package.json are others): run "npm install" in ${root} once.`,
  );
  rmSync(join(root, 'packages/a'), { recursive: true });
  expect(breakwater([]).stderr).toContain('packages/a/package.json is not there');

  mkdirSync(join(root, 'packages/a'));
  declare({});
  writeFileSync(join(root, 'bin/npm'), `${installed}rm node_modules/.package-lock.json\n`);
  expect(breakwater([]).stderr).toMatch(/did not install everything that package-lock.json names/);
});

test('a long installation is not silent', () => {
  const said = join(root, 'said');
  const errors = openSync(said, 'w');
  fakeNpm(`until grep -q "still installing" "${said}"; do sleep 0.1; done; exit 5`);
  const args = [join(root, 'tools/breakwater.mjs')];
  const stdio = ['ignore', 'ignore', errors] as const;
  const result = spawnSync(process.execPath, args, {
    env: environment(),
    stdio: [...stdio],
    timeout: 60_000,
  });
  closeSync(errors);
  expect(result.status).toBe(1);
  expect(readFileSync(said, 'utf8')).toMatch(/^Breakwater: still installing packages \(\d+ s\)\.$/m);
});

test('a Node that is too old is one sentence and exit code 1, and nothing is installed', () => {
  const old = `data:text/javascript,${encodeURIComponent("Object.defineProperty(process, 'versions', { value: { node: '18.20.4' } })")}`;
  const result = breakwater([], ['--import', old]);
  expect(result.status).toBe(1);
  expect(result.stderr).toBe('Breakwater needs Node 20 or newer, and this is Node 18.20.4.\n');
  expect(installs()).toEqual([]);
});

test('the exit code of the command is the exit code', () => {
  expect(breakwater(['fail']).status).toBe(7);
});

test('a signal goes on to the command, whose exit code comes back', async () => {
  await using launcher = await launch();
  await launcher.waitForLine((line) => line.fields?.msg === 'waiting', 30_000);
  process.kill(launcher.pid, 'SIGTERM');
  expect(await launcher.exited).toEqual({ code: 3, signal: null });
  expect(launcher.lines.map((line) => line.text)).toContain('got SIGTERM');
});

test('the command notices when the bootstrap was killed', async () => {
  await using launcher = await launch();
  await launcher.waitForLine((line) => line.fields?.msg === 'waiting', 30_000);
  process.kill(launcher.pid, 'SIGKILL');
  await eventually(() => launcher.lines.some((line) => line.text === 'parent gone'));
});

function launch() {
  const args = [join(root, 'tools/breakwater.mjs'), 'wait'];
  return spawnProcess({ name: 'launcher', command: process.execPath, args, env: environment() });
}
