import { fileURLToPath } from 'node:url';
import { decodeSnapshot, type GameRecord, gameId } from '@breakwater/bus';
import { defineGame, type GameDefinition, table, u32 } from '@breakwater/game-kit';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GameFactory } from '../src/domain/game-factory.ts';
import { Replay } from '../src/domain/replay.ts';
import { MemoryWorld, random, recordOf } from './memory-world.ts';
import { game as lab2 } from './newer-games/lab/game.ts';
import { Archive } from './replay-log.ts';
import { Sims, subjects } from './sims.ts';

const NEWER = fileURLToPath(new URL('./newer-games', import.meta.url));
const definition2 = lab2 as unknown as GameDefinition;
const LAB = { type: 'lab', options: { mode: 'restless' } } as const;
const LAB_2 = { type: 'lab', schemaVersion: 2, options: {} } as const;

/** The state that the whole log makes in the newer version, or as far as it goes in it. */
function replayOf(records: readonly { readonly seq: number; readonly bytes: Uint8Array }[]) {
  const replay = new Replay(new GameFactory(definition2, () => undefined));
  for (const record of records) replay.apply(record);
  return replay;
}

const countOf = (replay: Replay, table: 'counters' | 'totals', row: number): number =>
  (replay.instance!.tables as unknown as Record<string, { need(id: number): { value: number } }>)[
    table
  ]!.need(row).value;

describe('a game between two versions of its type', () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-1');
    await sims.pod('sim-2', {
      BREAKWATER_SIMULATION_GAME_FOLDERS: NEWER,
      BREAKWATER_LOG_LEVEL: 'warn',
    });
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  it('is taken over by the newer one behind the very last record, with seats, numbers and awards, and never back', async () => {
    const types: unknown[] = [];
    sims.onStatus(({ pod, types: hosted }) => void (pod === 'sim-2' && types.push(hosted[0])));
    const archive = await Archive.of(sims, 'moved');
    await sims.host('sim-1', 'moved', LAB);
    const { pid } = await sims.join('moved', 'ann');
    for (let n = 1; n <= 10; n++) sims.command('moved', pid, n, 'add', { tag: n });
    await eventually(async () => (await sims.join('moved', 'sam', 1, { spectate: true })) && true);
    expect(await sims.warm('sim-2', 'moved', { type: 'lab', schemaVersion: 2 })).toEqual({ outcome: 'warm' });
    for (let n = 11; n <= 20; n++) sims.command('moved', pid, n, 'add', { tag: n });
    const tailSeq = await sims.release('sim-1', 'moved', 1);
    expect(await sims.host('sim-2', 'moved', { ...LAB_2, epoch: 2, tailSeq })).toMatchObject({
      outcome: 'hosted',
    });
    const reply = await sims.join('moved', 'ann', 2);
    expect(reply).toMatchObject({ epoch: 2, pod: 'sim-2', pid });
    expect(JSON.parse(reply.schema)).toMatchObject({ schemaVersion: 2 });
    for (let n = reply.ack + 1; n <= 30; n++) sims.command('moved', pid, n, 'add', { tag: n });
    const replay = await eventually(async () => {
      const now = replayOf((await archive.complete()).records);
      expect(now.instance!.ackOf(pid)).toBe(30);
      return now;
    });
    expect(countOf(replay, 'totals', 1)).toBe(countOf(replay, 'counters', pid));
    expect(countOf(replay, 'totals', 1)).toBe(reply.ack + 2 * (30 - reply.ack));
    const claimAt = archive.kinds().indexOf('claim 2.0');
    const [claim, first, second] = archive.records.slice(claimAt).map(recordOf);
    expect(archive.records[claimAt - 1]?.seq).toBe(tailSeq);
    expect(claim).toMatchObject({ kind: 'claim', type: 'lab', schemaVersion: 2 });
    expect(first).toMatchObject({ kind: 'delta', isWhole: true });
    expect(second).not.toHaveProperty('isWhole');
    expect(types[0]).toMatchObject({ type: 'lab', schemaVersion: 2, migratesFrom: [1] });
    // A snapshot of the new version is there at once, so that the one after it needs to know nothing of the old.
    await eventually(async () => {
      const options = { fromSeq: 1, limit: 10, maxBytes: 1_000_000 };
      const subject = subjects.gameSnapshots(gameId('moved'));
      const page = await sims.bus.readSubject(sims.snapshotStream('moved'), subject, options);
      const decoded = decodeSnapshot(page.messages.at(-1)!.data);
      expect(decoded.ok && decoded.value.schemaVersion).toBe(2);
    });

    expect(await sims.host('sim-1', 'moved', { ...LAB, epoch: 3 })).toMatchObject({
      refusal: 'unknown_game_type',
    });
  });

  it('stays with the older one when it cannot be migrated: nothing is claimed, and the log line says what did not fit', async () => {
    const written = vi.spyOn(process.stdout, 'write');
    await sims.host('sim-1', 'unlucky', { type: 'lab', options: { mode: 'restless', hp: 13 } });
    const { pid } = await sims.join('unlucky', 'ann');
    expect(await sims.warm('sim-2', 'unlucky', { type: 'lab', schemaVersion: 2 })).toMatchObject({
      refusal: 'unknown_game_type',
      detail: 'lab@1 cannot become lab@2: unlucky',
    });
    expect(await sims.host('sim-2', 'unlucky', { ...LAB_2, epoch: 2 })).toMatchObject({
      refusal: 'unknown_game_type',
    });
    await eventually(() => {
      const lines = written.mock.calls.map(([line]) => String(line)).join('');
      expect(lines).toMatch(/"game":"unlucky".*"why":"lab@1 cannot become lab@2: unlucky"/);
    });
    written.mockRestore();
    sims.command('unlucky', pid, 1, 'add');
    await eventually(async () => expect((await sims.join('unlucky', 'ann', 2)).ack).toBe(1));
    const log = await sims.log('unlucky');
    expect(log.filter(({ record }) => record.kind === 'claim')).toHaveLength(1);
  });
});

