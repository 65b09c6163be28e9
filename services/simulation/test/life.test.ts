import { BUCKETS, gameId, INSTALL_PARTITIONS_KEY, installPartitions, type SimStatus } from '@breakwater/bus';
import { eventually, spawnService } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { Sims, simEnv, subjects } from './sims.ts';

describe('the life of games and their process', () => {
  let sims: Sims;
  const statuses: SimStatus[] = [];
  beforeAll(async () => {
    sims = await Sims.start();
    sims.onStatus((status) => statuses.push(status));
    await sims.pod('sim-a', { BREAKWATER_SIMULATION_EDGE_SILENT_MS: '600' });
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  const lineOf = async (game: string) => (await sims.list('sim-a')).find((line) => line.game === game);

  async function lab(game: string, user = 'ann', edge = 'edge-1') {
    const archive = await Archive.of(sims, game);
    await sims.host('sim-a', game, { type: 'lab' });
    const reply = await sims.join(game, user, 1, { edge });
    const seat = async () => {
      const { tables } = (await archive.complete()).replay().instance;
      const row = Array.from(tables.$players).find(({ name }) => name === user);
      return row === undefined ? 'free' : row.connected ? 'connected' : 'kept';
    };
    return { archive, reply, seat };
  }

  it('a player whose socket fell keeps the seat for the grace time, and the same seat on coming back', async () => {
    const { reply, seat } = await lab('fell');
    sims.send('fell', { kind: 'dropped', pid: reply.pid, join: 1 });
    await eventually(async () => (await seat()) === 'kept');
    expect(await sims.join('fell', 'ann', 2)).toMatchObject({ pid: reply.pid });
    expect(await seat()).toBe('connected');
    sims.send('fell', { kind: 'dropped', pid: reply.pid, join: 1 });
    sims.send('fell', { kind: 'leave', pid: reply.pid, join: 1 });
    sims.command('fell', reply.pid, 1, 'add');
    await eventually(async () => (await sims.join('fell', 'ann', 2)).ack === 1);
    expect(await seat()).toBe('connected');
    sims.send('fell', { kind: 'dropped', pid: reply.pid, join: 2 });
    await eventually(async () => (await seat()) === 'free');
  });

  it('a player that leaves gives the seat up at once', async () => {
    const { reply, seat } = await lab('left');
    sims.send('left', { kind: 'leave', pid: reply.pid, join: 1 });
    await eventually(async () => (await seat()) === 'free');
  });

  it('the players of an edge that falls silent are disconnected, those of others are not', async () => {
    const lost = await lab('silent', 'ann', 'edge-2');
    await sims.join('silent', 'bob');
    sims.silence('edge-2');
    await eventually(async () => (await lost.seat()) === 'free');
    const { tables } = lost.archive.replay().instance;
    expect(Array.from(tables.$players, ({ name, connected }) => [name, connected])).toEqual([['bob', true]]);
  });

  it('the players of an edge that was only cut off keep their seats and are connected again', async () => {
    sims.unsilence('edge-2');
    const cut = await lab('cut-off', 'ann', 'edge-2');
    const left = await sims.join('cut-off', 'bob', 1, { edge: 'edge-2' });
    await eventually(async () => (await cut.seat()) === 'connected');
    sims.silence('edge-2');
    await eventually(async () => (await cut.seat()) === 'kept');
    sims.send('cut-off', { kind: 'dropped', pid: left.pid, join: 1 });
    sims.unsilence('edge-2');
    await eventually(async () => (await cut.seat()) === 'connected');
    const { tables } = cut.archive.replay().instance;
    expect(tables.$players.row(left.pid)?.connected ?? false).toBe(false);
  });

  it('no player is disconnected because NATS stood still', async () => {
    const { seat } = await lab('standstill');
    sims.nats.pause();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    sims.nats.resume();
    await sims.join('standstill', 'bob');
    await eventually(async () => (await lineOf('standstill'))?.players === 2);
    expect(await seat()).toBe('connected');
  });

  it('a game without players sleeps without adding to its log, and a join wakes it where it was', async () => {
    const { reply, archive } = await lab('sleepy');
    sims.command('sleepy', reply.pid, 1, 'add', { tag: 9 });
    await eventually(async () => (await sims.join('sleepy', 'ann', 1)).ack === 1);
    sims.send('sleepy', { kind: 'dropped', pid: reply.pid, join: 1 });
    await eventually(async () => (await lineOf('sleepy'))?.state === 'sleeping');
    const asleep = (await archive.complete()).records.length;
    await eventually(() =>
      statuses.some(({ changed }) =>
        changed.some((line) => line.game === 'sleepy' && line.state === 'sleeping'),
      ),
    );
    expect((await archive.complete()).records.length).toBe(asleep);
    const guest = await sims.join('sleepy', 'bob');
    expect(guest).toMatchObject({ epoch: 1, pod: 'sim-a' });
    await archive.complete();
    expect(Buffer.from(guest.parts.shared)).toEqual(
      Buffer.from(archive.replay(guest.seq).instance.encodeState().shared),
    );
    expect((await lineOf('sleepy'))?.state).toBe('running');
  });

  it('a sleeping game that was taken over meanwhile is given up when a join would wake it', async () => {
    await sims.pod('sim-thief');
    const { reply } = await lab('stolen');
    sims.send('stolen', { kind: 'leave', pid: reply.pid, join: 1 });
    await eventually(async () => (await lineOf('stolen'))?.state === 'sleeping');
    expect(await sims.host('sim-thief', 'stolen', { type: 'lab', epoch: 2 })).toMatchObject({
      outcome: 'hosted',
    });
    expect(await sims.join('stolen', 'ann', 2)).toMatchObject({ pod: 'sim-thief', epoch: 2 });
    await eventually(async () => (await lineOf('stolen')) === undefined);
  });

  it('status tells load, types, the digest of what is hosted, and who took a seat', async () => {
    await lab('reported', 'zoe');
    const joined = await eventually(
      () =>
        statuses
          .flatMap(({ changed }) => changed)
          .find((line) => line.game === 'reported' && line.joined !== undefined) ?? false,
    );
    expect(joined).toMatchObject({ type: 'lab', epoch: 1, players: 1, joined: ['zoe'] });
    const last = statuses.findLast(({ pod }) => pod === 'sim-a')!;
    expect(last).toMatchObject({ isDraining: false, isLeaving: false, maxGames: 500 });
    expect(last.types.map(({ type }) => type).sort()).toContain('world');
    expect(last.load).toBeGreaterThan(0);
  });

  it('release gives a game up with everything stored, and knows its epoch', async () => {
    const { archive } = await lab('released');
    await expect(sims.release('sim-a', 'released', 2)).rejects.toMatchObject({
      remote: { code: 'game_not_found' },
    });
    const seq = await sims.release('sim-a', 'released', 1);
    expect((await archive.complete()).records.at(-1)!.seq).toBe(seq);
    expect(await lineOf('released')).toBeUndefined();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s commits and snapshots every game, says that it leaves, and ends cleanly',
    async (signal) => {
      const pod = `sim-${signal.toLowerCase()}`;
      const process = await spawnService('simulation', { env: simEnv(sims.nats, pod) });
      const games = ['one', 'two', 'three'].map((name) => `${signal}-${name}`);
      for (const game of games) {
        await sims.host(pod, game, { type: 'lab', options: { mode: 'restless' } });
        const { pid } = await sims.join(game, 'ann');
        sims.command(game, pid, 1, 'add');
        await eventually(async () => (await sims.join(game, 'ann', 1)).ack === 1);
      }
      process.signal(signal);
      expect(await process.exited).toMatchObject({ code: 0 });
      await eventually(() => statuses.some((status) => status.pod === pod && status.isLeaving));
      for (const game of games) {
        const tail = (await sims.log(game)).at(-1)!;
        const snapshot = await sims.bus.lastMessage(
          sims.snapshotStream(game),
          subjects.gameSnapshots(gameId(game)),
        );
        expect(snapshot).toBeDefined();
        expect(tail.record).toMatchObject({ kind: 'delta' });
        expect(await sims.host('sim-a', game, { type: 'lab', epoch: 2 })).toMatchObject({
          outcome: 'hosted',
        });
        expect(await sims.join(game, 'ann', 2)).toMatchObject({ ack: 1, epoch: 2 });
      }
    },
  );

  it('a folder that says it is a game and is none stops the start with one clear sentence', async () => {
    const folder = new URL('./broken-games', import.meta.url).pathname;
    const start = sims.pod('sim-broken', { BREAKWATER_SIMULATION_GAME_FOLDERS: folder });
    await expect(start).rejects.toThrow(
      /the game in .*broken-games\/hollow cannot be used: .* exports no `game`/,
    );
  });
});

describe('the streams of simulation', () => {
  it('the number of partitions that chat has fixed counts before our own streams', async () => {
    await using sims = await Sims.start();
    const install = await sims.bus.ensureBucket(
      { name: BUCKETS.install.name, replicas: 1 },
      { decode: installPartitions },
    );
    await install.create(INSTALL_PARTITIONS_KEY, { partitions: 8 });
    await expect(sims.pod('sim-a')).rejects.toThrow(/BREAKWATER_PARTITIONS is 2, but .* made with 8/);
    await sims.pod('sim-b', { BREAKWATER_PARTITIONS: '8' });
  });

  it('another number of partitions than the installation was made with is refused at the start', async () => {
    await using sims = await Sims.start();
    await sims.pod('sim-a');
    const start = (partitions: string) =>
      sims.pod(`sim-${partitions}`, { BREAKWATER_PARTITIONS: partitions });
    await expect(start('1')).rejects.toThrow(/BREAKWATER_PARTITIONS is 1, but .* more/);
    await expect(start('4')).rejects.toThrow(/BREAKWATER_PARTITIONS is 4, but .* fewer/);
  });

  it('fault 28: a stream that vanishes freezes its games, and its log is never begun anew', async () => {
    await using sims = await Sims.start();
    await sims.pod('sim-a');
    const game = ['vanished', 'vanished-1', 'vanished-2', 'vanished-3'].find((id) =>
      sims.gameStream(id).endsWith('_0'),
    )!;
    await sims.host('sim-a', game, { type: 'lab', options: { mode: 'restless' } });
    await sims.join(game, 'ann');
    await sims.bus.request(`$JS.API.STREAM.DELETE.${sims.gameStream(game)}`, '', {
      decode: (value) => value,
      timeoutMs: 5_000,
    });
    await sims.pod('sim-b');
    expect(await sims.host('sim-b', game, { type: 'lab', epoch: 2 })).toMatchObject({
      refusal: 'log_lost',
    });
    expect(await sims.log(game)).toEqual([]);
  });
});
