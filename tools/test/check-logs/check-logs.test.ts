import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GameRecord } from '@breakwater/bus';
import {
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  type NatsBus,
} from '@breakwater/service-kit';
import { type NatsServer, startNats } from '@breakwater/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { checkLogs } from '../../src/check-logs/check-logs.ts';
import type { Report, Rule } from '../../src/check-logs/report.ts';
import type { LogLine, LogLineOf } from '../../src/recorder/log-line.ts';
import { createStreams, HonestRun, PARTITIONS, type RunOptions, TAKEOVER_AT } from './honest-run.ts';

// Some tests make seven runs.
vi.setConfig({ testTimeout: 120_000 });

let nats: NatsServer;
let bus: NatsBus;
let runs = 0;

beforeAll(async () => {
  nats = await startNats();
  const { log } = createLogOutput({ service: 'test', instance: 'test', level: 'silent' });
  const metrics = new MetricRegistry().register(kitMetrics);
  bus = await connectBus({ servers: [nats.url], name: 'test', log, metrics });
  await createStreams(bus);
});

afterAll(async () => {
  await bus?.drain();
  await nats?.stop();
});

async function runOf(options: RunOptions = {}): Promise<HonestRun> {
  return HonestRun.make(bus, `n${++runs}`, options);
}

async function check(run: HonestRun): Promise<Report> {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-logs-'));
  try {
    run.write(dir);
    return await checkLogs({ paths: [dir], nats: nats.url, partitions: PARTITIONS });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function brokenRules(run: HonestRun): Promise<Rule[]> {
  return Object.keys((await check(run)).counts).sort() as Rule[];
}

/** The lines of one type in a log, in order. */
function linesOf<T extends LogLine['t']>(lines: LogLine[], t: T): LogLineOf<T>[] {
  return lines.filter((line) => line.t === t) as LogLineOf<T>[];
}

/** Puts another line in the place of one. */
function replace(lines: LogLine[], line: LogLine, ...by: LogLine[]): void {
  lines.splice(lines.indexOf(line), 1, ...by);
}

test('an honest run passes, and everything in it was compared', async () => {
  const run = await runOf();
  const report = await check(run);

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
  const run = await runOf();
  const lines = run.lines('ann');
  const [first, second] = linesOf(lines, 'room.ack');
  replace(lines, first!, { ...first!, msg: 'mann-00000000-zz' });
  replace(lines, second!, { ...second!, seq: second!.seq + 1 });
  const report = await check(run);
  expect(report.counts).toEqual({ acked_kept: 2 });
  expect(report.violations[0]).toMatchObject({ rule: 'acked_kept', where: `room ${run.room}` });
  expect(report.violations[0]?.file).toMatch(/ann\.jsonl$/);
});

test('a message that is stored twice, or with another text, breaks acked_kept', async () => {
  const twice = await runOf({ storeTwice: 4 });
  expect(await brokenRules(twice)).toContain('acked_kept');
  const other = await runOf();
  const [send] = linesOf(other.lines('bob'), 'room.send');
  replace(other.lines('bob'), send!, { ...send!, hash: '0'.repeat(16) });
  expect(await brokenRules(other)).toEqual(['acked_kept']);
});

test('a message that was shown and is not stored so breaks shown_stored', async () => {
  for (const change of [{ hash: 'f'.repeat(16) }, { user: 'eve' }, { stamp: 'other' }]) {
    const run = await runOf();
    const shown = linesOf(run.lines('ann'), 'room.message')[3]!;
    replace(run.lines('ann'), shown, { ...shown, ...change });
    expect(await brokenRules(run)).toEqual(['shown_stored']);
  }
  const run = await runOf();
  const last = linesOf(run.lines('ann'), 'room.message').at(-1)!;
  replace(run.lines('ann'), last, last, { ...last, seq: last.seq + 1_000 });
  expect(await brokenRules(run)).toEqual(['shown_stored']);
});

test('a message that a member missed, in the middle or at the end, breaks delivered', async () => {
  for (const index of [0, 5, 11]) {
    const run = await runOf();
    const missed = linesOf(run.lines('bob'), 'room.message')[index]!;
    replace(run.lines('bob'), missed);
    expect(await brokenRules(run)).toEqual(['delivered']);
  }
});

test('a gap that the client was told of breaks nothing, one after a reconnect does', async () => {
  const told = await runOf();
  const [, second, third] = linesOf(told.lines('bob'), 'room.message');
  const reset = { t: 'room.reset', room: told.room, after: third!.seq - 1, at: third!.at } as const;
  replace(told.lines('bob'), second!, reset);
  expect(await brokenRules(told)).toEqual([]);

  const silent = await runOf();
  const missed = linesOf(silent.lines('bob'), 'room.message')[4]!;
  replace(
    silent.lines('bob'),
    missed,
    { t: 'state', connected: false, at: missed.at },
    { t: 'state', connected: true, at: missed.at },
  );
  expect(await brokenRules(silent)).toEqual(['delivered']);
});

test('what was stored while a member was leaving, or away at its end, need not have reached it', async () => {
  const run = await runOf();
  const last = linesOf(run.lines('bob'), 'room.message').at(-1)!;
  replace(run.lines('bob'), last);
  const [leave] = linesOf(run.lines('bob'), 'room.leave');
  replace(run.lines('bob'), leave!, { ...leave!, at: last.at + 500 });
  expect(await brokenRules(run)).toEqual([]);

  const away = await runOf();
  replace(away.lines('bob'), linesOf(away.lines('bob'), 'room.message').at(-1)!);
  const [left] = linesOf(away.lines('bob'), 'room.leave');
  replace(away.lines('bob'), left!, { t: 'state', connected: false, at: left!.at }, left!);
  expect(await brokenRules(away)).toEqual([]);
});

test('messages out of order, or twice, break chat_order', async () => {
  const swapped = await runOf();
  const [, , a, b] = linesOf(swapped.lines('ann'), 'room.message');
  const spare = { ...a! };
  replace(swapped.lines('ann'), a!, b!);
  swapped.lines('ann').splice(swapped.lines('ann').lastIndexOf(b!), 1, spare);
  expect(await brokenRules(swapped)).toEqual(['chat_order']);

  const twice = await runOf();
  const shown = linesOf(twice.lines('ann'), 'room.message')[6]!;
  replace(twice.lines('ann'), shown, shown, { ...shown });
  expect(await brokenRules(twice)).toEqual(['chat_order']);
});

test('a state that differs from the log in its rows, events, tick, epoch or place breaks shown_committed', async () => {
  const changes = [{ shared: '00000000' }, { own: '12345678' }, { events: '00000001' }, { tick: 1 }];
  for (const change of changes) {
    const run = await runOf();
    const shown = linesOf(run.lines('ann'), 'game.delta')[40]!;
    replace(run.lines('ann'), shown, { ...shown, ...change });
    expect(await brokenRules(run), JSON.stringify(change)).toEqual(['shown_committed']);
  }
  const joined = await runOf();
  const [state] = linesOf(joined.lines('bob'), 'game.state');
  replace(joined.lines('bob'), state!, { ...state!, shared: 'abcdef01' });
  expect(await brokenRules(joined)).toEqual(['shown_committed']);

  const early = await runOf();
  const old = linesOf(early.lines('ann'), 'game.delta').find(({ epoch }) => epoch === 2)!;
  replace(early.lines('ann'), old, { ...old, epoch: 1 });
  expect(await brokenRules(early)).toEqual(['shown_committed']);

  const beyond = await runOf();
  const last = linesOf(beyond.lines('ann'), 'game.delta').at(-1)!;
  replace(beyond.lines('ann'), last, last, { ...last, seq: last.seq + 500 });
  expect(await brokenRules(beyond)).toEqual(['shown_committed']);
});

test('an older record after a newer breaks game_order, one of an older epoch epoch_order too', async () => {
  const back = await runOf();
  const deltas = linesOf(back.lines('ann'), 'game.delta');
  replace(back.lines('ann'), deltas[20]!, deltas[20]!, { ...deltas[19]! });
  expect(await brokenRules(back)).toEqual(['game_order']);

  const old = await runOf();
  const shown = linesOf(old.lines('ann'), 'game.delta');
  const first = shown.findIndex(({ epoch }) => epoch === 2);
  replace(old.lines('ann'), shown[first]!, shown[first]!, { ...shown[first - 1]! });
  const report = await check(old);
  expect(report.violations.find(({ rule }) => rule === 'epoch_order')?.text).toBe(
    'epoch 1 was shown after 2',
  );
});

test('a frame of the old epoch after one of the new breaks epoch_order, also after the game was joined again', async () => {
  const run = await runOf();
  const lines = run.lines('ann');
  const shown = linesOf(lines, 'game.delta');
  const [join] = linesOf(lines, 'game.join');
  const lastOld = shown.findLast(({ epoch }) => epoch === 1)!;
  const [leave] = linesOf(lines, 'game.leave');
  const { t: _, events: __, ...state } = lastOld;
  replace(lines, leave!, leave!, { ...join! }, { ...state, t: 'game.state' }, leave!);
  expect(await brokenRules(run)).toEqual(['epoch_order', 'game_order']);
});

/** Everything of the game that the client wrote down from a line on was so much later. */
function late(lines: LogLine[], from: LogLine, ms: number): void {
  for (const line of lines.slice(lines.indexOf(from)))
    if (line.t === 'game.delta' || line.t === 'game.leave')
      replace(lines, line, { ...line, at: line.at + ms });
}

test('a gap while the owner changes, or in the delivery, is measured, and breaks gap when it is too long', async () => {
  const takeover = await runOf();
  late(
    takeover.lines('ann'),
    linesOf(takeover.lines('ann'), 'game.delta').find(({ epoch }) => epoch === 2)!,
    31_000,
  );
  const owner = await check(takeover);
  expect(owner.counts).toEqual({ gap: 1 });
  expect(owner.violations[0]?.text).toBe('nothing was shown for 31000 ms (owner)');
  expect(owner.gaps.owner).toMatchObject({ count: 2, maxMs: 31_000 });

  const silent = await runOf();
  late(silent.lines('bob'), linesOf(silent.lines('bob'), 'game.delta')[10]!, 31_000);
  expect((await check(silent)).gaps.delivery).toMatchObject({ count: 1, maxMs: 31_000 });
  expect(await brokenRules(silent)).toEqual(['gap']);

  const short = await runOf();
  late(short.lines('bob'), linesOf(short.lines('bob'), 'game.delta')[10]!, 29_000);
  expect(await brokenRules(short)).toEqual([]);
});

test('a gap after which the client has another seat breaks gap as well; one between leaving and joining does not', async () => {
  const unseated = await runOf();
  const lines = unseated.lines('bob');
  const [join] = linesOf(lines, 'game.join');
  const back = linesOf(lines, 'game.delta')[10]!;
  late(lines, back, 31_000);
  const first = linesOf(lines, 'game.delta')[10]!;
  // What only a player sees is of another player from here on.
  for (const line of lines.slice(lines.indexOf(first))) if (line.t === 'game.delta') delete line.own;
  replace(lines, linesOf(lines, 'game.delta')[10]!, { ...join!, pid: 99 }, linesOf(lines, 'game.delta')[10]!);
  const report = await check(unseated);
  expect(report.counts).toEqual({ gap: 1 });
  expect(report.violations[0]?.text).toBe('nothing was shown for 31000 ms (delivery)');

  for (const connected of [true, false]) {
    const away = await runOf();
    const own = away.lines('bob');
    const [again] = linesOf(own, 'game.join');
    const [leave] = linesOf(own, 'game.leave');
    late(own, linesOf(own, 'game.delta')[10]!, 31_000);
    const later = linesOf(own, 'game.delta')[10]!;
    replace(own, later, { t: 'state', connected, at: later.at }, { ...leave! }, { ...again! }, later);
    const { counts, gaps } = await check(away);
    expect(counts).toEqual({});
    expect(gaps).not.toHaveProperty('delivery');
    expect(gaps).not.toHaveProperty('connection');
  }
});

test('a gap in which the connection was lost breaks nothing; a client that saw nothing to its end does', async () => {
  const lost = await runOf();
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
  const report = await check(lost);
  expect(report.counts).toEqual({});
  expect(report.gaps.connection).toMatchObject({ count: 1, maxMs: 60_000 });

  const blind = await runOf();
  const own = blind.lines('bob');
  const after = linesOf(own, 'game.delta')[20]!;
  for (const line of own.slice(own.indexOf(after)))
    if (line.t === 'game.delta' || line.t === 'game.applied') replace(own, line);
  const [leave] = linesOf(own, 'game.leave');
  replace(own, leave!, { ...leave!, at: Date.now() + 60_000 });
  expect(await brokenRules(blind)).toEqual(['gap']);
});

test('an acked command that the log does not hold breaks command_kept', async () => {
  const run = await runOf();
  const acks = linesOf(run.lines('ann'), 'game.applied');
  replace(run.lines('ann'), acks[3]!, { ...acks[3]!, n: 5_000 });
  replace(run.lines('ann'), acks[4]!, { ...acks[4]!, seq: acks[4]!.seq + 100_000 });
  expect((await check(run)).counts).toEqual({ command_kept: 2 });
});

test('a record of the old owner after the claim of the new one breaks one_owner', async () => {
  let old: GameRecord | undefined;
  const run = await runOf({
    store: (record, index) => {
      if (record.kind === 'delta' && record.epoch === 1) old = record;
      return index === 100 ? [{ ...old!, n: old!.n + 1 }, record] : [record];
    },
  });
  expect(await brokenRules(run)).toContain('one_owner');
});

test('a second claim of the same epoch, and a record after the end, break one_owner', async () => {
  const claims = await runOf({
    store: (record) => (record.kind === 'claim' && record.epoch === 2 ? [{ ...record, epoch: 1 }] : [record]),
  });
  expect(await brokenRules(claims)).toContain('one_owner');
  const ended = await runOf({
    store: (record, index) =>
      index === 120 ? [record, { ...record, kind: 'end', n: record.n + 1, reason: 'x' }] : [record],
  });
  expect(await brokenRules(ended)).toContain('one_owner');
});

test('a delta that is missing, a wrong hash and nonsense break replay', async () => {
  const missing = await runOf({ store: (record, index) => (index === 50 ? [] : [record]) });
  expect(await brokenRules(missing)).toContain('one_owner');
  const wrong = await runOf({
    store: (record) =>
      record.kind === 'delta' && record.hash !== undefined && record.tick === 50
        ? [{ ...record, hash: record.hash ^ 1 }]
        : [record],
  });
  expect(await brokenRules(wrong)).toEqual(['replay']);
});

test('an object that was broken under the old owner and again under the new one breaks one_breaker', async () => {
  const run = await runOf({
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
  const report = await check(run);
  expect(Object.keys(report.counts)).toEqual(['one_breaker']);
  expect(report.violations.map(({ text }) => text).join()).toMatch(
    /was broken by player 2 while it was broken/,
  );
});

test('an object with two breakers breaks one_breaker, XP from nowhere break xp', async () => {
  const two = await runOf({
    cheat: ({ tables }) => {
      for (const { by, object, xp } of [...tables.breaks])
        tables.breaks.insert({ by: by === 1 ? 2 : 1, object, xp });
    },
  });
  expect(await brokenRules(two)).toEqual(['one_breaker', 'xp']);

  const gift = await runOf({
    cheat: ({ tables }, tick) => {
      if (tick === 40) tables.players.need(1).xp += 5;
    },
  });
  expect(await brokenRules(gift)).toEqual(['xp']);

  const silent = await runOf({
    cheat: ({ tables }, tick) => {
      if (tick === 40) tables.objects.need([...tables.objects].find(({ hp }) => hp > 0)!.id).hp = 0;
    },
  });
  expect(await brokenRules(silent)).toEqual(['one_breaker']);
});
