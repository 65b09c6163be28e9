import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeResult } from '../src/chaos/command.ts';
import { readNoticed } from '../src/chaos/noticed.ts';
import { parseChaosOptions } from '../src/chaos/options.ts';
import { type Fault, type FaultKind, planFaults } from '../src/chaos/plan.ts';
import { runChaos } from '../src/chaos/run.ts';
import { describeTimeline, type Timeline } from '../src/chaos/timeline.ts';
import { timelineSvg } from '../src/chaos/timeline-svg.ts';
import { comparedShare } from '../src/check-logs/report.ts';
import { CommandError } from '../src/command.ts';

const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const TARGETS = {
  simulation: ['simulation-1', 'simulation-2', 'simulation-3'],
  edge: ['edge-1', 'edge-2'],
  nats: ['nats'],
  proxy: ['proxy-1', 'proxy-2'],
};
const PAIRS = { chat: ['chat-1', 'chat-2'], matchmaker: ['matchmaker-1', 'matchmaker-2'] };
const plan = (seed: number) => planFaults({ seed, durationMs: 600_000, everyMs: 3_000, targets: TARGETS });

test('the seed decides the faults: the same gives the same, another gives others', () => {
  expect(plan(7)).toEqual(plan(7));
  expect(plan(7)).not.toEqual(plan(8));
});

test('faults are of every kind, at most two last at once, and never is the last process of a service hurt', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const faults = plan(seed);
    expect(new Set(faults.map(({ kind }) => kind)).size).toBe(5);
    for (const fault of faults) {
      const { atMs, forMs, target } = fault;
      expect(atMs + forMs).toBeLessThanOrEqual(580_000);
      const others = faults.filter(
        (other) => other !== fault && other.atMs <= atMs && other.atMs + other.forMs > atMs,
      );
      expect(others.length).toBeLessThan(2);
      expect(others.map((other) => other.target)).not.toContain(target);
      const service = target.replace(/-\d+$/, '');
      const peers = others.filter((other) => other.target.startsWith(`${service}-`)).length;
      const all = TARGETS[service as keyof typeof TARGETS].length;
      if (all > 1) expect(peers, `${service} at ${atMs}`).toBeLessThan(all - 1);
    }
  }
});

test('the timeline says of each fault what clients noticed, as text and as a picture', () => {
  const fault = { atMs: 2_000, kind: 'kill', target: 'simulation-2', forMs: 900 } as const;
  const wait = { kind: 'wait', fromMs: 1_002_100, toMs: 1_003_100, isNewOwner: true } as const;
  const timeline: Timeline = {
    beginMs: 1_000_000,
    durationMs: 60_000,
    inflicted: [{ fault, fromMs: 1_002_000, toMs: 1_004_000, note: '' }],
    crashes: [{ atMs: 1_030_000, instance: 'chat-1', how: 'exit code 1', lines: [] }],
    noticed: [
      wait,
      { ...wait, toMs: 1_003_400 },
      { kind: 'away', fromMs: 1_040_000, toMs: 1_041_000, isNewOwner: false },
    ],
  };
  expect(describeTimeline(timeline).split('\n')).toEqual([
    expect.stringMatching(
      /^0:02\.0 {2}simulation-2 killed, back after 0\.9 s +2 waits \(median 1\.30 s, longest 1\.30 s\), 2 for another owner$/,
    ),
    '0:30.0  chat-1 ended by itself: exit code 1',
    'otherwise: 1 connection lost (1.00 s)',
  ]);
  const svg = timelineSvg('a <run>', timeline);
  expect(svg).toContain('a &#60;run&#62;');
  expect(svg).toContain('simulation-2');
  expect(svg).not.toMatch(/NaN|undefined/);
});

