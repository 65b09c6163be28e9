import type { HostedGame } from '@breakwater/bus';
import { describe, expect, it } from 'vitest';
import { Report } from './report.ts';
import { RestartBudget } from './restart-budget.ts';
import { TickTimes } from './tick-times.ts';

const line = (game: string, more: Partial<HostedGame> = {}): HostedGame => ({
  game,
  epoch: 1,
  type: 'lab',
  schemaVersion: 1,
  players: 0,
  state: 'running',
  ...more,
});

describe('the report of a process', () => {
  it('tells each game once, and again when its line changed', () => {
    const report = new Report();
    expect(report.changes([line('a'), line('b')]).map(({ game }) => game)).toEqual(['a', 'b']);
    expect(report.changes([line('a'), line('b')])).toEqual([]);
    expect(report.changes([line('a', { players: 1 }), line('b')])).toEqual([line('a', { players: 1 })]);
    expect(report.changes([line('b')])).toEqual([]);
    expect(report.changes([line('a', { players: 1 }), line('b')])).toEqual([line('a', { players: 1 })]);
  });

  it('tells who took a seat, once each', () => {
    const report = new Report();
    report.changes([line('a')]);
    report.joined('a', 'ann');
    report.joined('a', 'ann');
    report.joined('a', 'bob');
    expect(report.changes([line('a')])).toEqual([line('a', { joined: ['ann', 'bob'] })]);
    expect(report.changes([line('a')])).toEqual([]);
  });

  it('repeats the end of a game for a while, unless it is hosted again', () => {
    const report = new Report();
    const over = line('a', { state: 'failed', reason: 'threw' });
    report.over(over);
    for (let heartbeat = 0; heartbeat < 10; heartbeat++) expect(report.changes([])).toEqual([over]);
    expect(report.changes([])).toEqual([]);
    report.over(over);
    expect(report.changes([line('a', { epoch: 2 })])).toEqual([line('a', { epoch: 2 })]);
    expect(report.changes([])).toEqual([]);
  });
});

describe('the budget of restarts', () => {
  it('has so many in a window, and new ones when the window has moved on', () => {
    const budget = new RestartBudget(3, 60_000);
    expect([0, 10, 20, 30].map((ms) => budget.take(ms))).toEqual([true, true, true, false]);
    expect(budget.take(60_000)).toBe(true);
    expect(budget.take(60_001)).toBe(false);
  });
});

describe('tick times', () => {
  it('give the 99th percentile of the latest ticks, 0 without any', () => {
    const times = new TickTimes(100);
    expect(times.p99Ms()).toBe(0);
    for (let ms = 1; ms <= 1_000; ms++) times.record(ms);
    expect(times.p99Ms()).toBe(1_000);
    for (let tick = 0; tick < 100; tick++) times.record(2);
    expect(times.p99Ms()).toBe(2);
  });
});
