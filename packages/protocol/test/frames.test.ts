import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CLIENT_FRAME_TYPES,
  decodeClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  encodeServerFrame,
  LIMITS,
  requestIdOf,
  SERVER_FRAME_TYPES,
} from '../src/index.ts';
import { clientFrame, clientFrameOf, serverFrame, serverFrameOf } from './frame-arbitraries.ts';

/** Changes one value somewhere in a frame, or takes it away, or adds one. */
function mutate(frame: unknown, path: number, change: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(frame)) as Record<string, unknown>;
  const key = Object.keys(copy)[path % Object.keys(copy).length]!;
  if (change === undefined) delete copy[key];
  else copy[key] = change;
  return copy;
}

const isFine = (result: { ok: boolean; error?: unknown }) => {
  if (!result.ok) expect(result.error).toMatchObject({ name: 'DecodeError' });
};

test.each(CLIENT_FRAME_TYPES)('a %s frame of a client comes back as it was', (type) => {
  fc.assert(
    fc.property(clientFrameOf(type), (frame) => {
      expect(decodeClientFrame(encodeClientFrame(frame))).toEqual({ ok: true, value: frame });
    }),
  );
});

test.each(SERVER_FRAME_TYPES)('a %s frame of a server comes back as it was', (type) => {
  fc.assert(
    fc.property(serverFrameOf(type), (frame) => {
      expect(decodeServerFrame(encodeServerFrame(frame))).toEqual({ ok: true, value: frame });
    }),
  );
});

test('any text gives a frame or one DecodeError', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
      ),
      (text) => {
        isFine(decodeClientFrame(text));
        isFine(decodeServerFrame(text));
      },
    ),
    { numRuns: 500 },
  );
});

test('any bytes, read as text, give a frame or one DecodeError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = Buffer.from(bytes).toString('utf8');
      isFine(decodeClientFrame(text));
      isFine(decodeServerFrame(text));
    }),
    { numRuns: 500 },
  );
});

