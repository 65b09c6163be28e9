import { isId, messageIdTimeMs } from '@breakwater/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Budget } from './budget.ts';
import { MessageIds, randomWord } from './message-ids.ts';
import { nextRising } from './rising-number.ts';
import { Roster, TypingMarks } from './roster.ts';
import { ServerClock } from './server-clock.ts';
import { refreshDelayMs, tokenExpiryMs } from './token.ts';

test('the server clock follows the sample with the shortest way', () => {
  const clock = new ServerClock();
  clock.welcomed(10_050, 9_000);
  expect(clock.serverMs(9_000)).toBe(10_050);
  clock.ponged(10_500, 200, 9_500);
  expect(clock.offsetMs).toBe(1_100);
  clock.ponged(11_005, 10, 10_000);
  clock.ponged(13_000, 900, 11_500);
  expect(clock.offsetMs).toBe(1_010);
  expect(clock.roundTripMs).toBeGreaterThan(10);
});

test('the offset is off by half the way at most, however uneven the ways are', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1_000_000, max: 1_000_000 }),
      fc.array(fc.tuple(fc.nat(400), fc.nat(400)), { minLength: 1, maxLength: 30 }),
      (offset, ways) => {
        const clock = new ServerClock();
        clock.welcomed(offset, 0);
        ways.forEach(([up, down], index) => {
          const sentMs = index * 1_000;
          clock.ponged(sentMs + up + offset, up + down, sentMs + up + down);
        });
        const best = Math.min(...ways.slice(-8).map(([up, down]) => up + down));
        expect(Math.abs(clock.offsetMs - offset)).toBeLessThanOrEqual(best / 2 + 1e-6);
      },
    ),
  );
});

test('message ids hold the time, differ, and have the form of the protocol', () => {
  const ids = new MessageIds(Math.random);
  const made = Array.from({ length: 1_000 }, (_, index) => ids.next(1_760_000_000_000 + index));
  expect(new Set(made).size).toBe(1_000);
  expect(made.map(messageIdTimeMs)).toEqual(made.map((_, index) => 1_760_000_000_000 + index));
  expect(isId(randomWord(20, Math.random))).toBe(true);
});

test('a join number rises above the clock, the last one and the stored one, whatever is stored', () => {
  fc.assert(
    fc.property(fc.double(), fc.nat(), fc.option(fc.string(), { nil: undefined }), (time, last, stored) => {
      const next = nextRising(Number.isFinite(time) ? Math.min(Math.abs(time), 2 ** 50) : 0, last, stored);
      expect(Number.isSafeInteger(next)).toBe(true);
      expect(next).toBeGreaterThan(last);
      if (stored !== undefined && /^[0-9]{1,15}$/.test(stored)) expect(next).toBeGreaterThan(Number(stored));
    }),
  );
});

test('the end of a token is read from it where it is there; anything else is no token and no error', () => {
  const claims = btoa(JSON.stringify({ sub: 'ann', exp: 1_800_000_000 })).replaceAll('=', '');
  expect(tokenExpiryMs(`x.${claims}.y`)).toBe(1_800_000_000_000);
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect([undefined, 'number']).toContain(
        tokenExpiryMs(text) === undefined ? undefined : typeof tokenExpiryMs(text),
      );
    }),
  );
});

test('a token is renewed before its end, at half of a short life, and never in a hot loop', () => {
  expect(refreshDelayMs(3_600_000, 0, 30_000)).toBe(3_570_000);
  expect(refreshDelayMs(20_000, 0, 30_000)).toBe(10_000);
  expect(refreshDelayMs(0, 50_000, 30_000)).toBe(1_000);
});

test('a budget gives back what it lent, once, and refuses the rest', () => {
  const budget = new Budget(2, 100);
  const release = budget.take(60);
  expect(() => budget.take(41)).toThrow(expect.objectContaining({ code: 'queue_full' }));
  budget.take(40);
  expect(() => budget.take(0)).toThrow(expect.objectContaining({ code: 'queue_full' }));
  release();
  release();
  expect(budget.count).toBe(1);
  budget.take(60);
  expect(budget.count).toBe(2);
});

test('a roster tells only what changed', () => {
  const roster = new Roster();
  const [ann, bob, cid] = ['ann', 'bob', 'cid'].map((user) => ({ user, name: user.toUpperCase() }));
  expect(roster.replace({ count: 2, people: [ann!, bob!], isComplete: true }).joined).toEqual([ann, bob]);
  expect(roster.change(3, [bob!, cid!], ['nobody'])).toEqual({ count: 3, joined: [cid], left: [] });
  expect(roster.replace({ count: 500, people: [cid!], isComplete: false })).toEqual({
    count: 500,
    joined: [],
    left: ['ann', 'bob'],
  });
  expect([roster.people, roster.count, roster.isComplete]).toEqual([[cid], 500, false]);
});

test('typing marks end by word or by time, and are bounded', () => {
  const marks = new TypingMarks(1_000, 2);
  const person = (user: string) => ({ user, name: user });
  expect(marks.set(person('a'), true, 0)).toBe(true);
  expect(marks.set(person('a'), true, 500)).toBe(false);
  expect(marks.set(person('b'), true, 600)).toBe(true);
  expect(marks.set(person('c'), true, 600)).toBe(false);
  expect(marks.nextExpiryMs).toBe(1_500);
  expect(marks.expire(1_499)).toBe(false);
  expect(marks.expire(1_500)).toBe(true);
  expect(marks.people).toEqual([person('b')]);
  expect(marks.set(person('b'), false, 1_500)).toBe(true);
  expect(marks.nextExpiryMs).toBeUndefined();
});
