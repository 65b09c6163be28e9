import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EdgeList } from './edge-list.ts';

const urls = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
const random = fc.double({ min: 0, max: 0.999_999, noNaN: true }).map((value) => () => value);

test('every edge is tried before one is tried again', () => {
  fc.assert(
    fc.property(urls, random, (list, chance) => {
      const edges = new EdgeList(list, chance);
      for (let round = 0; round < 3; round++) {
        const tried = list.map(() => {
          const { url } = edges.next(0);
          edges.failed(url);
          return url;
        });
        expect(tried.toSorted()).toEqual(list.toSorted());
      }
    }),
  );
});

test('the edge that served last comes first, once', () => {
  const edges = new EdgeList(['a', 'b', 'c'], () => 0);
  const { url: good } = edges.next(0);
  edges.succeeded(good);
  expect(edges.next(0).url).toBe(good);
  expect(edges.next(0).url).not.toBe(good);
});

test('an edge to avoid is chosen only when there is no other', () => {
  fc.assert(
    fc.property(urls, random, fc.nat(4), (list, chance, index) => {
      const avoid = list[index % list.length]!;
      const edges = new EdgeList(list, chance);
      edges.succeeded(avoid);
      for (let count = 0; count < 10; count++) {
        expect(edges.next(0, avoid).url === avoid).toBe(list.length === 1);
      }
    }),
  );
});

test('an edge that asked for patience waits its time while others serve; if all did, the first to be free is next', () => {
  const edges = new EdgeList(['a', 'b'], () => 0.9);
  edges.failed('a', 5_000);
  for (let count = 0; count < 3; count++) expect(edges.next(1_000)).toEqual({ url: 'b', waitMs: 0 });
  edges.failed('b', 9_000);
  expect(edges.next(1_000)).toEqual({ url: 'a', waitMs: 4_000 });
  expect(edges.next(6_000)).toEqual({ url: 'a', waitMs: 0 });
});

test('many clients spread over the edges', () => {
  const first = new Map<string, number>();
  for (let client = 0; client < 3_000; client++) {
    const { url } = new EdgeList(['a', 'b', 'c'], Math.random).next(0);
    first.set(url, (first.get(url) ?? 0) + 1);
  }
  for (const count of first.values()) expect(count).toBeGreaterThan(700);
  expect(first.size).toBe(3);
});
