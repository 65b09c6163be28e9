import { DecodeError, type DecodeResult } from '@breakwater/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeGameRecord,
  decodeSnapshot,
  decodeStateReply,
  encodeGameRecord,
  encodeSnapshot,
  encodeStateReply,
  type GameRecord,
  type Snapshot,
  type StateReply,
} from '../src/index.ts';

const some = { noNullPrototype: true } as const;
const bytes = fc.uint8Array({ maxLength: 40 });
const word = fc.stringMatching(/^[A-Za-z0-9_-]{0,64}$/);
const text = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 })
  .map((units) => String.fromCharCode(...units).toWellFormed());
const u32 = fc.nat(0xffff_ffff);
const parts = fc.record(
  {
    shared: bytes,
    server: bytes,
    slices: fc.array(fc.record({ pid: fc.nat(), bytes }, some), { maxLength: 5 }),
  },
  some,
);
const head = { epoch: fc.maxSafeNat(), nonce: word, n: fc.maxSafeNat() };
const record: fc.Arbitrary<GameRecord> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('claim' as const),
      ...head,
      pod: word,
      type: word,
      schemaVersion: fc.nat(),
      details: text,
    },
    some,
  ),
  fc.record(
    { kind: fc.constant('delta' as const), ...head, tick: fc.nat(), hash: u32, parts },
    { ...some, requiredKeys: ['kind', 'epoch', 'nonce', 'n', 'tick', 'parts'] },
  ),
  fc.record({ kind: fc.constant('end' as const), ...head, reason: text }, some),
) as fc.Arbitrary<GameRecord>;
const snapshot: fc.Arbitrary<Snapshot> = fc.record(
  {
    ...head,
    type: word,
    schemaVersion: fc.nat(),
    details: text,
    logSeq: fc.maxSafeNat(),
    tick: fc.nat(),
    hash: u32,
    parts,
  },
  some,
);
const stateReply: fc.Arbitrary<StateReply> = fc.record(
  {
    epoch: fc.nat(),
    seq: fc.maxSafeNat(),
    tick: fc.nat(),
    pod: word,
    join: fc.maxSafeNat(),
    pid: fc.nat(),
    ack: fc.nat(),
    schema: text,
    parts,
    liveN: fc.nat(0xffff_ffff),
  },
  { ...some, requiredKeys: ['epoch', 'seq', 'tick', 'pod', 'join', 'pid', 'ack', 'schema', 'parts'] },
);

interface Codec {
  readonly good: fc.Arbitrary<unknown>;
  readonly encode: (value: never) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => DecodeResult<unknown>;
  /** Its last field is optional, and there may be more behind it. */
  readonly isOpenEnded?: true;
}

const CODECS: [string, Codec][] = [
  ['a log record', { good: record, encode: encodeGameRecord, decode: decodeGameRecord }],
  ['a snapshot', { good: snapshot, encode: encodeSnapshot, decode: decodeSnapshot }],
  [
    'the answer to a join',
    { good: stateReply, encode: encodeStateReply, decode: decodeStateReply, isOpenEnded: true },
  ],
];

function expectTotal(result: DecodeResult<unknown>): void {
  if (!result.ok) expect(result.error).toBeInstanceOf(DecodeError);
}

describe.each(CODECS)('%s', (_, { good, encode, decode, isOpenEnded }) => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(good, (value) => {
        expect(decode(encode(value as never))).toEqual({ ok: true, value });
      }),
    );
  });

  test('of any bytes is a value or one DecodeError', () => {
    const versioned = fc.uint8Array({ maxLength: 100 }).map((tail) => Uint8Array.of(1, ...tail));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), versioned), (raw) => expectTotal(decode(raw))),
      { numRuns: 2_000 },
    );
  });

  test('cut short is an error, and with a byte changed a value or one DecodeError', () => {
    fc.assert(
      fc.property(good, fc.nat(), fc.nat(255), (value, place, byte) => {
        const encoded = encode(value as never);
        const at = place % encoded.length;
        if (!isOpenEnded) {
          expect(decode(encoded.subarray(0, at)).ok).toBe(false);
          expect(decode(Uint8Array.of(...encoded, 0)).ok).toBe(false);
        }
        const changed = encoded.slice();
        changed[at] = byte;
        expectTotal(decode(changed));
      }),
    );
  });

  test('of another version is an error', () => {
    fc.assert(
      fc.property(good, fc.integer({ min: 2, max: 255 }), (value, version) => {
        const encoded = encode(value as never);
        encoded[0] = version;
        expect(decode(encoded).ok).toBe(false);
      }),
    );
  });
});

