import {
  type DeltaRecord,
  encodeGameRecord,
  encodeSnapshot,
  type GameRecord,
  livePosition,
} from '@breakwater/bus';
import { createInstance, defineGame, table, u32 } from '@breakwater/game-kit';
import { expect, test } from 'vitest';
import { checkTraces } from '../../src/check-logs/check-logs.ts';
import { Findings, type Report } from '../../src/check-logs/report.ts';
import type { RecordSource, StoredRecord } from '../../src/check-logs/sources.ts';
import { TraceBuilder } from '../../src/check-logs/trace.ts';
import type { LogLine, LogLineOf } from '../../src/recorder/log-line.ts';

const twitch = defineGame({
  type: 'twitch',
  schemaVersion: 1,
  durability: 'volatile',
  tickHz: 20,
  tables: { counts: table({ visibility: 'all', columns: { ticks: u32() } }) },
  commands: {},
});
const DETAILS = JSON.stringify({ options: {}, seed: 1 });
const game = 'g1';
const LAST_TICK = 40;
/** Where the second owner goes on: what a second of 20 ticks may undo. */
const FALL_BACK_TO = 20;

type Line = LogLineOf<'game.state'> | LogLineOf<'game.delta'>;

const stateOf = (epoch: number, n: number, tick: number): LogLineOf<'game.state'> => ({
  t: 'game.state',
  game,
  epoch,
  seq: livePosition(epoch, n),
  tick,
  shared: rowsOf(epoch, n),
  own: '00000000',
  at: 1_000 + tick,
});
const deltaOf = (epoch: number, n: number, tick: number): LogLineOf<'game.delta'> => ({
  ...stateOf(epoch, n, tick),
  t: 'game.delta',
  events: '00000000',
});
const rowsOf = (epoch: number, n: number): string => (epoch * 1_000 + n).toString(16).padStart(8, '0');

const claimOf = (epoch: number): GameRecord => ({
  kind: 'claim',
  epoch,
  nonce: `nonce-${epoch}`,
  n: 0,
  pod: `pod-${epoch}`,
  type: 'twitch',
  schemaVersion: 1,
  details: DETAILS,
});
const nothing = { shared: new Uint8Array(0), server: new Uint8Array(0), slices: [] };
const markerOf = (epoch: number, n = 1): DeltaRecord => ({
  kind: 'delta',
  epoch,
  nonce: `nonce-${epoch}`,
  n,
  tick: 0,
  parts: nothing,
});

/** A game in which everything went as it must: two players, two owners, and what they lost in between. */
class HonestRun {
  readonly ann: Line[] = [stateOf(1, 0, 0)];
  readonly bob: Line[] = [stateOf(1, 7, 7)];
  readonly log: GameRecord[] = [claimOf(1), markerOf(1), claimOf(2)];
  readonly snapshots: Uint8Array[] = [snapshot()];
  definitions = new Map([['twitch', twitch]]);

  constructor() {
    for (let n = 1; n <= LAST_TICK; n++) this.ann.push(deltaOf(1, n, n));
    for (let n = 8; n <= LAST_TICK - 3; n++) this.bob.push(deltaOf(1, n, n));
    for (const lines of [this.ann, this.bob]) {
      lines.push(stateOf(2, 0, FALL_BACK_TO));
      for (let n = 1; n <= 15; n++) lines.push(deltaOf(2, n, FALL_BACK_TO + n));
    }
  }

  async check(volatileLossMs?: number): Promise<Report> {
    const clients = [traceOf('ann', this.ann), traceOf('bob', this.bob)];
    const options = volatileLossMs === undefined ? {} : { volatileLossMs };
    return checkTraces(clients, this.#source(), this.definitions, options, new Findings(20));
  }

  async brokenRules(): Promise<string[]> {
    return Object.keys((await this.check()).counts).sort();
  }

  #source(): RecordSource {
    const stored = this.log.map((record, index) => ({ seq: index + 1, data: encodeGameRecord(record) }));
    const snapshots = this.snapshots.map((data, index) => ({ seq: index + 1, data }));
    return {
      room: () => recordsOf([]),
      game: () => recordsOf(stored),
      firstOfGame: async () => 1,
      snapshots: () => recordsOf(snapshots),
    };
  }
}

async function* recordsOf(records: readonly StoredRecord[]) {
  yield* records;
}

function snapshot(change: { hash?: number } = {}): Uint8Array {
  const instance = createInstance(twitch, { seed: 1 });
  const { tick, ...parts } = instance.encodeState();
  const head = { epoch: 1, nonce: 'nonce-1', n: 1, type: 'twitch', schemaVersion: 1, details: DETAILS };
  return encodeSnapshot({ ...head, logSeq: 1, tick, hash: instance.hash(), parts, ...change });
}

