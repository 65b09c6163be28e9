import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

const takes = (pace: Pace, tries: number, nowMs: number) =>
  Array.from({ length: tries }, () => pace.take(nowMs)).filter(Boolean).length;

test('a second of it may come at once, then it is steady', () => {
  const pace = new Pace(10);
  expect(takes(pace, 50, 0)).toBe(10);
  expect(takes(pace, 50, 250)).toBe(2);
  expect(takes(pace, 50, 300)).toBe(1);
  expect(takes(pace, 50, 60_000)).toBe(10);
});

test('less than one a second is one at first', () => {
  const pace = new Pace(0.1);
  expect([0, 5_000, 9_999, 10_000].map((nowMs) => pace.take(nowMs))).toEqual([true, false, false, true]);
});
