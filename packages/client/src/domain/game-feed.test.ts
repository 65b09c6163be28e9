import type { GameFrame } from '@breakwater/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GameFeed } from './game-feed.ts';

const bytes = new Uint8Array();
const state = (epoch: number, seq: number) =>
  ({ kind: 'state', handle: 1, epoch, seq, tick: 0, shared: bytes, slice: bytes }) as const;
const delta = (epoch: number, seq: number, prev: number) =>
  ({ kind: 'delta', handle: 1, epoch, seq, prev, tick: 0, shared: bytes }) as const;
const slice = (epoch: number, seq: number) =>
  ({ kind: 'slice', handle: 1, epoch, seq, slice: Uint8Array.of(seq) }) as const;

function feedAt(epoch: number, seq: number): GameFeed {
  const feed = new GameFeed();
  feed.applied(state(epoch, seq));
  return feed;
}

test('deltas before the first state are dropped', () => {
  const feed = new GameFeed();
  expect(feed.accept(delta(1, 5, 4))).toEqual({ kind: 'drop' });
  expect(feed.accept(state(1, 5))).toMatchObject({ kind: 'state' });
});

test('a delta that follows is applied with the slice of its own sequence, and with no other', () => {
  const feed = feedAt(1, 5);
  feed.accept(slice(1, 7));
  expect(feed.accept(delta(1, 7, 5))).toMatchObject({ kind: 'delta', slice: Uint8Array.of(7) });
  feed.applied(delta(1, 7, 5));
  feed.accept(slice(1, 11));
  expect(feed.accept(delta(1, 9, 7))).toMatchObject({ kind: 'delta', slice: undefined });
});

test('fault 31: lower epochs and known sequences are dropped, a predecessor that is not shown is a hole', () => {
  const feed = feedAt(2, 10);
  expect(feed.accept(delta(1, 12, 10))).toEqual({ kind: 'drop' });
  expect(feed.accept(delta(2, 10, 8))).toEqual({ kind: 'drop' });
  expect(feed.accept(delta(2, 14, 12))).toEqual({ kind: 'hole' });
  expect(feed.accept(state(1, 99))).toEqual({ kind: 'drop' });
  expect(feed.accept(state(2, 9))).toEqual({ kind: 'drop' });
  expect(feed.accept(state(2, 10))).toMatchObject({ kind: 'state' });
});

test('a new owner is believed at a lower sequence, as after a restore, but by a full state alone', () => {
  const feed = feedAt(4, 100);
  feed.announce(9);
  expect(feed.accept(delta(9, 41, 40))).toEqual({ kind: 'hole' });
  expect(feed.accept(state(9, 40))).toMatchObject({ kind: 'state' });
  feed.applied(state(9, 40));
  expect(feed.accept(delta(4, 101, 100))).toEqual({ kind: 'drop' });
  expect(feed.accept(delta(9, 41, 40))).toMatchObject({ kind: 'delta' });
});

test('after an announced change of owner the first delta of that epoch need not follow', () => {
  const feed = feedAt(1, 10);
  expect(feed.accept(delta(2, 14, 12))).toEqual({ kind: 'hole' });
  feed.announce(2);
  expect(feed.accept(delta(3, 20, 18))).toEqual({ kind: 'hole' });
  expect(feed.accept(delta(2, 14, 12))).toMatchObject({ kind: 'delta' });
  feed.applied(delta(2, 14, 12));
  expect(feed.accept(delta(2, 18, 16))).toEqual({ kind: 'hole' });
});

test('whatever comes in whatever order: epochs that are shown only rise, sequences within one, and each delta follows', () => {
  const head = {
    handle: fc.constant(1),
    epoch: fc.integer({ min: 1, max: 3 }),
    seq: fc.integer({ min: 1, max: 12 }),
  };
  const frame: fc.Arbitrary<GameFrame> = fc.oneof(
    fc.record({
      kind: fc.constant('state' as const),
      ...head,
      tick: fc.nat(),
      shared: fc.uint8Array(),
      slice: fc.uint8Array(),
    }),
    fc.record({
      kind: fc.constant('delta' as const),
      ...head,
      prev: fc.nat(12),
      tick: fc.nat(),
      shared: fc.uint8Array(),
    }),
    fc.record({ kind: fc.constant('slice' as const), ...head, slice: fc.uint8Array() }),
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 100 }), (frames) => {
      const feed = new GameFeed();
      let shown = { epoch: 0, seq: 0 };
      for (const next of frames) {
        const verdict = feed.accept(next);
        if (verdict.kind !== 'state' && verdict.kind !== 'delta') continue;
        const { epoch, seq } = verdict.frame;
        expect(epoch).toBeGreaterThanOrEqual(shown.epoch);
        if (epoch === shown.epoch)
          expect(seq).toBeGreaterThanOrEqual(verdict.kind === 'delta' ? shown.seq + 1 : shown.seq);
        if (verdict.kind === 'delta') expect(verdict.frame.prev).toBe(shown.seq);
        feed.applied(verdict.frame);
        shown = { epoch, seq };
      }
    }),
  );
});

test('at an edge that is behind, an older state is not shown, nor is what follows it', () => {
  const feed = feedAt(2, 10);
  feed.awaitState();
  expect(feed.accept(state(2, 8))).toEqual({ kind: 'drop' });
  expect(feed.accept(delta(2, 9, 8))).toEqual({ kind: 'drop' });
  expect(feed.accept(delta(2, 12, 10))).toEqual({ kind: 'drop' });
  expect(feed.accept(state(2, 12))).toMatchObject({ kind: 'state' });
});
