import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';
import { isOff, marksFor, RETIRED_COST } from './pod-marks.ts';
import { type Pod, PodBook } from './pods.ts';

function podOf(name: string, more: Partial<Pod> = {}): Pod {
  return {
    name,
    isReady: true,
    isTerminating: false,
    isOver: false,
    hasExited: false,
    restarts: 0,
    deletionCost: undefined,
    isSafeToEvict: undefined,
    cordonedBy: undefined,
    ...more,
  };
}

function bookOf(...names: string[]): PodBook {
  const book = new PodBook(100);
  book.replace(names.map((name) => podOf(name)));
  return book;
}

test('39: an empty list is no news of any pod, and what is known stays known', () => {
  const book = bookOf('a', 'b', 'c');
  expect(book.replace([])).toEqual([]);
  expect([...book.pods()].map(({ name }) => name)).toEqual(['a', 'b', 'c']);
});

test('39: a list that lacks more than half of the pods hints at none of them', () => {
  expect(bookOf('a', 'b', 'c').replace([podOf('a')])).toEqual([]);
  expect(bookOf('a', 'b', 'c').replace([podOf('a'), podOf('b')])).toEqual(['c']);
});

test('a pod that was deleted, whose container stopped or was started anew is a hint, once', () => {
  const book = bookOf('a', 'b', 'c');
  expect(book.apply({ kind: 'deleted', name: 'a' })).toEqual(['a']);
  expect(book.apply({ kind: 'deleted', name: 'a' })).toEqual([]);
  const exited = podOf('b', { hasExited: true });
  expect(book.apply({ kind: 'here', pod: exited })).toEqual(['b']);
  expect(book.apply({ kind: 'here', pod: exited })).toEqual([]);
  const restarted = podOf('c', { restarts: 1 });
  expect(book.apply({ kind: 'here', pod: restarted })).toEqual(['c']);
  expect(book.replace([restarted, exited])).toEqual([]);
});

test('a pod that terminates or is not ready is no hint: its process still has games', () => {
  const book = bookOf('a');
  expect(book.apply({ kind: 'here', pod: podOf('a', { isTerminating: true, isReady: false }) })).toEqual([]);
});

test('no more pods are remembered than may be', () => {
  const book = new PodBook(2);
  book.replace([podOf('a'), podOf('b'), podOf('c')]);
  book.apply({ kind: 'here', pod: podOf('d') });
  expect(book.size).toBe(2);
});

test('pauses are random below a bound that doubles up to the longest, and begin anew when it went well', () => {
  const backoff = new Backoff({ firstMs: 100, longestMs: 1_000 }, () => 0.5);
  expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([50, 100, 200, 400, 500, 500]);
  backoff.reset();
  expect(backoff.next()).toBe(50);
  expect(new Backoff({ firstMs: 100, longestMs: 1_000 }, () => 0).next()).toBe(0);
});

test('marks follow the load: a busy pod costs as many games as it has and is not to be evicted', () => {
  expect(marksFor(0, false)).toEqual({ deletionCost: 0, isSafeToEvict: true });
  expect(marksFor(7, false)).toEqual({ deletionCost: 7, isSafeToEvict: false });
  expect(marksFor(0, true)).toEqual({ deletionCost: RETIRED_COST, isSafeToEvict: true });
});

test('marks are written when they are missing, when safety changes, and when the cost is off by more than a tenth', () => {
  expect(isOff(podOf('a'), marksFor(0, false))).toBe(true);
  const busy = podOf('a', { deletionCost: 100, isSafeToEvict: false });
  expect(isOff(busy, marksFor(105, false))).toBe(false);
  expect(isOff(busy, marksFor(120, false))).toBe(true);
  expect(isOff(busy, marksFor(0, false))).toBe(true);
  const free = podOf('a', { deletionCost: 0, isSafeToEvict: true });
  expect(isOff(free, marksFor(0, false))).toBe(false);
  expect(isOff(free, marksFor(0, true))).toBe(true);
  expect(isOff({ ...free, deletionCost: RETIRED_COST }, marksFor(0, false))).toBe(true);
});
