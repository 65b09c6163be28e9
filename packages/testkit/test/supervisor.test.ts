import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, LocalService, Supervisor, type SupervisorEvent } from '../src/index.ts';

const entry = join(import.meta.dirname, 'fixtures/service.ts');

function fixture(instance: string, env: Record<string, string> = {}): LocalService {
  return new LocalService({ service: 'fixture', instance, env: { FIXTURE_NAME: instance, ...env }, entry });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a child that dies is restarted, and both are said', async () => {
  const events: SupervisorEvent[] = [];
  const supervisor = new Supervisor({ firstRetryMs: 10, onEvent: (event) => events.push(event) });
  const unit = fixture('a');
  await supervisor.startStage([unit]);
  const firstPid = unit.pid;
  await unit.kill();
  await eventually(() => events.some((event) => event.kind === 'ready' && event.restarts === 1));
  expect(unit.pid).not.toBe(firstPid);
  expect(isAlive(unit.pid)).toBe(true);
  expect(events.map((event) => event.kind)).toEqual(['ready', 'exited', 'ready']);
  expect(events[1]).toMatchObject({ status: { signal: 'SIGKILL' }, retryMs: 10 });
  await supervisor.stop('SIGINT');
  expect(isAlive(unit.pid)).toBe(false);
});

test('the wait before a restart doubles up to its limit', async () => {
  const waitsMs: number[] = [];
  const supervisor = new Supervisor({
    firstRetryMs: 10,
    maxRetryMs: 40,
    onEvent: (event) => {
      if (event.kind === 'exited') waitsMs.push(event.retryMs);
    },
  });
  await supervisor.startStage([fixture('short', { FIXTURE_EXIT_AFTER_MS: '5' })]);
  await eventually(() => waitsMs.length >= 5);
  await supervisor.stop('SIGINT');
  expect(waitsMs.slice(0, 5)).toEqual([10, 20, 40, 40, 40]);
});

test('a first start that fails is an error at once, and stop ends the others', async () => {
  const supervisor = new Supervisor();
  const good = fixture('good');
  const bad = new LocalService({ service: 'fixture', instance: 'bad', env: {}, entry: '/nowhere/main.ts' });
  await expect(supervisor.startStage([good, bad])).rejects.toThrow(/bad ended/);
  await supervisor.stop('SIGINT');
  expect(isAlive(good.pid)).toBe(false);
});

test('stop goes through the stages backwards with the signal given', async () => {
  const ended: string[] = [];
  const supervisor = new Supervisor();
  const stages = [[fixture('below')], [fixture('middle-1'), fixture('middle-2')], [fixture('top')]];
  for (const stage of stages) await supervisor.startStage(stage);
  const units = stages.flat();
  for (const unit of units) void unit.exited.then(() => ended.push(unit.name));
  await supervisor.stop('SIGINT');
  expect(ended[0]).toBe('top');
  expect(ended[3]).toBe('below');
  for (const unit of units) expect(unit.lines.some((line) => line.fields?.signal === 'SIGINT')).toBe(true);
});

test('a deaf child is killed within the deadline and the stages after it still end politely', async () => {
  const supervisor = new Supervisor();
  const below = fixture('below');
  const deaf = fixture('deaf', { FIXTURE_IGNORE_SIGNALS: '1' });
  await supervisor.startStage([below]);
  await supervisor.startStage([deaf]);
  await supervisor.stop('SIGINT', 2_000);
  expect(deaf.process.exitStatus).toEqual({ code: null, signal: 'SIGKILL' });
  expect(below.process.exitStatus).toEqual({ code: 0, signal: null });
});

test('a child that waits for its restart is not started after stop', async () => {
  const events: SupervisorEvent[] = [];
  const supervisor = new Supervisor({ firstRetryMs: 60_000, onEvent: (event) => events.push(event) });
  const unit = fixture('a');
  await supervisor.startStage([unit]);
  await unit.kill();
  await eventually(() => events.some((event) => event.kind === 'exited'));
  await supervisor.stop('SIGINT');
  expect(events.filter((event) => event.kind === 'ready')).toHaveLength(1);
  expect(isAlive(unit.pid)).toBe(false);
});
