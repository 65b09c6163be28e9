import { gameId } from '@breakwater/bus';
import type { RunningService } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { Sims, subjects } from './sims.ts';

const LAB = { type: 'lab', options: { mode: 'restless' } } as const;
const WARM = { type: 'lab' } as const;

async function metric(service: RunningService, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${service.httpPort}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(name));
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
}

describe('a game that is handed over', { timeout: 60_000 }, () => {
  let sims: Sims;
  let successor: RunningService;
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-old');
    successor = await sims.pod('sim-new', {
      BREAKWATER_SIMULATION_MAX_WARM_GAMES: '2',
      BREAKWATER_SIMULATION_WARM_KEEP_MS: '5000',
      BREAKWATER_SIMULATION_MAX_GAMES: '20',
    });
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  const hosted = (end: string) => `breakwater_simulation_warm_ends_total{end="${end}"}`;

  it('goes on behind the very record that its old owner named, with nothing lost and nothing of the old one after it', async () => {
    for (let round = 0; round < 5; round++) {
      const game = `moved-${round}`;
      const archive = await Archive.of(sims, game);
      await sims.host('sim-old', game, LAB);
      const { pid } = await sims.join(game, 'ann');
      for (let n = 1; n <= 10; n++) sims.command(game, pid, n, 'add', { tag: n });
      expect(await sims.warm('sim-new', game, WARM)).toEqual({ outcome: 'warm' });
      for (let n = 11; n <= 20; n++) sims.command(game, pid, n, 'add', { tag: n });
      const tailSeq = await sims.release('sim-old', game, 1);
      expect(await sims.host('sim-new', game, { ...LAB, epoch: 2, tailSeq })).toMatchObject({
        outcome: 'hosted',
      });
      const reply = await sims.join(game, 'ann', 2);
      expect(reply).toMatchObject({ epoch: 2, pod: 'sim-new', pid });
      for (let n = reply.ack + 1; n <= 20; n++) sims.command(game, pid, n, 'add', { tag: n });
      await eventually(async () => (await archive.complete()).replay().instance.ackOf(pid) === 20);
      const claimAt = archive.kinds().indexOf('claim 2.0');
      expect(archive.records[claimAt - 1]?.seq).toBe(tailSeq);
      expect(
        archive
          .kinds()
          .slice(claimAt)
          .filter((kind) => / 1\./.test(kind)),
      ).toEqual([]);
      expect((await sims.list('sim-old')).some((each) => each.game === game)).toBe(false);
    }
    expect(await metric(successor, hosted('hosted'))).toBe(5);
  });

  it('is claimed the usual way when the record that was named is not the last one', async () => {
    await sims.host('sim-old', 'misnamed', LAB);
    await sims.join('misnamed', 'ann');
    expect(await sims.warm('sim-new', 'misnamed', WARM)).toEqual({ outcome: 'warm' });
    const [claim] = await sims.log('misnamed');
    const seq = claim?.seq ?? 0;
    for (const [epoch, tailSeq] of [
      [2, seq],
      [3, seq + 1_000_000],
    ] as const) {
      await sims.warm('sim-new', 'misnamed', WARM);
      const host = { ...LAB, epoch, tailSeq };
      expect(await sims.host('sim-new', 'misnamed', host)).toMatchObject({ outcome: 'hosted' });
    }
    const archive = await (await Archive.of(sims, 'misnamed')).complete();
    expect(archive.kinds().filter((kind) => kind.startsWith('claim'))).toHaveLength(3);
  });

  it('is refused to a claimant of an epoch that is not higher, and behind an end, however warm it is there', async () => {
    await sims.host('sim-old', 'owned', { ...LAB, epoch: 1 });
    await sims.release('sim-old', 'owned', 1);
    await sims.host('sim-old', 'owned', { ...LAB, epoch: 7 });
    await sims.warm('sim-new', 'owned', WARM);
    const tailSeq = await sims.release('sim-old', 'owned', 7);
    expect(await sims.host('sim-new', 'owned', { ...LAB, epoch: 7, tailSeq })).toMatchObject({
      refusal: 'claimed',
      epoch: 7,
    });

    await sims.host('sim-old', 'over', { type: 'lab' });
    const { pid } = await sims.join('over', 'ann');
    expect(await sims.warm('sim-new', 'over', WARM)).toEqual({ outcome: 'warm' });
    sims.command('over', pid, 1, 'finish');
    await eventually(async () => (await sims.log('over')).at(-1)?.record.kind === 'end');
    const end = (await sims.log('over')).at(-1)!;
    expect(await sims.host('sim-new', 'over', { type: 'lab', epoch: 2, tailSeq: end.seq })).toMatchObject({
      refusal: 'ended',
    });
    expect((await sims.log('over')).at(-1)?.seq).toBe(end.seq);
    expect(await sims.warm('sim-new', 'over', WARM)).toMatchObject({ refusal: 'ended' });
  });

  it('is read where the feed left something out', async () => {
    await sims.host('sim-old', 'holed', LAB);
    await sims.join('holed', 'ann');
    await sims.warm('sim-new', 'holed', WARM);
    // As after a lost republication: a later record comes, one between does not.
    const tailSeq = await sims.release('sim-old', 'holed', 1);
    const notice = { 'Nats-Sequence': String(tailSeq), 'Nats-Last-Sequence': String(tailSeq + 7) };
    sims.bus.publish(subjects.gameFeed(gameId('holed')), new Uint8Array(3), { headers: notice });
    sims.bus.publish(subjects.gameFeed(gameId('holed')), { seq: tailSeq });
    await sims.bus.flush();
    expect(await sims.host('sim-new', 'holed', { ...LAB, epoch: 2, tailSeq })).toMatchObject({
      outcome: 'hosted',
    });
    const archive = await (await Archive.of(sims, 'holed')).complete();
    archive.replay();
  });

  it('holds a place while it is warm, up to a limit and for a time', async () => {
    for (const game of ['w-1', 'w-2', 'w-3']) await sims.host('sim-old', game, LAB);
    expect(await sims.warm('sim-new', 'w-1', WARM)).toEqual({ outcome: 'warm' });
    expect(await sims.warm('sim-new', 'w-2', WARM)).toEqual({ outcome: 'warm' });
    expect(await sims.warm('sim-new', 'w-3', WARM)).toMatchObject({ refusal: 'no_capacity' });
    expect(await sims.warm('sim-new', 'w-1', { type: 'nothing' })).toMatchObject({
      refusal: 'unknown_game_type',
    });
    expect(await sims.warm('sim-new', 'nowhere', WARM)).toMatchObject({ refusal: 'no_capacity' });
    await eventually(async () => (await metric(successor, 'breakwater_simulation_warm_games')) === 0, {
      timeoutMs: 30_000,
    });
    expect(await metric(successor, hosted('expired'))).toBe(2);
    expect(await sims.warm('sim-new', 'nowhere', WARM)).toMatchObject({ refusal: 'unavailable' });
  });

  it('is left alone by a release of another epoch', async () => {
    await sims.host('sim-old', 'kept', { ...LAB, epoch: 1 });
    await sims.host('sim-old', 'kept', { ...LAB, epoch: 2 });
    await expect(sims.release('sim-old', 'kept', 1)).rejects.toMatchObject({ code: 'remote' });
    expect(await sims.list('sim-old')).toContainEqual(expect.objectContaining({ game: 'kept', epoch: 2 }));
  });
});
