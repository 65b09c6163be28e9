import { expect, it } from 'vitest';
import { Throttle } from './throttle.ts';

const RULE = { graceMs: 2_000, maxLate: 3, maxTotal: 100 };

it('forgives any burst up to the bound when it is followed by silence', () => {
  const throttle = new Throttle(0);
  for (let burst = 0; burst < 5; burst++) {
    for (let frame = 0; frame < 100; frame++) expect(throttle.over(RULE, burst * 2_000)).toBe(false);
  }
  expect(throttle.over(RULE, 8_000), 'one more in the same burst').toBe(true);
});

it('ends who goes on after the time to hear of it', () => {
  const throttle = new Throttle(0);
  const ended = [0, 1_000, 1_999, 2_000, 2_001, 2_002, 2_003].map((nowMs) => throttle.over(RULE, nowMs));
  expect(ended).toEqual([false, false, false, false, false, false, true]);
});

it('keeps who is mostly within the rate', () => {
  const throttle = new Throttle(0);
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
    expect(throttle.over(RULE, nowMs)).toBe(false);
    throttle.within();
  }
});
