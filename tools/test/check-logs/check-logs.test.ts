import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LogsBed, linesOf, replace } from './logs-bed.ts';

// Some tests make seven runs.
vi.setConfig({ testTimeout: 120_000 });

let bed: LogsBed;
beforeAll(async () => {
  bed = await LogsBed.start();
});
afterAll(() => bed?.[Symbol.asyncDispose]());

test('an honest run passes, and everything in it was compared', async () => {
  const run = await bed.runOf();
  const report = await bed.check(run);

  expect(report.violations).toEqual([]);
  expect(report.ok).toBe(true);
  expect(report.skipped).toEqual({});
  expect(run.xp).toBeGreaterThan(0);
  expect(report.checked).toMatchObject({
    clients: 2,
    'stored messages': 12,
    'acked messages': 12,
    'shown messages': 24,
    snapshots: 1,
    'game records': 163,
  });
  expect(report.checked['shown states']).toBeGreaterThan(250);
  expect(report.checked['acked commands']).toBeGreaterThan(100);
});

test('an ack without a message, or at another place, breaks acked_kept', async () => {
  const run = await bed.runOf();
  const lines = run.lines('ann');
  const [first, second] = linesOf(lines, 'room.ack');
  replace(lines, first!, { ...first!, msg: 'mann-00000000-zz' });
  replace(lines, second!, { ...second!, seq: second!.seq + 1 });
  const report = await bed.check(run);
  expect(report.counts).toEqual({ acked_kept: 2 });
  expect(report.violations[0]).toMatchObject({ rule: 'acked_kept', where: `room ${run.room}` });
  expect(report.violations[0]?.file).toMatch(/ann\.jsonl$/);
});

test('a message that is stored twice, or with another text, breaks acked_kept', async () => {
  const twice = await bed.runOf({ storeTwice: 4 });
  expect(await bed.brokenRules(twice)).toContain('acked_kept');
  const other = await bed.runOf();
  const [send] = linesOf(other.lines('bob'), 'room.send');
  replace(other.lines('bob'), send!, { ...send!, hash: '0'.repeat(16) });
  expect(await bed.brokenRules(other)).toEqual(['acked_kept']);
});

test('a message that was shown and is not stored so breaks shown_stored', async () => {
  for (const change of [{ hash: 'f'.repeat(16) }, { user: 'eve' }, { stamp: 'other' }]) {
    const run = await bed.runOf();
    const shown = linesOf(run.lines('ann'), 'room.message')[3]!;
    replace(run.lines('ann'), shown, { ...shown, ...change });
    expect(await bed.brokenRules(run)).toEqual(['shown_stored']);
  }
  const run = await bed.runOf();
  const last = linesOf(run.lines('ann'), 'room.message').at(-1)!;
  replace(run.lines('ann'), last, last, { ...last, seq: last.seq + 1_000 });
  expect(await bed.brokenRules(run)).toEqual(['shown_stored']);
});

test('a message that a member missed, in the middle or at the end, breaks delivered', async () => {
  for (const index of [0, 5, 11]) {
    const run = await bed.runOf();
    const missed = linesOf(run.lines('bob'), 'room.message')[index]!;
    replace(run.lines('bob'), missed);
    expect(await bed.brokenRules(run)).toEqual(['delivered']);
  }
});

test('a gap that the client was told of breaks nothing, one after a reconnect does', async () => {
  const told = await bed.runOf();
  const [, second, third] = linesOf(told.lines('bob'), 'room.message');
  const reset = { t: 'room.reset', room: told.room, after: third!.seq - 1, at: third!.at } as const;
  replace(told.lines('bob'), second!, reset);
  expect(await bed.brokenRules(told)).toEqual([]);

  const silent = await bed.runOf();
  const missed = linesOf(silent.lines('bob'), 'room.message')[4]!;
  replace(
    silent.lines('bob'),
    missed,
    { t: 'state', connected: false, at: missed.at },
    { t: 'state', connected: true, at: missed.at },
  );
  expect(await bed.brokenRules(silent)).toEqual(['delivered']);
});

test('what was stored while a member was leaving, or away at its end, need not have reached it', async () => {
  const run = await bed.runOf();
  const last = linesOf(run.lines('bob'), 'room.message').at(-1)!;
  replace(run.lines('bob'), last);
  const [leave] = linesOf(run.lines('bob'), 'room.leave');
  replace(run.lines('bob'), leave!, { ...leave!, at: last.at + 500 });
  expect(await bed.brokenRules(run)).toEqual([]);

  const away = await bed.runOf();
  replace(away.lines('bob'), linesOf(away.lines('bob'), 'room.message').at(-1)!);
  const [left] = linesOf(away.lines('bob'), 'room.leave');
  replace(away.lines('bob'), left!, { t: 'state', connected: false, at: left!.at }, left!);
  expect(await bed.brokenRules(away)).toEqual([]);
});

test('messages out of order, or twice, break chat_order', async () => {
  const swapped = await bed.runOf();
  const [, , a, b] = linesOf(swapped.lines('ann'), 'room.message');
  const spare = { ...a! };
  replace(swapped.lines('ann'), a!, b!);
  swapped.lines('ann').splice(swapped.lines('ann').lastIndexOf(b!), 1, spare);
  expect(await bed.brokenRules(swapped)).toEqual(['chat_order']);

  const twice = await bed.runOf();
  const shown = linesOf(twice.lines('ann'), 'room.message')[6]!;
  replace(twice.lines('ann'), shown, shown, { ...shown });
  expect(await bed.brokenRules(twice)).toEqual(['chat_order']);
});
