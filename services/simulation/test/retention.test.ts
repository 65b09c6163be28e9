import { allGameLogs, BUCKETS, type GameEntry, gameEntry, gameId, gameOfSubject } from '@breakwater/bus';
import type { RunningService } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PARTITIONS, Sims, subjects } from './sims.ts';

/** `npm run test:long` */
const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const SHORT_GAMES = IS_LONG ? 10_000 : 150;
const AT_ONCE = 25;
/** Games are tidied one after the other, in some ten milliseconds each. */
const SWEEPS_MS = 60_000 + SHORT_GAMES * 60;

async function metric(service: RunningService, line: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${service.httpPort}/metrics`)).text();
  const found = text.split('\n').find((each) => each.startsWith(line));
  return found === undefined ? 0 : Number(found.slice(found.lastIndexOf(' ') + 1));
}

function entryOf(game: string, state: GameEntry['state']): GameEntry {
  const counts = { epoch: 1, players: 0, maxPlayers: 1, createdAt: 0, changedAt: 0, seed: 1 };
  return {
    ...{ game, state, type: 'lab', schemaVersion: 1, title: game, createdBy: 'ann' },
    ...counts,
    options: {},
    seats: [],
  };
}

describe('games that are over', () => {
  let sims: Sims;
  beforeEach(async () => {
    sims = await Sims.start();
  });
  afterEach(() => sims[Symbol.asyncDispose]());

  const sweeping = (ended: string, tombstone: string) => ({
    BREAKWATER_SIMULATION_ENDED_RETENTION_MS: ended,
    BREAKWATER_SIMULATION_TOMBSTONE_RETENTION_MS: tombstone,
    BREAKWATER_SIMULATION_RETENTION_SWEEP_MS: '100',
    BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '5',
  });

  /** Plays a game of one player to its end. */
  async function play(pod: string, game: string): Promise<void> {
    await sims.host(pod, game, { type: 'lab', options: { mode: 'restless' } });
    const { pid } = await sims.join(game, 'ann');
    sims.command(game, pid, 1, 'finish');
    await eventually(async () => (await sims.log(game)).at(-1)?.record.kind === 'end');
  }

  /** Games with more than one record in their logs. */
  async function longer(): Promise<string[]> {
    const logs = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => logsOf(partition)));
    return logs
      .flatMap((each) => [...each])
      .flatMap(([subject, records]) => (records > 1 ? [gameOfSubject(subject)] : []));
  }

  function logsOf(partition: number): Promise<ReadonlyMap<string, number>> {
    const { stream, filter } = allGameLogs(partition);
    return sims.bus.subjects(stream, filter);
  }

  async function snapshots(): Promise<number> {
    let found = 0;
    for (let partition = 0; partition < PARTITIONS; partition++)
      found += (await sims.bus.streamState(`SNAPSHOTS_${partition}`)).messages;
    return found;
  }

  it(
    `leave little behind: after ${SHORT_GAMES} short games there is one record of each, and after its time none`,
    async () => {
      const pod = await sims.pod('sim-short', sweeping('300', '600000'));
      for (let done = 0; done < SHORT_GAMES; done += AT_ONCE) {
        const games = Array.from({ length: AT_ONCE }, (_, index) => `short-${done + index}`);
        await Promise.all(games.map((game) => play('sim-short', game)));
      }
      await sims.host('sim-short', 'alive', { type: 'lab', options: { mode: 'restless' } });
      // Told by the streams: a purge whose answer was lost is done, and not counted.
      await eventually(async () => (await longer()).every((game) => game === 'alive'), {
        timeoutMs: SWEEPS_MS,
      });
      const trimmed = 'breakwater_simulation_retention_total{act="trimmed"}';
      expect(await metric(pod, trimmed)).toBeGreaterThan(SHORT_GAMES / 2);
      for (const game of ['short-0', `short-${SHORT_GAMES - 1}`]) {
        expect((await sims.log(game)).map(({ record }) => record.kind)).toEqual(['end']);
        expect(await sims.host('sim-short', game, { type: 'lab', epoch: 2 })).toMatchObject({
          refusal: 'ended',
        });
      }
      expect((await sims.list('sim-short')).map(({ game }) => game)).toEqual(['alive']);
      expect((await sims.log('alive')).length).toBeGreaterThan(0);
      expect(await snapshots()).toBeLessThanOrEqual(8);

      await pod.shutdown({ drain: false });
      await sims.pod('sim-after', sweeping('200', '400'));
      for (let partition = 0; partition < PARTITIONS; partition++)
        await eventually(async () => (await logsOf(partition)).size <= 1, {
          timeoutMs: SWEEPS_MS,
        });
      expect((await sims.log('alive')).length).toBeGreaterThan(0);
    },
    60_000 + 2 * SWEEPS_MS + SHORT_GAMES * 100,
  );

  it('include one that failed without an end: it gets one, and only then its time begins', async () => {
    const bucket = await sims.bus.ensureBucket({ ...BUCKETS.games, replicas: 1 }, { decode: gameEntry });
    await sims.pod('sim-sweeper', sweeping('60000', '120000'));
    for (const game of ['failed', 'quiet']) {
      await sims.host('sim-sweeper', game, { type: 'lab' });
      await sims.join(game, 'ann');
      await sims.release('sim-sweeper', game, 1);
      await bucket.create(game, entryOf(game, game === 'failed' ? 'failed' : 'sleeping'));
    }
    await eventually(async () => (await sims.log('failed')).at(-1)?.record.kind === 'end');
    const log = (await sims.log('failed')).map(({ record }) => `${record.kind} ${record.epoch}.${record.n}`);
    expect(log.slice(-2)).toEqual(['claim 2.0', 'end 2.1']);
    expect((await sims.log('quiet')).map(({ record }) => record.epoch)).not.toContain(2);
    expect(await sims.host('sim-sweeper', 'failed', { type: 'lab', epoch: 3 })).toMatchObject({
      refusal: 'failed',
    });
  });

  it('include, where that is asked for, one that the registry forgot, readable or not, and no other one', async () => {
    const bucket = await sims.bus.ensureBucket({ ...BUCKETS.games, replicas: 1 }, { decode: gameEntry });
    const host = await sims.pod('sim-host');
    for (const game of ['forgotten', 'garbled', 'asleep']) {
      await sims.host('sim-host', game, { type: 'lab' });
      await sims.join(game, 'ann');
      await sims.release('sim-host', game, 1);
    }
    await bucket.create('asleep', entryOf('asleep', 'sleeping'));
    const garbled = subjects.gameLog(gameId('garbled'));
    const tail = await sims.bus.lastMessage(sims.gameStream('garbled'), garbled);
    const options = { expectedLastSubjectSeq: tail?.seq ?? 0, timeoutMs: 5_000 };
    await sims.bus.commit(garbled, new Uint8Array([99, 99, 99]), options);
    await host.shutdown({ drain: false });
    const recordsOf = (game: string) =>
      sims.bus.subjectMessages(sims.gameStream(game), subjects.gameLog(gameId(game)));
    expect(await recordsOf('garbled')).toBeGreaterThan(1);
    const asleep = await recordsOf('asleep');

    const forgotten = { BREAKWATER_SIMULATION_FORGOTTEN_RETENTION_MS: '1000' };
    const sweeper = await sims.pod('sim-tidy', { ...sweeping('1000', '600000'), ...forgotten });

    await eventually(async () => expect(await recordsOf('forgotten')).toBe(1), { timeoutMs: 30_000 });
    await eventually(async () => expect(await recordsOf('garbled')).toBe(1), { timeoutMs: 30_000 });
    expect((await sims.log('forgotten')).map(({ record }) => `${record.kind} ${record.epoch}`)).toEqual([
      'end 2',
    ]);
    expect(await recordsOf('asleep')).toBe(asleep);
    for (const game of ['forgotten', 'garbled'])
      expect(await sims.host('sim-tidy', game, { type: 'lab', epoch: 3 })).toMatchObject({
        refusal: 'failed',
      });
    await sweeper.shutdown({ drain: false });

    await sims.pod('sim-last', { ...sweeping('1000', '1500'), ...forgotten });
    await eventually(
      async () => {
        for (const game of ['forgotten', 'garbled']) expect(await recordsOf(game)).toBe(0);
      },
      { timeoutMs: 30_000 },
    );
    expect(await recordsOf('asleep')).toBe(asleep);
  }, 120_000);
});

describe('a game at the limit of its log', () => {
  it('stands still alone, says so, and goes on when a snapshot made room', async () => {
    await using sims = await Sims.start();
    const pod = await sims.pod('sim-a', {
      BREAKWATER_SIMULATION_MAX_RECORDS_PER_GAME: '100',
      BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '100000',
    });
    await sims.host('sim-a', 'greedy', { type: 'lab', options: { mode: 'restless' } });
    await sims.join('greedy', 'ann');
    await sims.host('sim-a', 'modest', { type: 'lab' });
    const modest = await sims.join('modest', 'ann');
    const full = () => metric(pod, 'breakwater_simulation_full_logs_total');
    await eventually(async () => (await full()) > 0, { timeoutMs: 30_000 });
    sims.command('modest', modest.pid, 1, 'add', { tag: 1 });
    await eventually(async () => (await sims.join('modest', 'ann', 2)).ack === 1);
    await eventually(async () => (await sims.log('greedy'))[0]?.record.kind === 'delta', {
      timeoutMs: 30_000,
    });
    const reply = await eventually(() => sims.join('greedy', 'ann', 2), { timeoutMs: 30_000 });
    expect(reply.epoch).toBe(1);
    expect((await sims.log('modest'))[0]?.record.kind).toBe('claim');
    const subject = subjects.gameSnapshots(gameId('greedy'));
    expect(await sims.bus.subjectMessages(sims.snapshotStream('greedy'), subject)).toBeGreaterThanOrEqual(2);
  }, 120_000);
});
