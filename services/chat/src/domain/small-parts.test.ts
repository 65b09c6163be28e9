import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Coalescer } from './coalescer.ts';
import { epochOf } from './epoch.ts';
import { makeStamp } from './stamp.ts';
import { TokenBuckets } from './token-bucket.ts';

describe('the epoch of a stream', () => {
  test('is short, the same for the same time, and another for a nanosecond more', () => {
    const time = '2026-11-22T04:06:50.632051940Z';
    expect(epochOf(time)).toBe(epochOf('2026-11-22T04:06:50.63205194Z'));
    expect(epochOf(time)).not.toBe(epochOf('2026-11-22T04:06:50.632051941Z'));
    expect(epochOf('2026-11-22T04:06:50Z')).toBe(epochOf('2026-11-22T05:06:50.000+01:00'));
    expect(epochOf(time).length).toBeLessThanOrEqual(32);
    expect(() => epochOf('')).toThrow(RangeError);
    expect(() => epochOf('yesterday')).toThrow(RangeError);
  });
});

describe('a stamp', () => {
  test('fits a position and differs with time and chance', () => {
    const one = makeStamp(1_790_000_000_000, () => 0.123);
    expect(one.length).toBeLessThanOrEqual(32);
    expect(makeStamp(1_790_000_000_001, () => 0.123)).not.toBe(one);
    expect(makeStamp(1_790_000_000_000, () => 0.124)).not.toBe(one);
    expect(makeStamp(1_790_000_000_000, () => 0)).toMatch(/^[0-9a-z]+-0{10}$/);
  });
});

describe('token buckets', () => {
  test('never let a key have more than its burst and its rate', () => {
    const waits = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 });
    fc.assert(
      fc.property(waits, (pauses) => {
        const buckets = new TokenBuckets({ perSecond: 4, burst: 3, maxKeys: 10 });
        let nowMs = 0;
        let taken = 0;
        for (const pause of pauses) {
          nowMs += pause;
          if (buckets.take('ann', nowMs) === 0) taken += 1;
          expect(taken).toBeLessThanOrEqual(3 + (nowMs / 1_000) * 4 + 1e-6);
        }
      }),
    );
  });

  test('forget the key that was used longest ago', () => {
    const buckets = new TokenBuckets({ perSecond: 4, burst: 1, maxKeys: 2 });
    expect(['a', 'b', 'c'].map((key) => buckets.take(key, 0))).toEqual([0, 0, 0]);
    expect(buckets.size).toBe(2);
    expect(buckets.take('c', 0)).toBe(250);
    expect(buckets.take('a', 0)).toBe(0);
  });
});

describe('the coalescer', () => {
  test('who asks while a run is under way shares the next one; a failure is not shared further', async () => {
    const coalescer = new Coalescer<number>();
    let runs = 0;
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const work = async () => {
      const run = runs++;
      await gates[run]?.promise;
      if (run === 0) throw new Error('first');
      return run;
    };
    const first = coalescer.run('k', work);
    const second = coalescer.run('k', work);
    const third = coalescer.run('k', work);
    const other = coalescer.run('other', async () => 99);
    expect(await other).toBe(99);
    expect(runs).toBe(1);
    gates[0]!.resolve();
    await expect(first).rejects.toThrow('first');
    gates[1]!.resolve();
    expect(await Promise.all([second, third])).toEqual([1, 1]);
    expect(await coalescer.run('k', work)).toBe(2);
  });
});
