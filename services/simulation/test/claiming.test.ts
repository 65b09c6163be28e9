import { randomUUID } from 'node:crypto';
import { gameId } from '@breakwater/bus';
import type { GameDefinition } from '@breakwater/game-kit';
import { noopTracer, systemClock } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NatsChain } from '../src/adapters/nats-chain.ts';
import { natsLedger } from '../src/adapters/nats-ledger.ts';
import { GameFactory } from '../src/domain/game-factory.ts';
import { hostGame } from '../src/domain/hosting.ts';
import type { ChainPort } from '../src/domain/ports.ts';
import { game as lab } from './games/lab/game.ts';
import { PARTITIONS, Sims, subjects } from './sims.ts';

describe('fault 30: claims', () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-a');
    await sims.pod('sim-b');
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  const chain = (stream: string, subject: string) =>
    new NatsChain(sims.bus, noopTracer, {
      stream,
      subject,
      records: 'many',
      appendTimeoutMs: 2_000,
      spanName: 'test',
    });

  function claimant(game: string, epoch: number, wrap: (log: ChainPort) => ChainPort = (log) => log) {
    const log = wrap(chain(sims.gameStream(game), subjects.gameLog(gameId(game))));
    const snapshots = chain(sims.snapshotStream(game), subjects.gameSnapshots(gameId(game)));
    const ledgers = { nats: sims.bus, subjects, partitions: PARTITIONS, maxGames: 256, chain };
    const clock = systemClock;
    const deadlineMs = clock.monotonicMs() + 10_000;
    return hostGame({
      pod: 'claimant',
      ports: { log, snapshots, ledger: natsLedger(ledgers, game), clock, random: Math.random },
      factory: new GameFactory(lab as unknown as GameDefinition, () => undefined),
      nonce: randomUUID(),
      epoch,
      details: { options: {}, seed: 1 },
      retry: { clock, random: Math.random, isOver: () => clock.monotonicMs() > deadlineMs },
      onBadStart: () => undefined,
    });
  }

  it('give a game to exactly one of twenty at the same epoch', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => claimant('twenty', 1)));
    expect(results.filter(({ kind }) => kind === 'hosted')).toHaveLength(1);
    const refusals = results.filter((result) => result.kind === 'refused');
    expect(refusals).toHaveLength(19);
    for (const refusal of refusals) expect(refusal).toMatchObject({ refusal: 'claimed', epoch: 1 });
    expect((await sims.log('twenty')).map(({ record }) => record.kind)).toEqual(['claim']);
  });

  it('at twenty rising epochs leave the last word to the highest that was stored', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => claimant('rising', index + 1)),
    );
    const log = await sims.log('rising');
    const epochs = log.map(({ record }) => record.epoch);
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
    expect(new Set(epochs).size).toBe(epochs.length);
    expect(results.filter(({ kind }) => kind === 'hosted')).toHaveLength(epochs.length);
  });

  it('are recognised by their nonce when the answer to the append was lost', async () => {
    let lost = 0;
    const withoutAck = (log: ChainPort): ChainPort => ({
      append: async (bytes, expectedSeq) => {
        const outcome = await log.append(bytes, expectedSeq);
        if (outcome.kind !== 'stored') return outcome;
        lost += 1;
        return { kind: 'doubt', cause: 'the answer was lost' };
      },
      tail: () => log.tail(),
      read: (from, to) => log.read(from, to),
      purgeBelow: (seq) => log.purgeBelow(seq),
    });
    expect(await claimant('lost-ack', 1, withoutAck)).toMatchObject({ kind: 'hosted' });
    expect(lost).toBe(1);
    expect(await sims.log('lost-ack')).toHaveLength(1);
  });

  it('of an epoch that another process has are refused with that epoch, and repeated to the same process are answered alike', async () => {
    expect(await sims.host('sim-a', 'twice')).toEqual({ outcome: 'hosted', epoch: 1 });
    expect(await sims.host('sim-b', 'twice')).toEqual({ outcome: 'refused', refusal: 'claimed', epoch: 1 });
    expect(await sims.host('sim-a', 'twice')).toEqual({ outcome: 'hosted', epoch: 1 });
    const claims = (await sims.log('twice')).filter(({ record }) => record.kind === 'claim');
    expect(claims).toHaveLength(1);
  });

  it('of a lower epoch that come late are refused', async () => {
    await sims.host('sim-a', 'late');
    await sims.host('sim-a', 'late', { epoch: 5 });
    expect(await sims.host('sim-b', 'late', { epoch: 3 })).toMatchObject({ refusal: 'claimed', epoch: 5 });
  });

  it('of a higher epoch take the game away from a live owner, who hears of it and stops', async () => {
    await sims.host('sim-a', 'moved');
    const before = await sims.join('moved', 'ann');
    expect(await sims.host('sim-b', 'moved', { epoch: 2 })).toMatchObject({ outcome: 'hosted' });
    await eventually(async () => !(await sims.list('sim-a')).some(({ game }) => game === 'moved'));
    const after = await sims.join('moved', 'ann', 2);
    expect(after).toMatchObject({ epoch: 2, pod: 'sim-b', pid: before.pid });
    const log = await sims.log('moved');
    const claimAt = log.findIndex(({ record }) => record.kind === 'claim' && record.epoch === 2);
    expect(log.slice(claimAt).every(({ record }) => record.epoch === 2)).toBe(true);
  });

  it('of an ended game are refused, also when all but the end was purged', async () => {
    await sims.host('sim-a', 'over', { type: 'lab' });
    const { pid } = await sims.join('over', 'ann');
    sims.command('over', pid, 1, 'finish');
    await eventually(async () => (await sims.log('over')).at(-1)?.record.kind === 'end');
    expect(await sims.host('sim-b', 'over', { type: 'lab', epoch: 2 })).toMatchObject({
      refusal: 'ended',
      detail: 'finished',
    });
    await sims.bus.purgeSubject(sims.gameStream('over'), subjects.gameLog(gameId('over')), { keep: 1 });
    expect(await sims.host('sim-b', 'over', { type: 'lab', epoch: 2 })).toMatchObject({ refusal: 'ended' });
  });

  it('of a game whose log was there and is gone are refused as lost, never begun anew', async () => {
    await sims.host('sim-a', 'gone', { type: 'lab' });
    await sims.release('sim-a', 'gone', 1);
    await sims.bus.purgeSubject(sims.gameStream('gone'), subjects.gameLog(gameId('gone')), { keep: 0 });
    expect(await sims.host('sim-b', 'gone', { type: 'lab', epoch: 2 })).toMatchObject({
      refusal: 'log_lost',
    });
    expect(await sims.log('gone')).toEqual([]);
  });

  it.each([
    ['is not there at first', undefined],
    ['cannot be read at first', Uint8Array.of(1, 2, 3)],
  ])('of a game whose newest record %s are right all the same', async (how, bytes) => {
    const game = `stale-${how.length}`;
    await sims.host('sim-a', game, { type: 'lab' });
    const seq = await sims.release('sim-a', game, 1);
    let looks = 0;
    const staleOnce = (log: ChainPort): ChainPort => ({
      append: (record, expectedSeq) => log.append(record, expectedSeq),
      async tail() {
        looks += 1;
        if (looks > 1) return log.tail();
        return bytes && { seq, bytes };
      },
      read: (from, to) => log.read(from, to),
      purgeBelow: (below) => log.purgeBelow(below),
    });
    expect(await claimant(game, 2, staleOnce)).toMatchObject({ kind: 'hosted' });
    expect(looks).toBeGreaterThan(1);
  });
});
