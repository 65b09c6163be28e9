import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter, DecodeError } from '../src/index.ts';

const written = (write: (writer: ByteWriter) => void): Uint8Array => {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.finish();
};

const wellFormed = fc
  .array(fc.nat(0xffff), { maxLength: 40 })
  .map((units) => String.fromCharCode(...units).toWellFormed());

test('a varint comes back, takes seven bits a byte and no byte too many', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const bytes = written((writer) => writer.varint(value));
      const reader = new ByteReader(bytes);
      expect(reader.varint()).toBe(value);
      expect(reader.remaining).toBe(0);
      expect(bytes.length).toBe(Math.max(1, Math.ceil(value.toString(2).length / 7)));
    }),
    { examples: [[0], [127], [128], [2 ** 31 - 1], [2 ** 31], [2 ** 32], [Number.MAX_SAFE_INTEGER]] },
  );
});

test.each([
  [300, 'ac02'],
  [2 ** 32, '8080808010'],
  [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
])('the varint of %i is %s', (value, hex) => {
  expect(Buffer.from(written((writer) => writer.varint(value))).toString('hex')).toBe(hex);
});

test('a signed 32-bit number comes back', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      expect(new ByteReader(written((writer) => writer.zigzag(value))).zigzag()).toBe(value);
    }),
    { examples: [[0], [-1], [1], [-(2 ** 31)], [2 ** 31 - 1]] },
  );
});

test('text of any script comes back; what is no UTF-8 or too long is an error', () => {
  fc.assert(
    fc.property(wellFormed, (text) => {
      const bytes = written((writer) => writer.text(text));
      expect(new ByteReader(bytes).text()).toBe(text);
      const length = new TextEncoder().encode(text).length;
      if (length > 0) expect(() => new ByteReader(bytes).text(length - 1)).toThrow(DecodeError);
    }),
  );
  expect(() => new ByteReader(Uint8Array.of(2, 0xc3, 0x28)).text()).toThrow(DecodeError);
  expect(new ByteReader(Uint8Array.of(3, 0xef, 0xbb, 0xbf)).text()).toBe('\ufeff');
});

test('what was written with one writer comes back in order, however often the writer is used again', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('varint' as const), value: fc.maxSafeNat() }),
    fc.record({ kind: fc.constant('u8' as const), value: fc.nat(255) }),
    fc.record({ kind: fc.constant('u32' as const), value: fc.nat(0xffff_ffff) }),
    fc.record({ kind: fc.constant('f64' as const), value: fc.double({ noNaN: true }) }),
  );
  const writer = new ByteWriter(1);
  fc.assert(
    fc.property(fc.array(step), fc.uint8Array(), (steps, tail) => {
      writer.reset();
      for (const { kind, value } of steps) writer[kind](value);
      writer.sized(tail);
      const reader = new ByteReader(writer.finish());
      for (const { kind, value } of steps) expect(reader[kind]()).toBe(value);
      expect(reader.sized()).toEqual(tail);
      reader.end();
    }),
  );
});

test('any bytes read in any way give a value or one DecodeError, and never read past the end', () => {
  const call = fc.constantFrom('u8', 'u32', 'f64', 'varint', 'zigzag', 'sized', 'text', 'rest', 'end');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(call, { maxLength: 20 }), (bytes, calls) => {
      const padded = new Uint8Array(bytes.length + 16);
      padded.set(bytes, 8);
      const reader = new ByteReader(padded.subarray(8, 8 + bytes.length));
      for (const name of calls as ('u8' | 'u32' | 'text')[]) {
        try {
          reader[name]();
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
        expect(reader.offset).toBeLessThanOrEqual(bytes.length);
      }
    }),
  );
});

test('a varint above 2^53 - 1 or without an end is an error', () => {
  for (const hex of ['ffffffffffffff1f', 'ffffffffffffffff7f', '80808080808080808000', '80'])
    expect(() => new ByteReader(Buffer.from(hex, 'hex')).varint()).toThrow(DecodeError);
});
