import { gameId } from '@breakwater/bus';
import { eventually, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sims, simEnv, subjects } from './sims.ts';
import { snapshotsOf, TWITCH, Viewer, VOLATILE_GAMES } from './volatile-viewer.ts';

/** `npm run test:long` */
const ROUNDS = process.env.BREAKWATER_TEST_LONG === undefined ? 2 : 60;
/** 50 ticks a second, and a promise of a second. */
const LOSS_TICKS = 50;

describe('the owner of a volatile game that goes away', () => {
  let sims: Sims;
  const children: ServiceProcess[] = [];
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-safe', { ...VOLATILE_GAMES, BREAKWATER_SIMULATION_VOLATILE_REJOIN_MS: '1500' });
  });
  afterAll(async () => {
    await Promise.all(children.map((child) => child.kill()));
    await sims[Symbol.asyncDispose]();
  });

  async function child(pod: string): Promise<ServiceProcess> {
    const process = await spawnService('simulation', { env: simEnv(sims.nats, pod, VOLATILE_GAMES) });
    children.push(process);
    return process;
  }

  it(
    'killed at any moment, takes no more than the promise with it, and what was sent since has its effect once',
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const game = `killed-${round}`;
        const viewer = await Viewer.of(sims, game);
        const doomed = await child(`sim-doomed-${round}`);
        expect(await sims.host(`sim-doomed-${round}`, game, TWITCH)).toMatchObject({ outcome: 'hosted' });
        viewer.show(await sims.join(game, 'ann'));
        let sent = 0;
        await eventually(() => {
          sims.command(game, 1, ++sent, 'add', { tag: sent });
          return viewer.last.tick > 70 + 13 * round;
        });
        await doomed.kill();
        await sims.bus.flush();
        const shown = viewer.last;
        const told = { ...viewer.row('counters', 1) };
        expect(told.value).toBeGreaterThan(0);

        expect(await sims.host('sim-safe', game, { ...TWITCH, epoch: 2 })).toMatchObject({
          outcome: 'hosted',
        });
        const first = (await snapshotsOf(sims, game)).find(({ snapshot }) => snapshot.epoch === 2)!;
        expect(first.snapshot.tick).toBeGreaterThanOrEqual(shown.tick - LOSS_TICKS);
        expect(first.snapshot.tick).toBeLessThanOrEqual(shown.tick);
        const reply = await sims.join(game, 'ann', 2);
        expect(reply).toMatchObject({ epoch: 2, pid: 1 });
        const stored = { ...viewer.show(reply).row('counters', 1) };
        // Every command up to the last one that the snapshot knows of, and no other.
        expect([stored.value, stored.last]).toEqual([reply.ack, reply.ack]);
        expect(stored.value).toBeLessThanOrEqual(told.value as number);

        // Who sends them keeps what was acknowledged as acknowledged, and numbers on.
        sims.command(game, 1, sent + 1, 'add', { tag: 77 });
        sims.command(game, 1, sent + 1, 'add', { tag: 78 });
        await eventually(() => viewer.row('counters', 1)?.last === 77);
        await eventually(async () => (await sims.join(game, 'ann', 2)).ack === sent + 1);
        expect(viewer.row('counters', 1)).toMatchObject({ value: (stored.value as number) + 1, last: 77 });
        await sims.release('sim-safe', game, 2);
      }
    },
    60_000 + ROUNDS * 15_000,
  );

  it('stopped, overtaken and woken again, is heard by nobody and stores nothing more', async () => {
    const frozen = await child('sim-frozen');
    const viewer = await Viewer.of(sims, 'frozen');
    await sims.host('sim-frozen', 'frozen', TWITCH);
    viewer.show(await sims.join('frozen', 'ann'));
    await eventually(() => viewer.last.tick > 60);
    frozen.pause();
    const shown = viewer.last;
    expect(await sims.host('sim-safe', 'frozen', { ...TWITCH, epoch: 2 })).toMatchObject({
      outcome: 'hosted',
    });
    const reply = await sims.join('frozen', 'ann', 2);
    expect(reply.tick).toBeGreaterThanOrEqual(shown.tick - LOSS_TICKS);
    viewer.show(reply);
    frozen.resume();
    await eventually(async () => (await sims.list('sim-frozen')).length === 0);
    await eventually(() => viewer.last.n > 60);
    const epochs = viewer.seen.map(({ epoch }) => epoch);
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
    expect(viewer.holes).toBe(0);
    const stored = (await snapshotsOf(sims, 'frozen')).map(({ snapshot: { epoch } }) => epoch);
    expect(stored).toEqual(stored.toSorted((a, b) => a - b));
    expect((await sims.log('frozen')).map(({ record: { kind, epoch } }) => `${kind} ${epoch}`)).toEqual([
      'claim 1',
      'delta 1',
      'claim 2',
    ]);
  });

  it('whose player has not come back to the new owner in time loses the connection, and then the seat', async () => {
    const doomed = await child('sim-lonely');
    await sims.host('sim-lonely', 'lonely', TWITCH);
    await sims.join('lonely', 'ann');
    await sims.join('lonely', 'bob');
    await eventually(async () => ((await snapshotsOf(sims, 'lonely')).at(-1)?.snapshot.tick ?? 0) > 20);
    await doomed.kill();
    await sims.host('sim-safe', 'lonely', { ...TWITCH, epoch: 2 });
    const viewer = (await Viewer.of(sims, 'lonely')).show(await sims.join('lonely', 'ann', 2));
    const seats = () => [viewer.row('$players', 1), viewer.row('$players', 2)];
    expect(seats()[0]).toMatchObject({ connected: true });
    await eventually(() => seats()[1] === undefined, { timeoutMs: 30_000 });
    expect(seats()).toMatchObject([{ name: 'ann', connected: true }, undefined]);
  });
});

