import type { Message } from '@breakwater/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RoomFeed } from './room-feed.ts';

/** A log with holes in its sequence, as a room in a shared stream has. */
function logOf(gaps: readonly number[]): Message[] {
  const log: Message[] = [];
  for (const gap of gaps) {
    const prev = log.at(-1)?.seq ?? 0;
    const seq = prev + gap;
    log.push({
      seq,
      prev,
      stamp: `s${seq}`,
      time: 0,
      user: 'bob',
      name: 'Bob',
      msg: `m${seq}`,
      text: `${seq}`,
    });
  }
  return log;
}

const at = (message: Message | undefined, epoch = 'e') => ({
  epoch,
  seq: message?.seq ?? 0,
  stamp: message?.stamp ?? '',
});
const gaps = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 60 });

/** What may happen between server and client while messages are stored one by one. */
type Step = 'deliver' | 'lose' | 'repeat' | 'resume';
const steps = fc.array(fc.constantFrom<Step>('deliver', 'deliver', 'deliver', 'lose', 'repeat', 'resume'), {
  minLength: 60,
  maxLength: 60,
});

test('whatever is lost, repeated or resumed on the way: every message once, in order, after the last resume', () => {
  fc.assert(
    fc.property(gaps, steps, (sizes, script) => {
      const log = logOf(sizes);
      const feed = new RoomFeed(1_000);
      const shown: number[] = [];
      const join = (upTo: number) => {
        const asked = feed.position;
        const messages = log.slice(0, upTo).filter((message) => message.seq > (asked?.seq ?? 0));
        const page = { at: at(log[upTo - 1]), recovered: asked !== undefined, messages, more: false };
        shown.push(...feed.joined(page, asked).fresh.map(({ seq }) => seq));
      };
      const live = (message: Message) => {
        if (feed.live(message) === 'added') shown.push(message.seq);
      };
      join(0);
      log.forEach((message, index) => {
        const step = script[index];
        if (step === 'deliver') live(message);
        if (step === 'resume') join(index + 1);
        if (step === 'repeat') for (const earlier of log.slice(0, index + 1)) live(earlier);
      });
      join(log.length);
      expect(shown).toEqual(log.map(({ seq }) => seq));
      expect(feed.messages).toEqual(log);
    }),
  );
});

test('a resume that brings less than is shown (another socket was faster) takes nothing back', () => {
  const log = logOf([1, 1, 1, 1]);
  const feed = new RoomFeed(10);
  feed.joined({ at: at(undefined), recovered: false, messages: [], more: false }, undefined);
  for (const message of log) feed.live(message);
  const change = feed.joined(
    { at: at(log[1]), recovered: true, messages: log.slice(0, 2), more: false },
    at(undefined),
  );
  expect(change.fresh).toEqual([]);
  expect(feed.position).toEqual(at(log[3]));
});

test('a page of another incarnation replaces the list, and only what was never shown is fresh', () => {
  const log = logOf([1, 1, 1]);
  const feed = new RoomFeed(10);
  feed.joined({ at: at(log[1]), recovered: false, messages: log.slice(0, 2), more: false }, undefined);
  const change = feed.joined(
    { at: at(log[2], 'f'), recovered: false, messages: log, more: true },
    at(log[1]),
  );
  expect(change).toEqual({ kind: 'reset', fresh: [log[2]], isWhole: true });
  expect([feed.messages, feed.hasMore, feed.position]).toEqual([log, true, at(log[2], 'f')]);
});

test('messages that come while a hole is repaired are held and follow the repair', () => {
  const log = logOf([1, 1, 1, 1, 1]);
  const feed = new RoomFeed(10);
  feed.joined({ at: at(undefined), recovered: false, messages: [], more: false }, undefined);
  expect(feed.live(log[0]!)).toBe('added');
  expect(feed.live(log[2]!)).toBe('gap');
  expect(feed.live(log[3]!)).toBe('gap');
  expect(feed.isHolding).toBe(true);
  const change = feed.joined(
    { at: at(log[2]), recovered: true, messages: log.slice(1, 3), more: false },
    at(log[0]),
  );
  expect(change.fresh).toEqual(log.slice(1, 4));
  expect(feed.live(log[4]!)).toBe('added');
  expect(feed.messages).toEqual(log);
});

test('the list keeps to its limit however much comes', () => {
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 20 }), (sizes, limit) => {
      const log = logOf(sizes);
      const feed = new RoomFeed(limit);
      feed.joined({ at: at(undefined), recovered: false, messages: [], more: false }, undefined);
      for (const message of log) feed.live(message);
      expect(feed.messages).toEqual(log.slice(-limit));
      expect(feed.hasMore).toBe(log.length > limit);
    }),
  );
});
