import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { acquireLock, eventually, LockHeldError, spawnProcess, spawnService } from '../src/index.ts';
import { baseEnv, serviceRuntime } from '../src/paths.ts';

const fixture = join(import.meta.dirname, 'fixtures/service.ts');

test('a spawned service hands over the fields of its ready line and keeps its log', async () => {
  await using service = await spawnService('fixture', { entry: fixture });
  expect(service.ready).toEqual({
    service: 'fixture',
    instance: 'fixture-1',
    httpPort: 1234,
    port: undefined,
  });
  const alive = await service.waitForLine((line) => line.fields?.msg === 'alive', 30_000);
  expect(service.lines).toContain(alive);
});

test('a service that ends before it is ready is an error with its last words', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-test-'));
  try {
    const entry = join(dir, 'broken.ts');
    writeFileSync(entry, "console.error('no such setting'); process.exitCode = 1;\n");
    await expect(spawnService('broken', { entry })).rejects.toThrow(
      /broken ended \(exit code 1\)[\s\S]*no such setting/,
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('the error of a service that could not start opens with the reason', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-test-'));
  const started = (body: string) => {
    const entry = join(dir, `${Math.random()}.ts`);
    writeFileSync(entry, body);
    return spawnService('broken', { entry });
  };
  try {
    const fatal = JSON.stringify({
      level: 'fatal',
      msg: 'the service could not start',
      err: { message: 'no NATS' },
    });
    await expect(started(`console.log(${JSON.stringify(fatal)}); process.exitCode = 1;`)).rejects.toThrow(
      /^broken ended \(exit code 1\) before it was ready: the service could not start: no NATS\n/,
    );
    await expect(started("import './nowhere.ts';")).rejects.toThrow(
      /^broken ended .* ready: Error .*Cannot find module/,
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a child sees only the environment it was given', async () => {
  const script = 'console.log(JSON.stringify(Object.keys(process.env)))';
  process.env.BREAKWATER_LEAK = '1';
  try {
    const child = await spawnProcess({
      name: 'env',
      command: serviceRuntime(),
      args: ['-e', script],
      env: { ...baseEnv(), WANTED: '1' },
    });
    await child.exited;
    expect(child.lines[0]?.text).toContain('WANTED');
    expect(child.lines[0]?.text).not.toContain('BREAKWATER_LEAK');
  } finally {
    delete process.env.BREAKWATER_LEAK;
  }
});

test('stop asks with the signal given and kills what does not listen', async () => {
  await using polite = await spawnService('fixture', { entry: fixture });
  expect(await polite.stop({ signal: 'SIGINT' })).toEqual({ code: 0, signal: null });
  expect(polite.lines.some((line) => line.fields?.signal === 'SIGINT')).toBe(true);

  await using deaf = await spawnService('fixture', { entry: fixture, env: { FIXTURE_IGNORE_SIGNALS: '1' } });
  expect(await deaf.stop({ timeoutMs: 300 })).toEqual({ code: null, signal: 'SIGKILL' });
  expect(deaf.lines.some((line) => line.fields?.signal === 'SIGTERM')).toBe(true);
});

test('a paused process says nothing until it is resumed, and can still be stopped', async () => {
  await using service = await spawnService('fixture', { entry: fixture });
  service.pause();
  await eventually(() => processState(service.pid) === 'T', { message: 'process stopped' });
  service.resume();
  await eventually(() => processState(service.pid) !== 'T', { message: 'process running' });
  service.pause();
  expect(await service.stop()).toEqual({ code: 0, signal: null });
});

test('no child outlives a parent that was killed with SIGKILL', async () => {
  await using parent = await spawnProcess({
    name: 'parent',
    command: serviceRuntime(),
    args: [join(import.meta.dirname, 'fixtures/parent.ts')],
    env: baseEnv(),
  });
  const line = await parent.waitForLine((candidate) => candidate.fields?.msg === 'child', 30_000);
  const childPid = Number(line.fields?.childPid);
  expect(isAlive(childPid)).toBe(true);
  process.kill(parent.pid, 'SIGKILL');
  await eventually(() => !isAlive(childPid), { message: 'child gone' });
});

test('a lock has one holder, is free after release, and is taken over from a dead one', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-lock-'));
  const path = join(dir, 'lock');
  try {
    const first = await acquireLock(path);
    await expect(acquireLock(path)).rejects.toThrow(LockHeldError);
    const waiting = acquireLock(path, 5_000);
    first.release();
    (await waiting).release();
    // The same process id with another start time is another process.
    for (const stale of ['999999999 1\n', `${process.pid} 1\n`, 'nonsense', '']) {
      writeFileSync(path, stale);
      (await acquireLock(path)).release();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('of twenty that want one lock at once exactly one gets it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-lock-'));
  try {
    const path = join(dir, 'lock');
    writeFileSync(path, '999999999 1\n');
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(path)));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

/** A zombie that nobody collects (a container's first process may not) does nothing any more. */
function isAlive(pid: number): boolean {
  const state = processState(pid);
  return state !== '' && state !== 'Z';
}

/** One letter: R running, S sleeping, T stopped, Z zombie; empty when there is no such process. */
function processState(pid: number): string {
  if (!existsSync('/proc/self/stat')) {
    return spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.charAt(0);
  }
  const file = `/proc/${pid}/stat`;
  const stat = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return stat.charAt(stat.lastIndexOf(')') + 2);
}