async function played(options: Record<string, unknown> = {}): Promise<MemoryWorld> {
  const world = new MemoryWorld({ trouble: 0, random: random(3) }, { snapshotEveryRecords: 1_000 }, options);
  await hosted(world, 1);
  world.join('ann', 1);
  await world.ticks(3);
  for (let n = 1; n <= 6; n++) world.command(1, n);
  await world.ticks(3);
  return world;
}

async function hosted(world: MemoryWorld, epoch: number, factory = world.factory) {
  const hosting = world.host(epoch, 4_000, factory);
  await world.clock.advanceAsync(500);
  return hosting;
}

const factory2 = () => new GameFactory(definition2, () => undefined);
const kinds = (world: MemoryWorld) =>
  world.log.records.map((stored) => {
    const record: GameRecord = recordOf(stored);
    const version = record.kind === 'claim' ? `@${record.schemaVersion}` : '';
    return `${record.kind}${version}${record.kind === 'delta' && record.isWhole ? ' whole' : ''}`;
  });

describe('the log of a game that changes its version', () => {
  it('is still the older one behind a claim of the newer that stored nothing: either version goes on', async () => {
    const world = await played();
    world.crash(0);
    expect(await hosted(world, 2, factory2())).toMatchObject({ kind: 'hosted' });
    world.crash(0);
    expect(await hosted(world, 3)).toMatchObject({ kind: 'hosted' });
    await world.ticks(2);
    world.join('ann', 2);
    await world.ticks(5);
    expect(world.replies.at(-1)?.reply).toMatchObject({ epoch: 3, ack: 6 });
    world.crash(0);
    expect(await hosted(world, 4, factory2())).toMatchObject({ kind: 'hosted' });
    world.join('ann', 3);
    await world.ticks(5);
    expect(world.replies.at(-1)?.reply).toMatchObject({ epoch: 4, ack: 6 });
    const said = kinds(world);
    expect(said.filter((kind) => kind.startsWith('claim'))).toEqual([
      'claim@1',
      'claim@2',
      'claim@1',
      'claim@2',
    ]);
    expect(said.filter((kind) => kind === 'delta whole')).toHaveLength(1);
    expect(said.indexOf('delta whole')).toBe(said.lastIndexOf('claim@2') + 1);
    world.crash(0);
    expect(await hosted(world, 5)).toMatchObject({ kind: 'refused', refusal: 'unknown_game_type' });
    expect(world.violations).toEqual([]);
  });

  it('is migrated once more when the first step of the newer version throws', async () => {
    const world = await played({ throwAtTick: 999_999 });
    world.crash(0);
    expect(await hosted(world, 2, factory2())).toMatchObject({ kind: 'hosted' });
    await world.ticks(30);
    expect(world.restarts).toHaveLength(1);
    expect(kinds(world).filter((kind) => kind === 'delta whole')).toHaveLength(1);
    world.join('ann', 2);
    await world.ticks(5);
    expect(world.replies.at(-1)?.reply).toMatchObject({ epoch: 2, ack: 6 });
    expect(replayOf(world.log.archive).instance!.ackOf(1)).toBe(6);
  });

  it('has not failed when the newer version has written down other tables than the older one had', async () => {
    const counters = table({ visibility: 'all', columns: { count: u32() } });
    const mistaken = defineGame({
      type: 'lab',
      schemaVersion: 2,
      tables: { counters },
      commands: {},
      migrate: { 1: { tables: { counters } } },
    }) as unknown as GameDefinition;
    const world = await played();
    world.crash(0);
    const refused = await hosted(world, 2, new GameFactory(mistaken, () => undefined));
    expect(refused).toMatchObject({ kind: 'refused', refusal: 'unknown_game_type' });
    expect(kinds(world)).not.toContain('claim@2');
    expect(await hosted(world, 2)).toMatchObject({ kind: 'hosted' });
    world.join('ann', 2);
    await world.ticks(5);
    expect(world.replies.at(-1)?.reply).toMatchObject({ epoch: 2, ack: 6 });
  });

  it('begins anew at the newer version when only claims of the older are in it', async () => {
    const world = new MemoryWorld({ trouble: 0, random: random(3) }, {}, { hp: 4 });
    await hosted(world, 1);
    world.crash(0);
    expect(await hosted(world, 2, factory2())).toMatchObject({ kind: 'hosted' });
    await world.ticks(5);
    expect(replayOf(world.log.archive).schemaVersion).toBe(2);
  });
});