test('a snapshot with any bit flipped is noticed', () => {
  fc.assert(
    fc.property(snapshot, fc.nat(), fc.nat(7), (value, place, bit) => {
      const encoded = encodeSnapshot(value);
      encoded[place % encoded.length]! ^= 1 << bit;
      expect(decodeSnapshot(encoded).ok).toBe(false);
    }),
  );
});

test('a count of slices above what the bytes could hold allocates nothing', () => {
  const delta = encodeGameRecord({
    kind: 'delta',
    epoch: 1,
    nonce: 'x',
    n: 1,
    tick: 1,
    parts: { shared: new Uint8Array(), server: new Uint8Array(), slices: [] },
  });
  const claims = Uint8Array.of(
    ...delta.subarray(0, delta.length - 3),
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0x0f,
  );
  expect(decodeGameRecord(claims).ok).toBe(false);
});

test.each([
  [
    'a claim',
    {
      kind: 'claim',
      epoch: 2,
      nonce: 'ab',
      n: 0,
      pod: 'sim-1',
      type: 'world',
      schemaVersion: 1,
      details: '{}',
    },
    '01 01 02 02 6162 00 05 73696d2d31 05 776f726c64 01 02 7b7d',
  ],
  [
    'a delta',
    {
      kind: 'delta',
      epoch: 2,
      nonce: 'ab',
      n: 1,
      tick: 300,
      hash: 0xdeadbeef,
      parts: {
        shared: Uint8Array.of(1, 2),
        server: Uint8Array.of(3),
        slices: [{ pid: 7, bytes: Uint8Array.of(4) }],
      },
    },
    '01 02 02 02 6162 01 ac02 01 efbeadde 01 07 01 02 01 01 02 03 04',
  ],
  ['an end', { kind: 'end', epoch: 2, nonce: 'ab', n: 2, reason: 'over' }, '01 03 02 02 6162 02 04 6f766572'],
] satisfies [string, GameRecord, string][])(
  'the bytes of %s stay the same, so that logs of an older version can be read',
  (_, value, hex) => {
    expect(Buffer.from(encodeGameRecord(value)).toString('hex')).toBe(hex.replaceAll(' ', ''));
  },
);

test('the bytes of a snapshot and of an answer stay the same', () => {
  const none = { shared: new Uint8Array(), server: new Uint8Array(), slices: [] };
  const snap = {
    epoch: 1,
    nonce: 'ab',
    n: 3,
    type: 'w',
    schemaVersion: 1,
    details: '{}',
    logSeq: 9,
    tick: 5,
    hash: 1,
    parts: none,
  };
  const answer = {
    epoch: 1,
    seq: 9,
    tick: 5,
    pod: 'p',
    join: 300,
    pid: 1,
    ack: 2,
    schema: '{}',
    parts: none,
  };
  expect(Buffer.from(encodeSnapshot(snap)).toString('hex')).toMatchInlineSnapshot(
    `"010102616203017701027b7d0905010000000000004b9bf1d2"`,
  );
  expect(Buffer.from(encodeStateReply(answer)).toString('hex')).toMatchInlineSnapshot(
    `"010109050170ac020102027b7d000000"`,
  );
});

test('the answer to a join is read without its last field, and with fields behind that', () => {
  fc.assert(
    fc.property(stateReply, fc.nat(), ({ liveN, ...reply }, place) => {
      const committed = encodeStateReply(reply);
      const live = encodeStateReply({ ...reply, liveN: liveN ?? 0 });
      expect(decodeStateReply(committed)).toEqual({ ok: true, value: reply });
      expect(live.subarray(0, committed.length)).toEqual(committed);
      expect(decodeStateReply(Uint8Array.of(...live, 7, 7))).toEqual({
        ok: true,
        value: { ...reply, liveN: liveN ?? 0 },
      });
      expect(decodeStateReply(committed.subarray(0, place % committed.length)).ok).toBe(false);
    }),
  );
});
