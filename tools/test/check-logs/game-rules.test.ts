import type { GameRecord } from '@breakwater/bus';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { describeReport } from '../../src/check-logs/report.ts';
import type { LogLine } from '../../src/recorder/log-line.ts';
import { TAKEOVER_AT } from './honest-run.ts';
import { LogsBed, linesOf, replace } from './logs-bed.ts';

// Some tests make seven runs.
vi.setConfig({ testTimeout: 120_000 });

let bed: LogsBed;
beforeAll(async () => {
  bed = await LogsBed.start();
});
afterAll(() => bed?.[Symbol.asyncDispose]());

test('a state that differs from the log in its rows, events, tick, epoch or place breaks shown_committed', async () => {
  const changes = [{ shared: '00000000' }, { own: '12345678' }, { events: '00000001' }, { tick: 1 }];
  for (const change of changes) {
    const run = await bed.runOf();
    const shown = linesOf(run.lines('ann'), 'game.delta')[40]!;
    replace(run.lines('ann'), shown, { ...shown, ...change });
    expect(await bed.brokenRules(run), JSON.stringify(change)).toEqual(['shown_committed']);
  }
  const joined = await bed.runOf();
  const [state] = linesOf(joined.lines('bob'), 'game.state');
  replace(joined.lines('bob'), state!, { ...state!, shared: 'abcdef01' });
  expect(await bed.brokenRules(joined)).toEqual(['shown_committed']);

  const early = await bed.runOf();
  const old = linesOf(early.lines('ann'), 'game.delta').find(({ epoch }) => epoch === 2)!;
  replace(early.lines('ann'), old, { ...old, epoch: 1 });
  expect(await bed.brokenRules(early)).toEqual(['shown_committed']);

  const beyond = await bed.runOf();
  const last = linesOf(beyond.lines('ann'), 'game.delta').at(-1)!;
  replace(beyond.lines('ann'), last, last, { ...last, seq: last.seq + 500 });
  expect(await bed.brokenRules(beyond)).toEqual(['shown_committed']);
});

test('an older record after a newer breaks game_order, one of an older epoch epoch_order too', async () => {
  const back = await bed.runOf();
  const deltas = linesOf(back.lines('ann'), 'game.delta');
  replace(back.lines('ann'), deltas[20]!, deltas[20]!, { ...deltas[19]! });
  expect(await bed.brokenRules(back)).toEqual(['game_order']);

  const old = await bed.runOf();
  const shown = linesOf(old.lines('ann'), 'game.delta');
  const first = shown.findIndex(({ epoch }) => epoch === 2);
  replace(old.lines('ann'), shown[first]!, shown[first]!, { ...shown[first - 1]! });
  const report = await bed.check(old);
  expect(report.violations.find(({ rule }) => rule === 'epoch_order')?.text).toBe(
    'epoch 1 was shown after 2',
  );
});

test('a frame of the old epoch after one of the new breaks epoch_order, also after the game was joined again', async () => {
  const run = await bed.runOf();
  const lines = run.lines('ann');
  const shown = linesOf(lines, 'game.delta');
  const [join] = linesOf(lines, 'game.join');
  const lastOld = shown.findLast(({ epoch }) => epoch === 1)!;
  const [leave] = linesOf(lines, 'game.leave');
  const { t: _, events: __, ...state } = lastOld;
  replace(lines, leave!, leave!, { ...join! }, { ...state, t: 'game.state' }, leave!);
  expect(await bed.brokenRules(run)).toEqual(['epoch_order', 'game_order']);
});

/** Everything of the game that the client wrote down from a line on was so much later. */
function late(lines: LogLine[], from: LogLine, ms: number): void {
  for (const line of lines.slice(lines.indexOf(from)))
    if (line.t === 'game.delta' || line.t === 'game.leave')
      replace(lines, line, { ...line, at: line.at + ms });
}

test('a gap while the owner changes, or in the delivery, is measured, and breaks gap when it is too long', async () => {
  const takeover = await bed.runOf();
  late(
    takeover.lines('ann'),
    linesOf(takeover.lines('ann'), 'game.delta').find(({ epoch }) => epoch === 2)!,
    31_000,
  );
  const owner = await bed.check(takeover);
  expect(owner.counts).toEqual({ gap: 1 });
  expect(owner.violations[0]?.text).toBe('nothing was shown for 31000 ms (owner)');
  expect(owner.gaps.owner).toMatchObject({ count: 2, maxMs: 31_000 });

  const silent = await bed.runOf();
  late(silent.lines('bob'), linesOf(silent.lines('bob'), 'game.delta')[10]!, 31_000);
  expect((await bed.check(silent)).gaps.delivery).toMatchObject({ count: 1, maxMs: 31_000 });
  expect(await bed.brokenRules(silent)).toEqual(['gap']);

  const short = await bed.runOf();
  late(short.lines('bob'), linesOf(short.lines('bob'), 'game.delta')[10]!, 29_000);
  expect(await bed.brokenRules(short)).toEqual([]);
});

