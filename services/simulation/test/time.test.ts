import { performance } from 'node:perf_hooks';
import type { RunningService } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Archive } from './replay-log.ts';
import { Sims } from './sims.ts';

const RESTLESS = { type: 'lab', options: { mode: 'restless' } } as const;
const TICK_HZ = 50;
const HOUR_MS = 3_600_000;

describe('fault 35: a process whose time is disturbed', () => {
  let sims: Sims;
  let pod: RunningService;
  const warnings: string[] = [];
  const onWarning = ({ name }: Error) => void warnings.push(name);
  beforeAll(async () => {
    process.on('warning', onWarning);
    sims = await Sims.start();
    pod = await sims.pod('sim-a');
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(async () => {
    process.off('warning', onWarning);
    await sims[Symbol.asyncDispose]();
  });

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${pod.httpPort}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  }

  async function lab(game: string) {
    const archive = await Archive.of(sims, game);
    await sims.host('sim-a', game, RESTLESS);
    const { pid } = await sims.join(game, 'ann');
    const tick = async () => (await archive.complete()).replay().instance.tick;
    await eventually(async () => (await tick()) > 5);
    return { archive, pid, tick };
  }

  async function expectUntouched({ archive, pid }: Awaited<ReturnType<typeof lab>>, game: string) {
    sims.command(game, pid, 1, 'add', { tag: 1 });
    await eventually(async () => (await archive.complete()).replay().instance.ackOf(pid) === 1);
    expect(archive.kinds().filter((kind) => kind.startsWith('claim'))).toEqual(['claim 1.0']);
    const { $players } = archive.replay().instance.tables;
    expect(Array.from($players, ({ id, connected }) => [id, connected])).toEqual([[pid, true]]);
    expect(warnings).not.toContain('TimeoutNegativeWarning');
  }

  it('goes on after two seconds without a turn of its event loop: few ticks are made up for, the others given up and counted', async () => {
    const game = await lab('blocked');
    const skipped = await metric('breakwater_simulation_skipped_ticks_total');
    const before = await game.tick();
    const beganMs = performance.now();
    while (performance.now() - beganMs < 2_000);
    const ticks = (ms: number) => (ms / 1_000) * TICK_HZ;
    await eventually(
      async () => (await metric('breakwater_simulation_skipped_ticks_total')) - skipped > ticks(1_500),
    );
    const after = await game.tick();
    const passedMs = performance.now() - beganMs;
    expect(after - before).toBeLessThan(ticks(passedMs) - ticks(1_500));
    await eventually(async () => (await game.tick()) > after);
    await expectUntouched(game, 'blocked');
  });

  it.each([
    ['forward', HOUR_MS],
    ['back', -HOUR_MS],
  ])('ticks, hosts and keeps its players when the date is stepped %s by an hour', async (way, stepMs) => {
    const name = `stepped-${way}`;
    const game = await lab(name);
    const skipped = await metric('breakwater_simulation_skipped_ticks_total');
    const before = await game.tick();
    const { now } = Date;
    vi.spyOn(Date, 'now').mockImplementation(() => now() + stepMs);
    expect(Math.abs(Date.now() - now())).toBeGreaterThan(HOUR_MS / 2);
    await eventually(async () => (await game.tick()) >= before + TICK_HZ);
    // An hour's worth would be 180,000.
    expect((await game.tick()) - before).toBeLessThan(60 * TICK_HZ);
    expect((await metric('breakwater_simulation_skipped_ticks_total')) - skipped).toBeLessThan(10 * TICK_HZ);
    expect(await sims.host('sim-a', `${name}-new`, RESTLESS)).toMatchObject({ outcome: 'hosted' });
    expect(await sims.join(`${name}-new`, 'bob')).toMatchObject({ epoch: 1 });
    await sims.release('sim-a', `${name}-new`, 1);
    await expectUntouched(game, name);
  });
});
