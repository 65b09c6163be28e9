import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { describeOwnLoad, parseCpuTicks, stolenShareOf } from '../src/chaos/own-load.ts';
import { StandstillWatch } from '../src/recorder/standstill.ts';

test('a process that stood still is told so once, with how long it did', async () => {
  using watch = new StandstillWatch();
  const told: number[] = [];
  const stop = watch.on((ms) => told.push(ms));
  await new Promise((resolve) => setTimeout(resolve, 100));
  told.length = 0;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900);
  await eventually(() => expect(Math.max(...told)).toBeGreaterThan(700));
  expect(watch.longestMs).toBeGreaterThan(700);
  stop();
});

test('the share of stolen CPU time is what lies between two readings of /proc/stat', () => {
  const stat = (user: number, idle: number, steal: number) =>
    `cpu  ${user} 0 10 ${idle} 5 0 1 ${steal} 70 0\ncpu0 1 0 1 1 0 0 0 0 0 0\nintr 5\n`;
  const before = parseCpuTicks(stat(100, 200, 10));
  expect(before).toEqual({ all: 326, stolen: 10 });
  expect(stolenShareOf(before, parseCpuTicks(stat(150, 230, 30)))).toBe(0.2);
  expect(stolenShareOf(before, before)).toBeUndefined();
  expect(stolenShareOf(undefined, before)).toBeUndefined();
  for (const text of ['', 'cpu  1 2 3\n', 'cpu  1 2 x 4 5 6 7 8\n'])
    expect(parseCpuTicks(text)).toBeUndefined();
});

test('where nobody tells what was stolen the summary says so', () => {
  expect(describeOwnLoad({ longestStandstillMs: 812, stolenShare: 0.034 })).toBe(
    'this process: stood still for 812 ms at most; CPU time that went to other machines was 3.4 % of all',
  );
  expect(describeOwnLoad({ longestStandstillMs: 0, stolenShare: undefined })).toContain('is not told here');
});
