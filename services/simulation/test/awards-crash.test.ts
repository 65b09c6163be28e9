import { decodeLedgerRecord, type LedgerRecord, ledgerStreamName, userId } from '@breakwater/bus';
import { eventually, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { PARTITIONS, Sims, simEnv, subjects } from './sims.ts';

const LAB = { type: 'lab', options: { mode: 'restless' } } as const;
/** The ledger is trimmed all the time. */
const ENV = {
  BREAKWATER_SIMULATION_MAX_LEDGER_RECORDS_PER_USER: '2',
  BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '20',
};

describe('awards on a real NATS', () => {
  let sims: Sims;
  const children: ServiceProcess[] = [];
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-safe', ENV);
    await sims.pod('sim-other', ENV);
  });
  afterAll(async () => {
    await Promise.all(children.map((child) => child.kill()));
    await sims[Symbol.asyncDispose]();
  });

  async function child(pod: string): Promise<ServiceProcess> {
    const process = await spawnService('simulation', { env: simEnv(sims.nats, pod, ENV) });
    children.push(process);
    return process;
  }

  async function ledgerOf(user: string): Promise<LedgerRecord[]> {
    const id = userId(user);
    const options = { fromSeq: 1, limit: 1_000, maxBytes: 1_000_000 };
    const page = await sims.bus.readSubject(ledgerStreamName(id, PARTITIONS), subjects.ledger(id), options);
    return page.messages.map(({ data }) => {
      const decoded = decodeLedgerRecord(data);
      if (!decoded.ok) throw decoded.error;
      return decoded.value;
    });
  }
  const totalOf = async (user: string) => (await ledgerOf(user)).at(-1)?.total ?? 0;

  /** What a player earned by the game's own count, which is in the same records as the awards. */
  const scoreOf = (archive: Archive, pid: number) =>
    archive.replay().instance.tables.scores.row(pid)?.xp ?? 0;

  /** Sends what earns an XP each, without a pause, until `stop` is called. */
  function hammer(game: string, pid: number) {
    let n = 0;
    const timer = setInterval(() => sims.command(game, pid, ++n, 'earn'), 5);
    return () => {
      clearInterval(timer);
      return n;
    };
  }

  /** Every award is posted and out of the outbox, as the log says. */
  async function settled(archive: Archive): Promise<void> {
    await eventually(async () => {
      await archive.complete();
      return archive.replay().instance.awards().length === 0;
    });
  }

  /** Calls `kill` at the first sign of `moment` after some awards. */
  async function killAt(
    moment: 'sent' | 'stored' | 'posted',
    game: string,
    user: string,
    archive: Archive,
    kill: () => Promise<unknown>,
  ): Promise<void> {
    if (moment === 'sent') {
      sims.command(game, 1, 1, 'earn');
      await kill();
    } else if (moment === 'stored') {
      const { length } = archive.records;
      await eventually(() => archive.records.length > length);
      await kill();
    } else {
      const heard = Promise.withResolvers<void>();
      const inbox = sims.bus.subscribe(subjects.userInbox(userId(user)), {}, () => heard.resolve());
      await heard.promise;
      await kill();
      inbox.unsubscribe();
    }
  }

  it.each(['sent', 'stored', 'posted'] as const)(
    'a process that is killed when an award was just %s: the next owner sees to it that it counts once',
    async (moment) => {
      const [game, user] = [`killed-${moment}`, `ann-${moment}`];
      const archive = await Archive.of(sims, game);
      const doomed = await child(`sim-doomed-${moment}`);
      expect(await sims.host(`sim-doomed-${moment}`, game, LAB)).toMatchObject({ outcome: 'hosted' });
      const { pid } = await sims.join(game, user);
      const stop = moment === 'sent' ? () => 1 : hammer(game, pid);
      await killAt(moment, game, user, archive, () => doomed.kill());
      const sent = stop();

      expect(await sims.host('sim-safe', game, { ...LAB, epoch: 2 })).toMatchObject({ outcome: 'hosted' });
      const { ack } = await sims.join(game, user, 2);
      for (let n = ack + 1; n <= sent; n++) sims.command(game, pid, n, 'earn');
      await eventually(async () => scoreOf(await archive.complete(), pid) === sent);
      await settled(archive);
      expect(sent).toBeGreaterThan(0);
      expect(await totalOf(user)).toBe(sent);
    },
  );

  it('two games in two processes that award the same user at once add up, in a ledger that is trimmed', async () => {
    const games = await Promise.all(
      ['twin-1', 'twin-2'].map(async (game, index) => {
        const archive = await Archive.of(sims, game);
        await sims.host(index === 0 ? 'sim-safe' : 'sim-other', game, LAB);
        const { pid } = await sims.join(game, 'twin');
        return { game, archive, pid };
      }),
    );
    const stops = games.map(({ game, pid }) => hammer(game, pid));
    await eventually(async () => (await totalOf('twin')) > 100);
    const sent = stops.map((stop) => stop());
    for (const [index, { archive, pid }] of games.entries()) {
      await eventually(async () => scoreOf(await archive.complete(), pid) === sent[index]);
      await settled(archive);
    }
    expect(await totalOf('twin')).toBe(sent[0]! + sent[1]!);
    const records = await ledgerOf('twin');
    expect(records).toHaveLength(2);
    expect(
      records
        .at(-1)!
        .covered.map(({ game }) => game)
        .toSorted(),
    ).toEqual(['twin-1', 'twin-2']);
  });

  it('a NATS that is killed and started again loses none and doubles none', async () => {
    const archive = await Archive.of(sims, 'restarted');
    // What the feed loses meanwhile is to be found in the log, so nothing may be purged from it.
    await sims.pod('sim-whole', { ...ENV, BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '10000' });
    await sims.host('sim-whole', 'restarted', LAB);
    const { pid } = await sims.join('restarted', 'gus');
    const stop = hammer('restarted', pid);
    await eventually(async () => (await totalOf('gus')) > 10);
    await sims.nats.restart();
    await eventually(() => sims.bus.isConnected);
    const sent = stop();
    await eventually(async () => {
      const { ack } = await sims.join('restarted', 'gus', Date.now());
      for (let n = ack + 1; n <= sent; n++) sims.command('restarted', pid, n, 'earn');
      return ack === sent;
    });
    await settled(archive);
    expect(scoreOf(archive, pid)).toBe(sent);
    expect(await totalOf('gus')).toBe(sent);
  });

  it('a game that has ended has nothing left to post', async () => {
    const archive = await Archive.of(sims, 'finished');
    // NATS was started again just now, and processes come back one by one.
    await eventually(() => sims.host('sim-safe', 'finished', LAB));
    const { pid } = await sims.join('finished', 'fin');
    for (let n = 1; n <= 30; n++) sims.command('finished', pid, n, 'earn');
    sims.command('finished', pid, 31, 'finish');
    await eventually(async () => (await archive.complete()).kinds().at(-1)?.startsWith('end'));
    expect(archive.replay().instance.awards()).toEqual([]);
    expect(await totalOf('fin')).toBe(30);
  });
});
