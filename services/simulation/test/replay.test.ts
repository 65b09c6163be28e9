import { encodeGameRecord, type GameRecord } from '@breakwater/bus';
import { describe, expect, it } from 'vitest';
import { goodSnapshots, replayTo } from '../src/domain/loader.ts';
import { CorruptLogError, LogHoleError, Replay, WrongVersionError } from '../src/domain/replay.ts';
import { takeSnapshot } from '../src/domain/snapshots.ts';
import { Way, wayTo } from './memory-chain.ts';
import { MemoryWorld, random, recordOf } from './memory-world.ts';

async function played(): Promise<MemoryWorld> {
  const world = new MemoryWorld({ trouble: 0, random: random(3) }, { snapshotEveryRecords: 1_000 });
  void world.host(1);
  await world.clock.advanceAsync(200);
  world.join('ann', 1);
  await world.ticks(3);
  for (let n = 1; n <= 10; n++) {
    world.command(1, n);
    await world.ticks(3);
  }
  return world;
}

/** Changes the record at an index of the log. */
function tamper(world: MemoryWorld, index: number, change: (record: GameRecord) => GameRecord): void {
  const stored = world.log.records.at(index)!;
  const bytes = encodeGameRecord(change(recordOf(stored)));
  const at = world.log.records.indexOf(stored);
  world.log.records[at] = { seq: stored.seq, bytes };
}

const portsOf = (world: MemoryWorld) => ({
  log: wayTo(world.log, world.clock, world.weather, new Way()),
  snapshots: wayTo(world.snapshots, world.clock, world.weather, new Way()),
});

/** Replays what the log holds now, without the help of any owner. */
function replayNow(world: MemoryWorld): Replay {
  const replay = new Replay(world.factory);
  for (const record of world.log.records) replay.apply(record);
  return replay;
}

describe('a replay', () => {
  it('notices a record that is missing, wherever it was', async () => {
    const world = await played();
    const all = world.log.records;
    for (let missing = 0; missing < all.length - 1; missing++) {
      world.log.records = all.filter((_, index) => index !== missing);
      expect(() => replayNow(world), `without record ${missing}`).toThrow(LogHoleError);
    }
  });

  it('notices a state that does not have the hash of its record', async () => {
    const world = await played();
    tamper(world, 4, (record) =>
      record.kind === 'delta' ? { ...record, hash: (record.hash ?? 0) ^ 1 } : record,
    );
    expect(() => replayNow(world)).toThrow(CorruptLogError);
    const before = world.log.records.length;
    world.crash(0);
    const hosting = world.host(2);
    await world.clock.advanceAsync(2_000);
    expect(await hosting).toMatchObject({ kind: 'refused', refusal: 'failed' });
    // Nothing is lost, so nothing is ended: a process that can read it may still come.
    expect(world.log.records.length).toBe(before);
  });

  it('notices bytes that are no record, and a game of another version', async () => {
    const broken = await played();
    broken.log.records[3] = { seq: broken.log.records[3]!.seq, bytes: Uint8Array.of(9, 9, 9) };
    expect(() => replayNow(broken)).toThrow(CorruptLogError);
    const old = await played();
    tamper(old, 0, (record) => (record.kind === 'claim' ? { ...record, schemaVersion: 7 } : record));
    expect(() => replayNow(old)).toThrow(WrongVersionError);
    old.crash(0);
    const hosting = old.host(2);
    await old.clock.advanceAsync(2_000);
    expect(await hosting).toMatchObject({ kind: 'refused', refusal: 'unknown_game_type' });
  });

  it('goes on only from a record that is still there, because later ones may be gone with it', async () => {
    const world = await played();
    const replay = new Replay(world.factory);
    const { log } = portsOf(world);
    const middle = world.log.records[5]!;
    const reading = replayTo(log, replay, middle.seq);
    await world.clock.advanceAsync(500);
    await reading;
    world.log.purgeBelow(middle.seq + 1);
    const goingOn = expect(replayTo(log, replay, world.log.lastSeq)).rejects.toThrow(LogHoleError);
    await world.clock.advanceAsync(500);
    await goingOn;
  });
});

