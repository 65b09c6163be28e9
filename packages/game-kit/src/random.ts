import { GameError } from './errors.ts';

/** Four words of 32 bits: where the generator stands. Lives in a table, so that it travels with the state. */
export interface RandomWords {
  a: number;
  b: number;
  c: number;
  d: number;
}

/** The four words for a seed (splitmix32 over its low and high half). */
export function seedWords(seed: number): RandomWords {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new GameError('bad_definition', `${seed} is not a seed`);
  let state = (seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1);
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return (word ^ (word >>> 15)) >>> 0;
  };
  return { a: next(), b: next(), c: next(), d: (next() | 1) >>> 0 };
}

/** Seeded randomness for a game: the same seed and the same calls give the same numbers, in any process. */
export class Random {
  private readonly words: RandomWords;

  constructor(words: RandomWords) {
    this.words = words;
  }

  /** 0 to 2^32 - 1 (xoshiro128**). */
  u32(): number {
    const { words } = this;
    const { a, b, c, d } = words;
    const five = Math.imul(b, 5);
    const result = Math.imul((five << 7) | (five >>> 25), 9) >>> 0;
    const c1 = c ^ a;
    const d1 = d ^ b;
    words.b = (b ^ c1) >>> 0;
    words.a = (a ^ d1) >>> 0;
    words.c = (c1 ^ (b << 9)) >>> 0;
    words.d = ((d1 << 11) | (d1 >>> 21)) >>> 0;
    return result;
  }

  /** A whole number from `min` to `max`, both included, each as likely; at most 2^32 of them. */
  int(min: number, max: number): number {
    const span = max - min + 1;
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || span < 1 || span > 2 ** 32) {
      throw new GameError('bad_value', `random.int(${min}, ${max}) has no whole numbers to choose from`);
    }
    const limit = 2 ** 32 - (2 ** 32 % span);
    let word = this.u32();
    while (word >= limit) word = this.u32();
    return min + (word % span);
  }

  /** True `numerator` times out of `denominator`. */
  chance(numerator: number, denominator: number): boolean {
    return this.int(1, denominator) <= numerator;
  }

  /** One of the items; the list must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)]!;
  }

  /** Mixes a list in place and returns it. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }
}
