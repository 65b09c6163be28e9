import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GameError } from '../src/index.ts';
import { Random, seedWords } from '../src/random.ts';

const random = (seed: number) => new Random(seedWords(seed));

describe('random numbers', () => {
  it('are the same for the same seed, in every process and version: these three are pinned', () => {
    const numbers = random(1);
    expect([numbers.u32(), numbers.u32(), numbers.u32()]).toEqual([393288148, 2174103013, 3814759091]);
  });

  it('differ for seeds that differ in their low or their high half', () => {
    const first = [0, 1, 2, 2 ** 32, 2 ** 33, 2 ** 53 - 1].map((seed) => random(seed).u32());
    expect(new Set(first).size).toBe(first.length);
  });

  it('lie in the range asked for, and reach both ends', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: 0, max: 4 }),
        (seed, min, span) => {
          const numbers = random(seed);
          const seen = new Set(Array.from({ length: 200 }, () => numbers.int(min, min + span)));
          expect([...seen].sort((a, b) => a - b)).toEqual(
            Array.from({ length: span + 1 }, (_, i) => min + i),
          );
        },
      ),
    );
  });

  it('are as likely one as the other, roughly', () => {
    const numbers = random(3);
    const counts = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 60_000; i++) counts[numbers.int(0, 5)]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  it('mix a list without losing anything, and pick from it', () => {
    const numbers = random(4);
    const list = Array.from({ length: 20 }, (_, i) => i);
    const mixed = numbers.shuffle([...list]);
    expect(mixed).not.toEqual(list);
    expect([...mixed].sort((a, b) => a - b)).toEqual(list);
    expect(list).toContain(numbers.pick(list));
  });

  it('refuse ranges without whole numbers and seeds that are none', () => {
    const numbers = random(5);
    for (const [min, max] of [
      [2, 1],
      [0.5, 3],
      [0, 2 ** 32],
      [0, Number.NaN],
    ] as const) {
      expect(() => numbers.int(min, max)).toThrow(GameError);
    }
    expect(() => numbers.pick([])).toThrow(GameError);
    for (const seed of [-1, 0.5, 2 ** 53, Number.NaN]) expect(() => seedWords(seed)).toThrow(GameError);
  });
});
