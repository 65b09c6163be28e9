import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';

test('delays lie under a bound that doubles from round to round up to the last, and begin anew after a reset', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1_000, max: 60_000 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), { minLength: 1, maxLength: 40 }),
      (firstMs, maxMs, perRound, chances) => {
        const chance = chances.values();
        const backoff = new Backoff(firstMs, maxMs, () => chance.next().value ?? 0, perRound);
        chances.forEach((value, index) => {
          expect(backoff.nextMs()).toBeCloseTo(
            value * Math.min(maxMs, firstMs * 2 ** Math.floor(index / perRound)),
            6,
          );
        });
        expect(backoff.failures).toBe(chances.length);
        backoff.reset();
        expect(backoff.nextMs()).toBeLessThan(firstMs);
      },
    ),
  );
});

test('ten thousand failures overflow nothing', () => {
  const backoff = new Backoff(250, 15_000, () => 0.5);
  for (let index = 0; index < 10_000; index++) backoff.nextMs();
  expect(backoff.nextMs()).toBe(7_500);
});
