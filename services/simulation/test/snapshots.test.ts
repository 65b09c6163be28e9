import { decodeSnapshot, encodeSnapshot, gameId, type Snapshot } from '@breakwater/bus';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { Sims, subjects } from './sims.ts';

const EVERY = '10';

describe('fault 33: a game that is loaded', () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-a', { BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: EVERY });
    await sims.pod('sim-b', { BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: EVERY });
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  async function snapshots(
    game: string,
  ): Promise<{ seq: number; data: Uint8Array; snapshot: Snapshot | undefined }[]> {
    const options = { fromSeq: 1, limit: 100, maxBytes: 10_000_000 };
    const page = await sims.bus.readSubject(
      sims.snapshotStream(game),
      subjects.gameSnapshots(gameId(game)),
      options,
    );
    return page.messages.map(({ seq, data }) => {
      const decoded = decodeSnapshot(data);
      return { seq, data, snapshot: decoded.ok ? decoded.value : undefined };
    });
  }

  /** Plays until two snapshots are kept and the log was purged, then gives the game up. */
  async function played(game: string): Promise<Archive> {
    const archive = await Archive.of(sims, game);
    await sims.host('sim-a', game, { type: 'lab', options: { mode: 'restless' } });
    const { pid } = await sims.join(game, 'ann');
    for (let n = 1; n <= 20; n++) sims.command(game, pid, n, 'add', { tag: n });
    await eventually(async () => {
      const [first] = await sims.log(game);
      return first !== undefined && first.record.kind === 'delta' && archive.records.length > 30;
    });
    await sims.release('sim-a', game, 1);
    await archive.complete();
    return archive;
  }

  async function expectSame(game: string, archive: Archive): Promise<void> {
    const before = archive.replay();
    expect(await sims.host('sim-b', game, { type: 'lab', epoch: 2 })).toMatchObject({ outcome: 'hosted' });
    const reply = await sims.join(game, 'ann', 2);
    await archive.complete();
    const stored = archive.replay(reply.seq).instance;
    expect(Buffer.from(reply.parts.shared)).toEqual(Buffer.from(stored.encodeState().shared));
    expect(reply.tick).toBeGreaterThanOrEqual(before.instance.tick);
    expect(reply.ack).toBe(20);
  }

  const store = (game: string, data: Uint8Array) =>
    sims.bus.commit(subjects.gameSnapshots(gameId(game)), data);
  const dropSnapshots = (game: string, keep: number) =>
    sims.bus.purgeSubject(sims.snapshotStream(game), subjects.gameSnapshots(gameId(game)), { keep });

  it('has two snapshots, a log that begins at the older one, and the state that the whole log makes', async () => {
    const archive = await played('good');
    const kept = await snapshots('good');
    expect(kept.map(({ snapshot }) => snapshot !== undefined)).toEqual([true, true]);
    const [older, newer] = kept.map(({ snapshot }) => snapshot!);
    expect(newer!.logSeq).toBeGreaterThan(older!.logSeq);
    expect((await sims.log('good'))[0]!.seq).toBe(older!.logSeq);
    for (const { hash, logSeq } of [older!, newer!])
      expect(archive.replay(logSeq).instance.hash()).toBe(hash);
    await expectSame('good', archive);
  });

  it.each([
    ['truncated', (data: Uint8Array) => data.slice(0, data.length - 9)],
    ['bit-flipped', (data: Uint8Array) => data.with(data.length >> 1, data[data.length >> 1]! ^ 1)],
    [
      'from the future',
      (data: Uint8Array) => {
        const decoded = decodeSnapshot(data);
        if (!decoded.ok) throw decoded.error;
        return encodeSnapshot({ ...decoded.value, logSeq: decoded.value.logSeq + 1_000_000 });
      },
    ],
    [
      'of another state than its hash says',
      (data: Uint8Array) => {
        const decoded = decodeSnapshot(data);
        if (!decoded.ok) throw decoded.error;
        return encodeSnapshot({ ...decoded.value, hash: decoded.value.hash ^ 1 });
      },
    ],
  ])('takes an older snapshot and the deltas when the newest is %s', async (name, damage) => {
    const game = `damaged-${name.replaceAll(' ', '-')}`;
    const archive = await played(game);
    const [, newest] = await snapshots(game);
    await sims.bus.purgeSubject(sims.snapshotStream(game), subjects.gameSnapshots(gameId(game)), {
      belowSeq: newest!.seq,
    });
    const [, older] = [await store(game, newest!.data), newest];
    await store(game, damage(older!.data));
    expect((await snapshots(game)).length).toBe(3);
    await expectSame(game, archive);
  });

  it('takes the older snapshot and the deltas when the newest is missing', async () => {
    const archive = await played('missing');
    const [older] = await snapshots('missing');
    await dropSnapshots('missing', 0);
    await store('missing', older!.data);
    await expectSame('missing', archive);
  });

  it('needs no snapshot while the log reaches back to its beginning', async () => {
    const archive = await Archive.of(sims, 'young');
    await sims.host('sim-a', 'young', { type: 'lab' });
    const { pid } = await sims.join('young', 'ann');
    for (let n = 1; n <= 20; n++) sims.command('young', pid, n, 'add', { tag: n });
    await eventually(async () => (await archive.complete()).replay().instance.ackOf(pid) === 20);
    await sims.release('sim-a', 'young', 1);
    await dropSnapshots('young', 0);
    await expectSame('young', await archive.complete());
  });

  it('has failed, and says so in its log, only when neither a snapshot nor the first record leads to the tail', async () => {
    await played('lost');
    await dropSnapshots('lost', 0);
    expect(await sims.host('sim-b', 'lost', { type: 'lab', epoch: 2 })).toMatchObject({ refusal: 'failed' });
    expect((await sims.log('lost')).at(-1)?.record).toMatchObject({
      kind: 'end',
      reason: 'failed',
      epoch: 2,
    });
    expect(await sims.host('sim-a', 'lost', { type: 'lab', epoch: 3 })).toMatchObject({ refusal: 'failed' });
  });

  it('has failed when records after the newest snapshot are missing, and nothing is guessed', async () => {
    await played('torn');
    const tail = (await sims.log('torn')).at(-1)!;
    const [first, second] = await snapshots('torn');
    await dropSnapshots('torn', 0);
    await store('torn', first!.data);
    expect(second!.snapshot!.logSeq).toBeLessThanOrEqual(tail.seq);
    await sims.bus.purgeSubject(sims.gameStream('torn'), subjects.gameLog(gameId('torn')), { keep: 1 });
    expect(await sims.host('sim-b', 'torn', { type: 'lab', epoch: 2 })).toMatchObject({ refusal: 'failed' });
  });
});