describe('the snapshots of a volatile game', () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    for (const pod of ['sim-a', 'sim-b']) await sims.pod(pod, VOLATILE_GAMES);
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  /** The newest `count` that are stored get a bit flipped: written anew behind, the old ones removed. */
  async function damage(game: string, count: number): Promise<number[]> {
    const subject = subjects.gameSnapshots(gameId(game));
    const stream = sims.snapshotStream(game);
    const { messages } = await sims.bus.readSubject(stream, subject, {
      fromSeq: 1,
      limit: 100,
      maxBytes: 10_000_000,
    });
    const kept = await snapshotsOf(sims, game);
    let lastSeq = messages.at(-1)!.seq;
    for (const { seq, data } of messages.slice(-count)) {
      const bytes = Uint8Array.from(data);
      bytes[bytes.length >> 1]! ^= 4;
      const stored = await sims.bus.commit(subject, bytes, {
        expectedLastSubjectSeq: lastSeq,
        timeoutMs: 5_000,
      });
      if (stored.kind !== 'stored') throw new Error(stored.kind);
      lastSeq = stored.seq;
      const request = JSON.stringify({ seq });
      await sims.bus.request(`$JS.API.STREAM.MSG.DELETE.${stream}`, request, {
        decode: (value) => value,
        timeoutMs: 5_000,
      });
    }
    return kept.map(({ snapshot }) => snapshot.tick);
  }

  async function playedAndReleased(game: string): Promise<void> {
    await sims.host('sim-a', game, TWITCH);
    const viewer = (await Viewer.of(sims, game)).show(await sims.join(game, 'ann'));
    await eventually(() => viewer.last.tick > 40);
    await eventually(async () => (await snapshotsOf(sims, game)).length >= 2);
    await sims.release('sim-a', game, 1);
  }

  it('of which the newest is damaged, give the one before it', async () => {
    await playedAndReleased('worn');
    const ticks = await damage('worn', 1);
    expect(await sims.host('sim-b', 'worn', { ...TWITCH, epoch: 2 })).toMatchObject({ outcome: 'hosted' });
    const [first] = (await snapshotsOf(sims, 'worn')).filter(({ snapshot }) => snapshot.epoch === 2);
    expect(first!.snapshot.tick).toBe(ticks.at(-2));
  });

  it('of which none can be read, make the game fail with the reason, and never begin anew', async () => {
    await playedAndReleased('torn');
    await damage('torn', 8);
    expect(await sims.host('sim-b', 'torn', { ...TWITCH, epoch: 2 })).toMatchObject({
      outcome: 'refused',
      refusal: 'failed',
      detail: 'the game was shown, and no snapshot of it can be read',
    });
    expect((await sims.log('torn')).at(-1)!.record).toMatchObject({ kind: 'end', reason: 'failed' });
    expect(await sims.host('sim-b', 'torn', { ...TWITCH, epoch: 3 })).toMatchObject({ refusal: 'failed' });
  });

  it('cannot be stored while NATS is away: the game stands still in time, and goes on with what was shown', async () => {
    await sims.host('sim-a', 'away', TWITCH);
    const viewer = (await Viewer.of(sims, 'away')).show(await sims.join('away', 'ann'));
    await eventually(() => viewer.last.tick > 30);
    await sims.nats.kill();
    const shown = viewer.last;
    // Longer than the promise, so that an owner that went on would be far ahead.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await sims.nats.restart();
    const reply = await eventually(() => sims.join('away', 'ann', 2), {
      timeoutMs: 30_000,
    });
    expect(reply).toMatchObject({ epoch: 1, pid: 1 });
    viewer.show(reply);
    await eventually(() => viewer.last.n > reply.liveN! + 20);
    const stored = (await snapshotsOf(sims, 'away')).map(({ snapshot }) => snapshot.tick);
    const gap = stored.findIndex((tick) => tick > shown.tick);
    // The first one that was stored afterwards is of a moment within the promise.
    expect(stored[gap]).toBeLessThanOrEqual(shown.tick + LOSS_TICKS);
  });
});