test('who is away waits for the connection, and for the game only after it, also when the seat is another one then', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-noticed-'));
  try {
    const shown = { t: 'game.delta', game: 'g', epoch: 1, seq: 1, tick: 1 };
    const lines = [
      { t: 'client', v: 1, user: 'ann', at: 0 },
      { t: 'state', connected: true, at: 0 },
      { t: 'game.join', game: 'g', pid: 1, pod: 'p', at: 0 },
      { ...shown, at: 1_000 },
      { ...shown, at: 1_600 },
      { t: 'state', connected: false, at: 2_000 },
      { t: 'state', connected: true, at: 9_000 },
      { t: 'game.join', game: 'g', pid: 2, pod: 'p', at: 9_700 },
      { ...shown, epoch: 2, at: 9_700 },
      { t: 'game.leave', game: 'g', at: 9_800 },
      { t: 'game.join', game: 'g', pid: 2, pod: 'p', at: 20_000 },
      { ...shown, epoch: 2, at: 20_000 },
    ];
    writeFileSync(join(dir, 'ann.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expect(await readNoticed(dir)).toEqual([
      { kind: 'wait', fromMs: 1_000, toMs: 1_600, isNewOwner: false },
      { kind: 'away', fromMs: 2_000, toMs: 9_000, isNewOwner: false },
      { kind: 'wait', fromMs: 9_000, toMs: 9_700, isNewOwner: true },
    ]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('an option that is wrong is said in one sentence', () => {
  expect(() => parseChaosOptions(['--minutes', '0'])).toThrow(CommandError);
  expect(() => parseChaosOptions(['--bots', 'many'])).toThrow('--bots is "many"');
  expect(() => parseChaosOptions(['--simulations', '1'])).toThrow('from 2 to 32');
});

/** A minute that two slow cores can carry beside the other tests; the long run is what the command does by itself. */
const RUN = IS_LONG
  ? ['--minutes', '10', '--seed', '7']
  : ['--minutes', '1', '--seed', '20', '--bots', '8', '--games', '3', '--chatters', '6', '--rooms', '2'];
const TIMEOUT_MS = IS_LONG ? 3_600_000 : 600_000;
/** Of what players were shown, so much is compared with all its rows; the rest fell to logs that were purged. */
const LEAST_COMPARED_SHARE = 0.9;

test('the seed of the short run kills, pauses and drains simulations, and hurts NATS and the proxies', () => {
  const { seed, durationMs, everyMs } = parseChaosOptions(RUN);
  const faults = planFaults({ seed, durationMs, everyMs, targets: { ...TARGETS, ...PAIRS } });
  expect(kindsOf(faults, 'simulation')).toEqual(['drain', 'kill', 'pause']);
  expect(kindsOf(faults, 'nats')).toEqual(['kill', 'pause']);
  expect(kindsOf(faults, 'proxy')).toEqual(['cut', 'silence']);
});

test(`${RUN[1]} min of chaos break no rule, and everything recovers`, { timeout: TIMEOUT_MS }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-chaos-'));
  try {
    const options = parseChaosOptions(RUN);
    const result = await runChaos(options, dir, () => undefined);
    const { report, ledger, timeline } = result;
    const story = describeResult(options, result);
    expect(result.problems, story).toEqual([]);
    expect(report.violations, story).toEqual([]);
    // What a run without chaos, or without anybody who looks, would not show.
    const done = timeline.inflicted.filter(({ note }) => !note.startsWith('left out'));
    expect(done.length, story).toBeGreaterThanOrEqual(10);
    const faults = done.map(({ fault }) => fault);
    expect(kindsOf(faults, 'simulation'), story).toEqual(['drain', 'kill', 'pause']);
    expect(kindsOf(faults, 'nats'), story).toEqual(['kill', 'pause']);
    for (const what of ['acked commands', 'acked messages', 'shown messages'])
      expect(report.checked[what], `${what}\n${story}`).toBeGreaterThan(20);
    expect(report.checked['shown states'], story).toBeGreaterThan(1_000);
    expect(comparedShare(report), story).toBeGreaterThanOrEqual(LEAST_COMPARED_SHARE);
    expect(ledger.checked['awards found in the logs'], story).toBeGreaterThan(0);
    expect(result.totalsAlike, story).toBe(options.bots);
    expect(result.ownLoad.longestStandstillMs, story).toBeGreaterThan(0);
    expect(report.gaps.owner?.count, story).toBeGreaterThan(0);
    expect(
      timeline.noticed.some(({ kind }) => kind === 'away'),
      story,
    ).toBe(true);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

function kindsOf(faults: readonly Fault[], service: string): FaultKind[] {
  const own = faults.filter(({ target }) => target.replace(/-\d+$/, '') === service);
  return [...new Set(own.map(({ kind }) => kind))].sort();
}
