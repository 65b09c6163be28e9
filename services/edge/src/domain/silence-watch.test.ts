import { expect, it } from 'vitest';
import { SilenceWatch } from './silence-watch.ts';

const RULE = { silenceMs: 3_000, longestPauseMs: 5_000 };

/** The times at which a watch asks, looked at every 10 ms. */
function questions(watch: SilenceWatch, fromMs: number, untilMs: number): number[] {
  const times: number[] = [];
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += 10) if (watch.take(nowMs)) times.push(nowMs);
  return times;
}

it('asks after the silence, then with pauses that grow to the bound', () => {
  const watch = new SilenceWatch(RULE, () => 0, 0);
  expect(questions(watch, 0, 20_000)).toEqual([3_000, 4_000, 6_000, 10_000, 15_000, 20_000]);
});

it('asks nothing while something is heard, and begins anew after it', () => {
  const watch = new SilenceWatch(RULE, () => 0, 0);
  expect(questions(watch, 0, 4_000)).toHaveLength(2);
  for (let nowMs = 4_000; nowMs < 60_000; nowMs += 1_000) {
    watch.heard(nowMs);
    expect(questions(watch, nowMs, nowMs + 990)).toEqual([]);
  }
  expect(questions(watch, 60_000, 63_000)).toEqual([62_000, 63_000]);
});

it('is spread by chance, and never early', () => {
  for (const random of [0, 0.5, 0.999]) {
    const [first = 0] = questions(new SilenceWatch(RULE, () => random, 0), 0, 10_000);
    expect(first).toBeGreaterThanOrEqual(3_000);
    expect(first).toBeLessThanOrEqual(3_750);
  }
});