test('a long gap that breaks no rule is a warning with client, game, cause and place', async () => {
  const run = await bed.runOf();
  const lines = run.lines('bob');
  late(lines, linesOf(lines, 'game.delta')[10]!, 6_000);
  const line = lines.indexOf(linesOf(lines, 'game.delta')[10]!) + 1;
  const report = await bed.check(run);
  expect(report.ok).toBe(true);
  expect(report.warningCount).toBe(1);
  expect(report.warnings).toEqual([
    {
      where: `game ${run.game}`,
      client: 'bob',
      cause: 'delivery',
      ms: 6_000,
      file: expect.stringMatching(/bob\.jsonl$/),
      line,
    },
  ]);
  expect(describeReport(report)).toMatch(
    new RegExp(
      `^! game ${run.game}: bob was shown nothing for 6000 ms \\(delivery\\) .*bob\\.jsonl:${line}`,
      'm',
    ),
  );

  const shorter = await bed.runOf();
  late(shorter.lines('bob'), linesOf(shorter.lines('bob'), 'game.delta')[10]!, 4_000);
  expect((await bed.check(shorter)).warningCount).toBe(0);
});

test('a gap in which the process of the client stood still for half of it is of a cause of its own', async () => {
  /** A gap of 32 s, and a standstill that ends so long before it does. */
  const judged = async (stillMs: number, beforeItsEndMs: number) => {
    const run = await bed.runOf();
    const lines = run.lines('bob');
    late(lines, linesOf(lines, 'game.delta')[10]!, 32_000);
    const back = linesOf(lines, 'game.delta')[10]!;
    const still = { t: 'standstill', ms: stillMs, at: back.at - beforeItsEndMs } as const;
    replace(lines, back, back, still);
    return bed.check(run);
  };
  const still = await judged(17_000, 5_000);
  expect(still.counts).toEqual({});
  expect(still.gaps.client).toMatchObject({ count: 1, maxMs: 32_000 });
  expect(still.gaps).not.toHaveProperty('delivery');
  expect(still.warnings).toMatchObject([{ client: 'bob', cause: 'client', ms: 32_000 }]);

  for (const [stillMs, beforeItsEndMs] of [
    [15_000, 5_000],
    [40_000, 20_000],
  ] as const) {
    const report = await judged(stillMs, beforeItsEndMs);
    expect(report.counts, `${stillMs} ms`).toEqual({ gap: 1 });
    expect(report.gaps).not.toHaveProperty('client');
  }
});

test('a gap after which the client has another seat breaks gap as well; one between leaving and joining does not', async () => {
  const unseated = await bed.runOf();
  const lines = unseated.lines('bob');
  const [join] = linesOf(lines, 'game.join');
  const back = linesOf(lines, 'game.delta')[10]!;
  late(lines, back, 31_000);
  const first = linesOf(lines, 'game.delta')[10]!;
  // What only a player sees is of another player from here on.
  for (const line of lines.slice(lines.indexOf(first))) if (line.t === 'game.delta') delete line.own;
  replace(lines, linesOf(lines, 'game.delta')[10]!, { ...join!, pid: 99 }, linesOf(lines, 'game.delta')[10]!);
  const report = await bed.check(unseated);
  expect(report.counts).toEqual({ gap: 1 });
  expect(report.violations[0]?.text).toBe('nothing was shown for 31000 ms (delivery)');

  for (const connected of [true, false]) {
    const away = await bed.runOf();
    const own = away.lines('bob');
    const [again] = linesOf(own, 'game.join');
    const [leave] = linesOf(own, 'game.leave');
    late(own, linesOf(own, 'game.delta')[10]!, 31_000);
    const later = linesOf(own, 'game.delta')[10]!;
    replace(own, later, { t: 'state', connected, at: later.at }, { ...leave! }, { ...again! }, later);
    const { counts, gaps } = await bed.check(away);
    expect(counts).toEqual({});
    expect(gaps).not.toHaveProperty('delivery');
    expect(gaps).not.toHaveProperty('connection');
  }
});