describe('a snapshot', () => {
  async function snapshotOf(world: MemoryWorld, epoch: number, seq: number) {
    const { instance, head } = world.replay(seq);
    const state = instance!.encodeState();
    const { type, schemaVersion } = world.factory.definition;
    const details = JSON.stringify(world.details);
    const hash = instance!.hash();
    const place = { type, schemaVersion, details, logSeq: seq, tick: state.tick, hash, parts: state };
    const retry = { clock: world.clock, random: world.weather.random, isOver: () => false };
    const taking = takeSnapshot({ ...portsOf(world), retry }, { ...head!, ...place, epoch });
    await world.clock.advanceAsync(1_000);
    return await taking;
  }

  it('of an owner that was overtaken is refused', async () => {
    const world = await played();
    const seqs = world.log.records.map(({ seq }) => seq);
    expect(await snapshotOf(world, 2, seqs.at(-3)!)).toMatchObject({ kind: 'taken' });
    tamper(world, -1, (record) => ({ ...record, epoch: 2 }));
    expect(await snapshotOf(world, 1, seqs.at(-1)!)).toEqual({ kind: 'refused' });
    expect(world.snapshots.records).toHaveLength(1);
  });

  it('is taken behind one of an epoch that the log, restored from a backup, knows nothing of', async () => {
    const world = await played();
    const seqs = world.log.records.map(({ seq }) => seq);
    const [early, later, last] = [seqs.at(-7)!, seqs.at(-5)!, seqs.at(-3)!];
    expect(await snapshotOf(world, 2, early)).toMatchObject({ kind: 'taken' });
    expect(await snapshotOf(world, 1, later)).toMatchObject({ kind: 'taken', purgedBelow: 0 });
    expect(await snapshotOf(world, 1, last)).toMatchObject({ kind: 'taken', purgedBelow: later });
    expect(world.snapshots.records).toHaveLength(2);
  });

  it('is taken behind a bad one, also behind one from the future', async () => {
    const world = await played();
    const seqs = world.log.records.map(({ seq }) => seq);
    await snapshotOf(world, 1, seqs[3]!);
    world.damageSnapshot(0, 2);
    expect(await snapshotOf(world, 1, seqs[5]!)).toMatchObject({ kind: 'taken', purgedBelow: 0 });
    expect(await snapshotOf(world, 1, seqs[7]!)).toMatchObject({ kind: 'taken', purgedBelow: seqs[5] });
    expect(world.snapshots.records).toHaveLength(2);
  });

  it('lets the log be purged only below the older of two good ones', async () => {
    const world = await played();
    const seqs = world.log.records.map(({ seq }) => seq);
    const [first, second, third, fourth] = [3, 5, 7, 9].map((index) => seqs[index]!);
    expect(await snapshotOf(world, 1, first!)).toMatchObject({ purgedBelow: 0 });
    expect(world.log.records[0]!.seq).toBe(seqs[0]);
    expect(await snapshotOf(world, 1, second!)).toMatchObject({ purgedBelow: first });
    world.damageSnapshot(1, 0);
    expect(await snapshotOf(world, 1, third!)).toMatchObject({ purgedBelow: first });
    expect(await snapshotOf(world, 1, fourth!)).toMatchObject({ purgedBelow: third });
    expect(world.log.records[0]!.seq).toBe(third);
    const reading = goodSnapshots(portsOf(world).snapshots, Number.MAX_SAFE_INTEGER);
    await world.clock.advanceAsync(500);
    expect((await reading).map(({ snapshot }) => snapshot.logSeq)).toEqual([fourth, third]);
  });
});

describe('an owner that hears its own feed', () => {
  it('stops for a claim of a higher epoch, and for nothing else', async () => {
    const world = await played();
    const [{ owner }] = world.owners as [MemoryWorld['owners'][number]];
    const claim = recordOf(world.log.archive[0]!) as Extract<GameRecord, { kind: 'claim' }>;
    for (const { bytes } of world.log.archive) owner.hear(bytes);
    owner.hear(new Uint8Array(0));
    owner.hear(Uint8Array.of(1, 1, 255));
    owner.hear(encodeGameRecord({ ...claim, nonce: 'other' }));
    expect(world.stops).toEqual([]);
    owner.hear(encodeGameRecord({ ...claim, epoch: 2, nonce: 'other' }));
    expect(world.stops).toEqual(['superseded']);
    const length = world.log.archive.length;
    await world.ticks(10);
    expect(world.log.archive.length).toBe(length);
  });
});
