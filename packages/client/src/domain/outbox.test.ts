import { formatMessageId, LIMITS } from '@breakwater/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ServerError, TimeoutError } from '../errors.ts';
import { Outbox } from './outbox.ts';

const START_MS = Date.UTC(2026, 0, 1);

function outboxAt(clock: { nowMs: number }, maxFailed = 10) {
  let ids = 0;
  const serverMs = () => START_MS + clock.nowMs;
  const newId = () => formatMessageId('test', serverMs(), ++ids);
  return new Outbox<null>({ maxFailed, sendTimeoutMs: 60_000, newId, serverMs });
}

type Step = 'send' | 'answer' | 'lose' | 'postpone' | 'wait' | 'feed';

test('whatever happens on the way, messages are stored in the order of the calls, each once', () => {
  const steps = fc.array(fc.constantFrom<Step>('send', 'answer', 'lose', 'postpone', 'wait', 'feed'), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, (script) => {
      const clock = { nowMs: 0 };
      const outbox = outboxAt(clock);
      const stored: string[] = [];
      const sent: string[] = [];
      let count = 0;
      /** The server stores an id once, whatever is asked. */
      const store = (msg: string) => void (stored.includes(msg) || stored.push(msg));
      const transmit = () => {
        const next = outbox.take(clock.nowMs);
        if (next === undefined) return;
        expect(next.isResend).toBe(sent.includes(next.entry.msg));
        sent.push(next.entry.msg);
        store(next.entry.msg);
      };
      for (const step of script) {
        const first = outbox.entries[0];
        if (step === 'send') outbox.add(String(++count), null, clock.nowMs);
        if ((step === 'answer' || step === 'feed') && first?.state === 'sent') outbox.stored(first.msg);
        if (step === 'lose') outbox.connectionLost();
        if (step === 'postpone' && first !== undefined) outbox.postpone(first.msg, clock.nowMs, 50);
        if (step === 'wait') clock.nowMs += 20;
        transmit();
        expect(outbox.entries.filter(({ state }) => state === 'sent').length).toBeLessThanOrEqual(1);
      }
      const order = stored.map((msg) => Number.parseInt(msg.split('-')[2]!, 36));
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }),
  );
});

test('a message that never left gets a fresh id when the old one has aged; one that left keeps it', () => {
  const clock = { nowMs: 0 };
  const outbox = outboxAt(clock);
  const early = outbox.add('one', null, 0).msg;
  clock.nowMs = LIMITS.retryHorizonMs;
  const first = outbox.take(clock.nowMs)!;
  expect(first.isResend).toBe(false);
  expect(first.entry.msg).not.toBe(early);
  outbox.connectionLost();
  clock.nowMs += LIMITS.retryHorizonMs;
  const again = outbox.take(clock.nowMs)!;
  expect(again).toMatchObject({ isResend: true, entry: { msg: first.entry.msg } });
});

test('failed messages are kept for a retry, up to a limit', () => {
  const outbox = outboxAt({ nowMs: 0 }, 2);
  const ids = ['a', 'b', 'c'].map((text) => outbox.add(text, null, 0).msg);
  expect(outbox.fail(ids[0]!, new ServerError('too_large')).dropped).toEqual([]);
  outbox.fail(ids[1]!, new ServerError('too_large'));
  expect(outbox.fail(ids[2]!, new ServerError('too_large')).dropped).toMatchObject([{ text: 'a' }]);
  expect(outbox.entries.map(({ text, state }) => [text, state])).toEqual([
    ['b', 'failed'],
    ['c', 'failed'],
  ]);
  const [b] = outbox.entries;
  expect(outbox.retry(b!.key, null, 0)).toMatchObject({ text: 'b', state: 'waiting' });
  expect(outbox.entries.map(({ text }) => text)).toEqual(['c', 'b']);
  expect(outbox.discard(b!.key)).toBeUndefined();
});

test('a retry keeps the id while that is safe, and takes a new one when the old is spent', () => {
  const clock = { nowMs: 0 };
  const outbox = outboxAt(clock);
  const entry = outbox.add('x', null, 0);
  const { msg } = outbox.take(0)!.entry;
  outbox.fail(msg, new TimeoutError('room.send', 1));
  outbox.retry(entry.key, null, 0);
  expect(outbox.take(0)).toMatchObject({ isResend: true, entry: { msg } });
  outbox.fail(msg, new ServerError('expired'));
  outbox.retry(entry.key, null, 0);
  const last = outbox.take(0)!;
  expect(last.isResend).toBe(false);
  expect(last.entry.msg).not.toBe(msg);
});

test('the next thing due is a retry of the first or a deadline, and never lies in the past while it waits', () => {
  const outbox = outboxAt({ nowMs: 0 });
  expect(outbox.nextDueMs(0)).toBeUndefined();
  const first = outbox.add('a', null, 0);
  outbox.add('b', null, 10_000);
  expect(outbox.nextDueMs(0)).toBe(60_000);
  outbox.take(0);
  outbox.postpone(first.msg, 1_000, 500);
  expect(outbox.nextDueMs(1_000)).toBe(1_500);
  expect(outbox.take(1_499)).toBeUndefined();
  expect(outbox.nextDueMs(1_500)).toBe(60_000);
  expect(outbox.overdue(59_999)).toEqual([]);
  expect(outbox.overdue(60_000)).toMatchObject([{ text: 'a' }]);
});