test('a gap in which the connection was lost breaks nothing; a client that saw nothing to its end does', async () => {
  const lost = await bed.runOf();
  const lines = lost.lines('bob');
  const delta = linesOf(lines, 'game.delta')[10]!;
  const later = lines.slice(lines.indexOf(delta));
  for (const line of later)
    if (line.t === 'game.delta' || line.t === 'game.leave')
      replace(lines, line, { ...line, at: line.at + 60_000 });
  const back = linesOf(lines, 'game.delta')[10]!;
  replace(
    lines,
    back,
    { t: 'state', connected: false, at: back.at },
    { t: 'state', connected: true, at: back.at },
    back,
  );
  const report = await bed.check(lost);
  expect(report.counts).toEqual({});
  expect(report.gaps.connection).toMatchObject({ count: 1, maxMs: 60_000 });

  const blind = await bed.runOf();
  const own = blind.lines('bob');
  const after = linesOf(own, 'game.delta')[20]!;
  for (const line of own.slice(own.indexOf(after)))
    if (line.t === 'game.delta' || line.t === 'game.applied') replace(own, line);
  const [leave] = linesOf(own, 'game.leave');
  replace(own, leave!, { ...leave!, at: Date.now() + 60_000 });
  expect(await bed.brokenRules(blind)).toEqual(['gap']);
});

test('an acked command that the log does not hold breaks command_kept', async () => {
  const run = await bed.runOf();
  const acks = linesOf(run.lines('ann'), 'game.applied');
  replace(run.lines('ann'), acks[3]!, { ...acks[3]!, n: 5_000 });
  replace(run.lines('ann'), acks[4]!, { ...acks[4]!, seq: acks[4]!.seq + 100_000 });
  expect((await bed.check(run)).counts).toEqual({ command_kept: 2 });
});

test('a record of the old owner after the claim of the new one breaks one_owner', async () => {
  let old: GameRecord | undefined;
  const run = await bed.runOf({
    store: (record, index) => {
      if (record.kind === 'delta' && record.epoch === 1) old = record;
      return index === 100 ? [{ ...old!, n: old!.n + 1 }, record] : [record];
    },
  });
  expect(await bed.brokenRules(run)).toContain('one_owner');
});

test('a second claim of the same epoch, and a record after the end, break one_owner', async () => {
  const claims = await bed.runOf({
    store: (record) => (record.kind === 'claim' && record.epoch === 2 ? [{ ...record, epoch: 1 }] : [record]),
  });
  expect(await bed.brokenRules(claims)).toContain('one_owner');
  const ended = await bed.runOf({
    store: (record, index) =>
      index === 120 ? [record, { ...record, kind: 'end', n: record.n + 1, reason: 'x' }] : [record],
  });
  expect(await bed.brokenRules(ended)).toContain('one_owner');
});

test('a delta that is missing, a wrong hash and nonsense break replay', async () => {
  const missing = await bed.runOf({ store: (record, index) => (index === 50 ? [] : [record]) });
  expect(await bed.brokenRules(missing)).toContain('one_owner');
  const wrong = await bed.runOf({
    store: (record) =>
      record.kind === 'delta' && record.hash !== undefined && record.tick === 50
        ? [{ ...record, hash: record.hash ^ 1 }]
        : [record],
  });
  expect(await bed.brokenRules(wrong)).toEqual(['replay']);
});

test('an object that was broken under the old owner and again under the new one breaks one_breaker', async () => {
  const run = await bed.runOf({
    options: { regrowTicks: 10_000 },
    cheat: ({ tables }, tick) => {
      const target = [...tables.objects].at(-1)!;
      if (tick === TAKEOVER_AT - 1) {
        target.hp = 0;
        target.brokenBy = 1;
        tables.players.need(1).xp += 5;
        tables.breaks.insert({ by: 1, object: target.id, xp: 5 });
      } else if (tick === TAKEOVER_AT + 1) tables.breaks.insert({ by: 2, object: target.id, xp: 0 });
    },
  });
  const report = await bed.check(run);
  expect(Object.keys(report.counts)).toEqual(['one_breaker']);
  expect(report.violations.map(({ text }) => text).join()).toMatch(
    /was broken by player 2 while it was broken/,
  );
});

test('an object with two breakers breaks one_breaker, XP from nowhere break xp', async () => {
  const two = await bed.runOf({
    cheat: ({ tables }) => {
      for (const { by, object, xp } of [...tables.breaks])
        tables.breaks.insert({ by: by === 1 ? 2 : 1, object, xp });
    },
  });
  expect(await bed.brokenRules(two)).toEqual(['one_breaker', 'xp']);

  const gift = await bed.runOf({
    cheat: ({ tables }, tick) => {
      if (tick === 40) tables.players.need(1).xp += 5;
    },
  });
  expect(await bed.brokenRules(gift)).toEqual(['xp']);

  const silent = await bed.runOf({
    cheat: ({ tables }, tick) => {
      if (tick === 40) tables.objects.need([...tables.objects].find(({ hp }) => hp > 0)!.id).hp = 0;
    },
  });
  expect(await bed.brokenRules(silent)).toEqual(['one_breaker']);
});