function traceOf(user: string, shown: readonly Line[]) {
  const builder = new TraceBuilder(`${user}.jsonl`, user);
  const join: LogLine = { t: 'game.join', game, pid: 1, pod: 'pod-1', at: 1_000 };
  const lines: LogLine[] = [{ t: 'state', connected: true, at: 1_000 }, join, ...shown];
  for (const [index, line] of lines.entries()) expect(builder.add(line, index + 2)).toBeUndefined();
  return builder.finish();
}

test('an honest run of a volatile game passes, and what can be compared was', async () => {
  const report = await new HonestRun().check();
  expect(report.violations).toEqual([]);
  expect(report.checked).toMatchObject({ 'changes of owner': 1, snapshots: 1, 'game records': 3 });
  // What ann was shown first, and bob's first state, have nothing to be held against.
  expect(report.checked['shown states']).toBe(30 + 16);
  expect(report.checked['places of shown states']).toBe(41 + 1 + 16);
  expect(report.gaps.owner).toMatchObject({ count: 2 });
});

test('other rows, another tick or other events at the same place break shown_alike', async () => {
  for (const change of [{ shared: 'ffffffff' }, { events: 'ffffffff' }, { tick: 19 }]) {
    const run = new HonestRun();
    run.bob[10] = { ...(run.bob[10] as LogLineOf<'game.delta'>), ...change };
    expect(await run.brokenRules(), JSON.stringify(change)).toEqual(['shown_alike']);
  }
});

test('a delta behind a hole, or of a new owner before its state, breaks shown_alike', async () => {
  const hole = new HonestRun();
  hole.ann.splice(10, 1);
  const report = await hole.check();
  expect(report.counts).toEqual({ shown_alike: 1 });
  expect(report.violations[0]?.text).toBe('delta 1.11 was shown after delta 1.9');

  const early = new HonestRun();
  early.bob.splice(
    early.bob.findIndex(({ epoch }) => epoch === 2),
    1,
  );
  expect(await early.brokenRules()).toEqual(['shown_alike']);
});

test('an epoch that nobody claimed, or that is not the one of its place, breaks shown_alike', async () => {
  const unclaimed = new HonestRun();
  unclaimed.log.pop();
  expect(await unclaimed.brokenRules()).toEqual(['shown_alike']);
  const mixed = new HonestRun();
  mixed.ann[41] = { ...stateOf(2, 0, FALL_BACK_TO), seq: livePosition(1, 90) };
  expect(await mixed.brokenRules()).toEqual(['shown_alike']);
});

test('a delta of the old owner after one of the new breaks epoch_order', async () => {
  const run = new HonestRun();
  run.ann.splice(45, 0, deltaOf(1, LAST_TICK, LAST_TICK));
  expect(await run.brokenRules()).toEqual(['epoch_order', 'game_order', 'shown_alike']);
});

test('more ticks undone than the game may lose break fall_back', async () => {
  const run = new HonestRun();
  for (const lines of [run.ann, run.bob])
    for (const [index, line] of lines.entries())
      if (line.epoch === 2) lines[index] = { ...line, tick: line.tick - 1 };
  const report = await run.check();
  expect(report.counts).toEqual({ fall_back: 1 });
  expect(report.violations[0]?.text).toBe('21 ticks that had been shown were undone, and 20 may be');
  expect((await run.check(1_050)).counts).toEqual({});
});

test('an old owner in the log breaks one_owner; deltas and snapshots that do not belong there break replay', async () => {
  const zombie = new HonestRun();
  zombie.log.push({ kind: 'end', epoch: 1, nonce: 'nonce-1', n: 2, reason: 'over' });
  expect(await zombie.brokenRules()).toEqual(['one_owner']);
  const stored = new HonestRun();
  const bytes = new Uint8Array([1]);
  stored.log.splice(2, 0, { ...markerOf(1, 2), parts: { ...nothing, shared: bytes } });
  expect(await stored.brokenRules()).toEqual(['replay']);
  const flipped = new HonestRun();
  flipped.snapshots.push(snapshot({ hash: 1 }), new Uint8Array([1, 2, 3]));
  expect((await flipped.check()).counts).toEqual({ replay: 2 });
});

test('a log that was cut down to a newer marker still tells what the game is and who owned it', async () => {
  const run = new HonestRun();
  run.log.splice(0, 3, markerOf(2));
  expect((await run.check()).counts).toEqual({});
  run.ann[45] = { ...run.ann[45]!, shared: 'ffffffff' };
  expect(await run.brokenRules()).toEqual(['shown_alike']);
});

test('without the type of the game its places tell what it is, and the fall back is skipped', async () => {
  const run = new HonestRun();
  run.definitions = new Map();
  const report = await run.check();
  expect(report.counts).toEqual({});
  expect(report.skipped).toMatchObject({ 'falls back of volatile games whose type is not here': 1 });
});
