import { DecodeError, type Decoder, decode, descriptionOf } from '@breakwater/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as bus from '../src/index.ts';
import { arbitraryFor } from './arbitrary-for.ts';

const decoders = Object.entries(bus).flatMap(([name, value]): [string, Decoder<unknown>][] =>
  typeof value === 'function' && descriptionOf(value as Decoder<unknown>) !== undefined
    ? [[name, value as Decoder<unknown>]]
    : [],
);

test('the decoders of all payloads are found', () => {
  expect(decoders.length).toBeGreaterThan(35);
});

describe.each(decoders)('%s', (_, decoder) => {
  const good = arbitraryFor(decoder);

  test('a good value comes back over JSON as it was', () => {
    fc.assert(
      fc.property(good, (value) => {
        expect(decode(decoder, JSON.parse(JSON.stringify(value)))).toEqual({ ok: true, value });
      }),
      { numRuns: 30 },
    );
  });

  test('fields that it does not know are ignored, so that versions can mix', () => {
    fc.assert(
      fc.property(good, (value) => {
        expect(decode(decoder, { ...(value as object), newerField: { deep: [1] } })).toEqual({
          ok: true,
          value,
        });
      }),
      { numRuns: 20 },
    );
  });

  test('any value, and a good one with something changed, gives a value or one DecodeError', () => {
    const changed = fc.tuple(good, fc.nat(30), fc.anything()).map(([value, place, change]) => {
      const copy = { ...(value as Record<string, unknown>) };
      const keys = Object.keys(copy);
      if (keys.length > 0) copy[keys[place % keys.length]!] = change;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.jsonValue(), changed), (value) => {
        const result = decode(decoder, value);
        if (!result.ok) expect(result.error).toBeInstanceOf(DecodeError);
      }),
      { numRuns: 60 },
    );
  });
});

test('a record of a room that is no message is skipped by its kind, not refused', () => {
  const deleted = { kind: 'delete', stamp: 's', time: 1, of: 7 };
  expect(bus.roomRecord(deleted)).toEqual({ kind: 'other', stamp: 's', time: 1 });
  expect(decode(bus.roomRecord, { kind: 'message', stamp: 's', time: 1 }).ok).toBe(false);
});

test('an answer is good, or an error with its code', () => {
  const answer = bus.reply(bus.chatSent);
  expect(answer({ ok: true, seq: 1, time: 2, duplicate: false })).toEqual({
    ok: true,
    seq: 1,
    time: 2,
    duplicate: false,
  });
  expect(answer({ ok: false, error: { code: 'busy', message: 'm', extra: 1 } })).toEqual({
    ok: false,
    error: { code: 'busy', message: 'm' },
  });
  for (const bad of [{}, { ok: true }, { ok: false }, { ok: 'yes' }, null, []])
    expect(decode(answer, bad).ok).toBe(false);
});

test('the digest of hosted games does not depend on their order and tells epochs apart', () => {
  const game = fc.record({
    game: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
    epoch: fc.integer({ min: 1, max: 1_000 }),
  });
  const games = fc.uniqueArray(game, { selector: (entry) => entry.game, maxLength: 20 });
  fc.assert(
    fc.property(games, (list) => {
      const digest = bus.digestOf(list);
      expect(bus.digestOf(list.toReversed())).toBe(digest);
      expect(Number.isInteger(digest) && digest >= 0 && digest <= 0xffff_ffff).toBe(true);
      const [first, ...rest] = list;
      if (first !== undefined)
        expect(bus.digestOf([...rest, { ...first, epoch: first.epoch + 1 }])).not.toBe(digest);
    }),
  );
});
