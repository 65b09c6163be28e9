import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  array,
  boolean,
  DecodeError,
  decode,
  finite,
  int,
  json,
  literal,
  loose,
  oneOf,
  optional,
  parseJson,
  record,
  strict,
  string,
  tagged,
} from '../src/index.ts';

test('an error says where it is, from the outside in, and never what was there', () => {
  const decoder = strict({ list: array(loose({ at: strict({ seq: int(0) }) })) });
  const result = decode(decoder, { list: [{ at: { seq: 1 } }, { at: { seq: 'SECRET' } }] });
  expect(result).toMatchObject({ ok: false, error: { path: 'list.1.at.seq' } });
  expect(!result.ok && result.error.sentence).toBe('list.1.at.seq: must be a whole number');
});

test('any value given to any decoder gives a value or one DecodeError', () => {
  const decoders = [
    string({ pattern: /^a/ }),
    int(-5, 5),
    finite(),
    boolean(),
    literal('x'),
    oneOf(['a', 'b']),
    array(int(), 3),
    record(json(), 3),
    json(),
    loose({ a: optional(int()) }),
    strict({ a: optional(string()) }),
    tagged('kind', { a: loose({ n: int() }), b: strict({ kind: literal('b') }) }),
  ];
  fc.assert(
    fc.property(
      fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }),
      (value) => {
        for (const decoder of decoders) {
          const result = decode<unknown>(decoder, value);
          if (!result.ok) expect(result.error).toBeInstanceOf(DecodeError);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test('what is inherited is not a field', () => {
  expect(decode(loose({ toString: json() }), {}).ok).toBe(false);
  expect(decode(loose({ seq: int() }), Object.create({ seq: 1 })).ok).toBe(false);
});

test('the limits of lists, objects and texts hold at the limit and one above', () => {
  expect(decode(array(int(), 2), [1, 2]).ok).toBe(true);
  expect(decode(array(int(), 2), [1, 2, 3]).ok).toBe(false);
  expect(decode(record(int(), 1), { a: 1 }).ok).toBe(true);
  expect(decode(record(int(), 1), { a: 1, b: 2 }).ok).toBe(false);
  expect(decode(string({ maxLength: 2 }), 'ab').ok).toBe(true);
  expect(decode(string({ maxLength: 2 }), 'abc').ok).toBe(false);
});

test('JSON is read as JSON.parse reads it, but for twins, escapes in keys and depth', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value);
      const hasEscapedKey = /\\/.test(text);
      if (!hasEscapedKey) expect(parseJson(text, 32)).toEqual(JSON.parse(text));
    }),
  );
  for (const text of ['{"a":1,"a":2}', '{"a" : 1, "b":{"c":1,"c":2}}', '[{"a":1},{"a":1,"a":1}]'])
    expect(() => parseJson(text)).toThrow('has the same field twice');
  expect(parseJson('[{"a":1},{"a":1}]')).toEqual([{ a: 1 }, { a: 1 }]);
  expect(parseJson('{"a":"a:","b":["c","a"]}')).toEqual({ a: 'a:', b: ['c', 'a'] });
});

test('any text is JSON or one DecodeError', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[[\]{}",:\\ 0-9a]*$/)), (text) => {
      try {
        expect(parseJson(text)).toEqual(JSON.parse(text));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
    { numRuns: 2_000 },
  );
});
