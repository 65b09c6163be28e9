import { DecodeError } from '@breakwater/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  awardId,
  compareAwards,
  decodeLedgerRecord,
  encodeLedgerRecord,
  type LedgerRecord,
  MAX_LEDGER_AWARDS,
} from '../src/index.ts';

const some = { noNullPrototype: true } as const;
const place = { epoch: fc.nat(), n: fc.maxSafeNat(), index: fc.nat() };
const game = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const record: fc.Arbitrary<LedgerRecord> = fc.record(
  {
    total: fc.maxSafeNat(),
    game,
    awards: fc.array(fc.record({ ...place, amount: fc.maxSafeNat() }, some), {
      maxLength: MAX_LEDGER_AWARDS,
    }),
    covered: fc.array(fc.record({ game, ...place }, some), { maxLength: 20 }),
  },
  some,
);

describe('a ledger record', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(record, (value) => {
        expect(decodeLedgerRecord(encodeLedgerRecord(value))).toEqual({ ok: true, value });
      }),
    );
  });

  test('any bytes are read or refused, never more', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const decoded = decodeLedgerRecord(bytes);
        if (!decoded.ok) expect(decoded.error).toBeInstanceOf(DecodeError);
      }),
    );
  });

  test('one that is cut off anywhere is refused', () => {
    fc.assert(
      fc.property(record, fc.nat(), (value, at) => {
        const bytes = encodeLedgerRecord(value);
        expect(decodeLedgerRecord(bytes.subarray(0, at % bytes.length)).ok).toBe(false);
      }),
    );
  });

  test('more awards than a record may hold are refused', () => {
    const award = { epoch: 1, n: 1, index: 0, amount: 1 };
    const awards = Array.from({ length: MAX_LEDGER_AWARDS + 1 }, (_, index) => ({ ...award, index }));
    const bytes = encodeLedgerRecord({ total: 65, game: 'g', awards, covered: [] });
    expect(decodeLedgerRecord(bytes).ok).toBe(false);
  });
});

test('awards of a game are in the order of epoch, record and place', () => {
  const places = [
    { epoch: 1, n: 9, index: 9 },
    { epoch: 2, n: 1, index: 1 },
    { epoch: 2, n: 2, index: 0 },
    { epoch: 2, n: 2, index: 1 },
  ];
  expect(places.toReversed().sort(compareAwards)).toEqual(places);
  expect(compareAwards(places[0]!, places[0]!)).toBe(0);
  expect(awardId('g1', places[1]!)).toBe('g1:2:1:1');
});
