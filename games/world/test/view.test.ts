import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isInReach,
  isVelocity,
  MAP,
  MAX_SPEED,
  moveStep,
  REACH,
  velocityFromKeys,
  velocityToward,
} from '../src/view.ts';

const coordinate = fc.integer({ min: -2000, max: 2000 });

describe('the movement that rules and prediction share', () => {
  it('turns any direction into a velocity that the rules accept, without -0', () => {
    fc.assert(
      fc.property(coordinate, coordinate, (x, y) => {
        const velocity = velocityToward(x, y);
        expect(isVelocity(velocity)).toBe(true);
        for (const part of [velocity.dx, velocity.dy]) {
          expect(Number.isInteger(part)).toBe(true);
          expect(Object.is(part, -0)).toBe(false);
        }
      }),
    );
  });

  it('arrives where it was sent', () => {
    fc.assert(
      fc.property(fc.nat(MAP.width - 1), fc.nat(MAP.height - 1), (x, y) => {
        let at = { x: 1000, y: 600 };
        for (let i = 0; i < 400; i++) at = moveStep(at, velocityToward(x - at.x, y - at.y));
        expect(at).toEqual({ x, y });
      }),
    );
  });

  it('is about as fast in every direction that keys can say', () => {
    for (const [x, y] of [
      [1, 0],
      [1, 1],
      [0, -1],
      [-1, 1],
    ] as const) {
      const { dx, dy } = velocityFromKeys(x, y);
      expect(Math.sign(dx)).toBe(x);
      expect(Math.sign(dy)).toBe(y);
      expect(dx * dx + dy * dy).toBeGreaterThan((MAX_SPEED * 0.9) ** 2);
    }
    expect(velocityFromKeys(0, 0)).toEqual({ dx: 0, dy: 0 });
  });

  it('stays on the map', () => {
    expect(moveStep({ x: 3, y: MAP.height - 2 }, { dx: -7, dy: 7 })).toEqual({ x: 0, y: MAP.height - 1 });
  });

  it('reaches as far as it says, and no farther', () => {
    expect(isInReach({ x: 0, y: 0 }, { x: REACH, y: 0 })).toBe(true);
    expect(isInReach({ x: 0, y: 0 }, { x: REACH, y: 1 })).toBe(false);
  });
});
