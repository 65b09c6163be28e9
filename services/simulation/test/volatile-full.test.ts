import type { Subject } from '@breakwater/bus';
import type { RunningService } from '@breakwater/service-kit';
import { eventually, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clear, fill, neighboursOf } from './full-streams.ts';
import { Sims, simEnv, subjects } from './sims.ts';
import { snapshotsOf, TWITCH, Viewer, VOLATILE_GAMES } from './volatile-viewer.ts';

const MIB = 1_048_576;
/** 50 ticks a second, and a promise of a second. */
const LOSS_TICKS = 50;
const PATIENT = { timeoutMs: 30_000 };
const GAME = 'stuffed';

/** A game that fits makes its own room: it takes its older snapshots away first. One that grows cannot. */
describe('a volatile game that grows while the stream of snapshots is full', { timeout: 120_000 }, () => {
  let sims: Sims;
  let next: RunningService;
  let doomed: ServiceProcess;
  let junk: readonly Subject[];
  let viewer: Viewer;
  beforeEach(async () => {
    sims = await Sims.start();
    const env = { ...VOLATILE_GAMES, BREAKWATER_SIMULATION_SNAPSHOT_STREAM_BYTES: String(MIB) };
    next = await sims.pod('sim-next', env);
    doomed = await spawnService('simulation', { env: simEnv(sims.nats, 'sim-doomed', env) });
    junk = neighboursOf(sims, GAME).map((id) => subjects.gameSnapshots(id));
    await fill(sims, sims.snapshotStream(GAME), junk, MIB - 16_384);
  });
  afterEach(async () => {
    await doomed.kill();
    await sims[Symbol.asyncDispose]();
  });

  const storedTick = async () => (await snapshotsOf(sims, GAME)).at(-1)!.snapshot.tick;

  /** Until nothing more is shown; what was, is within the promise. */
  async function stuff(pod: string): Promise<number> {
    await sims.host(pod, GAME, TWITCH);
    viewer = (await Viewer.of(sims, GAME)).show(await sims.join(GAME, 'ann'));
    await eventually(() => viewer.last.tick > 60, PATIENT);
    sims.command(GAME, 1, 1, 'fatten', { rows: 30 });
    await eventually(() => viewer.row('ballast', 30) !== undefined, PATIENT);
    await eventually(async () => {
      const { tick } = viewer.last;
      await new Promise((resolve) => setTimeout(resolve, 400));
      return viewer.last.tick === tick;
    }, PATIENT);
    const { tick } = viewer.last;
    const aheadTicks = tick - (await storedTick());
    expect(aheadTicks).toBeGreaterThan(0);
    expect(aheadTicks).toBeLessThanOrEqual(LOSS_TICKS);
    return tick;
  }

  it('stands still in time and says so, and goes on with all that was shown when there is room', async () => {
    const tick = await stuff('sim-next');
    const text = await (await fetch(`http://127.0.0.1:${next.httpPort}/metrics`)).text();
    expect(Number(/^breakwater_simulation_full_logs_total (\S+)/m.exec(text)?.[1])).toBeGreaterThan(0);
    await clear(sims, sims.snapshotStream(GAME), junk);
    await eventually(() => viewer.last.tick > tick + 20, PATIENT);
    expect(viewer.holes).toBe(0);
    await eventually(async () => (await storedTick()) > tick, PATIENT);
  });

  it('and whose process dies then, goes on from what is stored', async () => {
    const tick = await stuff('sim-doomed');
    await doomed.kill();
    expect(await sims.host('sim-next', GAME, { ...TWITCH, epoch: 2 })).toMatchObject({ outcome: 'hosted' });
    const first = (await snapshotsOf(sims, GAME)).find(({ snapshot }) => snapshot.epoch === 2)!;
    expect(first.snapshot.tick).toBeGreaterThanOrEqual(tick - LOSS_TICKS);
    viewer.show(await sims.join(GAME, 'ann', 2));
    await eventually(() => viewer.last.epoch === 2 && viewer.last.n > 20, PATIENT);
  });
});
