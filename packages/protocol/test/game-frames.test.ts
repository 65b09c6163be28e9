import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeGameFrame, encodeGameFrame, type GameFrame } from '../src/index.ts';

const head = { handle: fc.nat(), epoch: fc.nat(), seq: fc.maxSafeNat() };
const part = fc.uint8Array({ maxLength: 300 });
const some = { noNullPrototype: true } as const;
const gameFrame: fc.Arbitrary<GameFrame> = fc.oneof(
  fc.record(
    { kind: fc.constant('state' as const), ...head, tick: fc.nat(), shared: part, slice: part },
    some,
  ),
  fc.record(
    { kind: fc.constant('delta' as const), ...head, prev: fc.maxSafeNat(), tick: fc.nat(), shared: part },
    some,
  ),
  fc.record({ kind: fc.constant('slice' as const), ...head, slice: part }, some),
);

test('a game frame comes back as it was', () => {
  fc.assert(
    fc.property(gameFrame, (frame) => {
      expect(decodeGameFrame(encodeGameFrame(frame))).toEqual({ ok: true, value: frame });
    }),
  );
});

test('any bytes give a game frame or one DecodeError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const result = decodeGameFrame(bytes);
      if (!result.ok) expect(result.error).toMatchObject({ name: 'DecodeError' });
    }),
    { numRuns: 2_000 },
  );
});

test('a good game frame cut short or with a byte changed gives a frame or one DecodeError', () => {
  fc.assert(
    fc.property(gameFrame, fc.nat(), fc.nat(255), (frame, place, byte) => {
      const bytes = encodeGameFrame(frame);
      const at = place % bytes.length;
      const changed = bytes.slice();
      changed[at] = byte;
      for (const broken of [bytes.subarray(0, at), changed]) {
        const result = decodeGameFrame(broken);
        if (!result.ok) expect(result.error).toMatchObject({ name: 'DecodeError' });
      }
    }),
  );
});

test('a length that claims more than there is allocates nothing and is an error', () => {
  // state, handle 0, epoch 1, seq 1, tick 0, a shared part of 2^53 - 1 bytes
  const bytes = Uint8Array.of(1, 0, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f);
  expect(decodeGameFrame(bytes).ok).toBe(false);
});
