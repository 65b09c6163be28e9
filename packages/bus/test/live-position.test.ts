import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasLivePosition, LIVE_LIMITS, livePosition } from '../src/index.ts';

const place = fc.tuple(fc.nat(LIVE_LIMITS.epochs - 1), fc.nat(LIVE_LIMITS.deltasPerEpoch - 1));

test('live positions are safe integers that rise along deltas, and along hostings', () => {
  fc.assert(
    fc.property(place, place, ([epoch, n], [otherEpoch, otherN]) => {
      const [position, other] = [livePosition(epoch, n), livePosition(otherEpoch, otherN)];
      expect(Number.isSafeInteger(position)).toBe(true);
      expect(Math.sign(position - other)).toBe(Math.sign(epoch - otherEpoch) || Math.sign(n - otherN));
      if (n > 0) expect(livePosition(epoch, n - 1)).toBe(position - 1);
    }),
  );
  expect(livePosition(1, 0)).toBe(4_294_967_296);
  expect(livePosition(LIVE_LIMITS.epochs - 1, LIVE_LIMITS.deltasPerEpoch - 1)).toBe(Number.MAX_SAFE_INTEGER);
});

test.each([
  [LIVE_LIMITS.epochs, 1],
  [1, LIVE_LIMITS.deltasPerEpoch],
  [-1, 1],
  [1, -1],
  [1.5, 1],
  [1, Number.NaN],
])('epoch %d with delta %d has no live position: it is refused and never wraps', (epoch, n) => {
  expect(hasLivePosition(epoch, n)).toBe(false);
  expect(() => livePosition(epoch, n)).toThrow(RangeError);
});
