import type { Clock } from '@breakwater/service-kit';
import { expect, test } from 'vitest';
import { FakeClock } from '../src/index.ts';

test('timers run in the order of their times, and see that time', () => {
  const fake = new FakeClock();
  const clock: Clock = fake;
  const seen: string[] = [];
  clock.after(20, () => seen.push(`b@${clock.monotonicMs()}`));
  clock.after(10, () => seen.push(`a@${clock.monotonicMs()}`));
  clock.after(20, () => seen.push(`c@${clock.monotonicMs()}`));
  fake.advance(19);
  expect(seen).toEqual(['a@10']);
  fake.advance(1);
  expect(seen).toEqual(['a@10', 'b@20', 'c@20']);
  expect(fake.pending).toBe(0);
});

test('a timer that is set by a timer runs in the same advance when it is due', () => {
  const clock = new FakeClock();
  const seen: number[] = [];
  clock.after(10, () => clock.after(10, () => seen.push(clock.monotonicMs())));
  clock.advance(25);
  expect(seen).toEqual([20]);
  expect(clock.monotonicMs()).toBe(25);
});

test('a repeated timer runs until it is cancelled, also by itself', () => {
  const clock = new FakeClock();
  let runs = 0;
  const cancel = clock.every(10, () => {
    runs += 1;
    if (runs === 3) cancel();
  });
  clock.advance(100);
  expect(runs).toBe(3);
  expect(() => clock.every(0, () => undefined)).toThrow(RangeError);
});

test('stepping the date moves no timer and not the monotonic clock', () => {
  const clock = new FakeClock(1_000);
  let ran = false;
  clock.after(100, () => {
    ran = true;
  });
  clock.stepUnix(3_600_000);
  expect(clock.unixMs()).toBe(3_601_000);
  expect(clock.monotonicMs()).toBe(0);
  expect(ran).toBe(false);
});

test('promises settle between the timers of an asynchronous advance', async () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const wait = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  void (async () => {
    await wait(10);
    seen.push('first');
    await wait(10);
    seen.push('second');
  })();
  await clock.advanceAsync(20);
  expect(seen).toEqual(['first', 'second']);
});