test('a good frame with one value changed gives a frame or one DecodeError, which never echoes the value', () => {
  const change = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.constant('SECRET'.repeat(3)));
  fc.assert(
    fc.property(fc.oneof(clientFrame, serverFrame), fc.nat(20), change, (frame, path, value) => {
      const text = JSON.stringify(mutate(frame, path, value));
      for (const result of [decodeClientFrame(text), decodeServerFrame(text)]) {
        isFine(result);
        if (!result.ok) expect(result.error.sentence).not.toContain('SECRET');
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a good frame cut short or with a character changed gives a frame or one DecodeError', () => {
  fc.assert(
    fc.property(
      fc.oneof(clientFrame, serverFrame),
      fc.nat(),
      fc.string({ maxLength: 2 }),
      (frame, place, insert) => {
        const text = JSON.stringify(frame);
        const at = place % text.length;
        for (const broken of [text.slice(0, at), text.slice(0, at) + insert + text.slice(at + 1)]) {
          isFine(decodeClientFrame(broken));
          isFine(decodeServerFrame(broken));
        }
      },
    ),
  );
});

test('a server refuses fields that it does not know, a client drops them', () => {
  fc.assert(
    fc.property(clientFrame, (frame) => {
      expect(decodeClientFrame(JSON.stringify({ ...frame, extra: 1 }))).toMatchObject({
        ok: false,
        error: { message: 'has an unknown field' },
      });
    }),
  );
  fc.assert(
    fc.property(serverFrame, (frame) => {
      expect(decodeServerFrame(JSON.stringify({ ...frame, extra: 1 }))).toEqual({ ok: true, value: frame });
    }),
  );
});

test('a frame of an unknown type is an error whose path is the type', () => {
  expect(decodeServerFrame('{"t":"from.the.future"}')).toMatchObject({ ok: false, error: { path: 't' } });
  expect(decodeServerFrame('{"t":"toString"}')).toMatchObject({ ok: false, error: { path: 't' } });
});

describe('fault 1: what is no frame at all', () => {
  test.each([
    '',
    'null',
    '[]',
    '"x"',
    '\ufeff{"t":"ping","id":1}',
    '{',
    '{"t":"ping","id":1} '.repeat(2),
    '42',
  ])('%j', (text) => {
    expect(decodeClientFrame(text).ok).toBe(false);
  });
});

describe('fault 7: nesting', () => {
  test.each([
    ['5,000 lists', '['.repeat(5_000) + ']'.repeat(5_000)],
    ['64 KiB of opening brackets', '['.repeat(65_536)],
    [
      'a deep argument',
      `{"t":"game.command","game":"g","n":1,"name":"x","args":{"a":${'{"b":'.repeat(40)}1${'}'.repeat(40)}}}`,
    ],
  ])('%s is one error', (_, text) => {
    expect(decodeClientFrame(text)).toMatchObject({ ok: false, error: { name: 'DecodeError' } });
  });

  test('the limit itself is fine, one more is not', () => {
    const args = (depth: number) =>
      `{"t":"game.command","game":"g","n":1,"name":"x","args":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
    expect(decodeClientFrame(args(LIMITS.maxNesting - 2)).ok).toBe(true);
    expect(decodeClientFrame(args(LIMITS.maxNesting - 1)).ok).toBe(false);
  });
});

describe('fault 8: keys that would poison an object', () => {
  test.each([
    '{"t":"ping","id":1,"__proto__":{"admin":true}}',
    '{"t":"ping","id":1,"constructor":{"prototype":{"admin":true}}}',
    '{"t":"ping","id":1,"id":2}',
    '{"t":"ping","id":1,"\\u0069d":2}',
    '{"t":"game.command","game":"g","n":1,"name":"x","args":{"__proto__":1}}',
  ])('%s', (text) => {
    expect(decodeClientFrame(text).ok).toBe(false);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('fault 9: numbers that do not survive', () => {
  test.each(['1e999', '-0', '9007199254740993', '"1"', '1.5', '-1', 'null', '4294967296'])(
    'id %s is refused',
    (id) => {
      expect(decodeClientFrame(`{"t":"ping","id":${id}}`).ok).toBe(false);
    },
  );
});

describe('fault 10: text', () => {
  const send = (text: string) =>
    decodeClientFrame(JSON.stringify({ t: 'room.send', id: 1, room: 'r', msg: 'abcd-00000000-1', text }));
  test.each(['\u202ertl', '😀', '<script>alert(1)</script>', '\u001b[31m', '\r\n'])(
    '%j is kept as it is',
    (text) => {
      expect(send(text)).toMatchObject({ ok: true, value: { text } });
    },
  );
  test.each(['', 'a\0b', 'x'.repeat(LIMITS.maxTextBytes + 1)])('a text of %o is refused', (text) => {
    expect(send(text).ok).toBe(false);
  });
  test('a lone surrogate is refused', () => {
    expect(
      decodeClientFrame('{"t":"room.send","id":1,"room":"r","msg":"abcd-00000000-1","text":"\\ud800"}').ok,
    ).toBe(false);
  });
});

describe('fault 11: ids that would change a subject', () => {
  test.each(['*', '>', 'a.b', '..', ' ', 'r\r\nPUB x 0', 'x'.repeat(65), 'é', ''])('%j', (room) => {
    expect(decodeClientFrame(JSON.stringify({ t: 'room.join', id: 1, room })).ok).toBe(false);
  });
});

test('the number of a broken request is found where it can be read', () => {
  expect(requestIdOf('{"t":"nonsense","x":{"id":7},"id": 42}')).toBe(42);
  for (const source of [
    '{"t":"nonsense","id": 42,',
    '{"text":"\\"id\\":42"}',
    '{"x":{"id":42}}',
    '{"id":4294967296}',
    '{"id":"42"}',
    'null',
  ]) {
    expect(requestIdOf(source)).toBeUndefined();
  }
  expect(requestIdOf('{"t":"nonsense"}')).toBeUndefined();
  fc.assert(fc.property(fc.string(), (text) => void requestIdOf(text)));
});
