import { gameId, snapshotStreamName } from '@breakwater/bus';
import type { RunningService } from '@breakwater/service-kit';
import { eventually, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clear, fill, neighboursOf } from './full-streams.ts';
import { PARTITIONS, Sims, simEnv, subjects } from './sims.ts';

const RESTLESS = { type: 'lab', options: { mode: 'restless' } } as const;
const MIB = 1_048_576;

describe('a game whose log is full when its process dies', () => {
  let sims: Sims;
  let doomed: ServiceProcess;
  let next: RunningService;
  beforeEach(async () => {
    sims = await Sims.start();
  });
  afterEach(async () => {
    await doomed.kill();
    await sims[Symbol.asyncDispose]();
  });

  /** One process that will die, and one that will take over. */
  async function pods(env: Record<string, string>): Promise<void> {
    next = await sims.pod('sim-next', env);
    doomed = await spawnService('simulation', { env: simEnv(sims.nats, 'sim-doomed', env) });
  }

  async function fullLogs(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${next.httpPort}/metrics`)).text();
    return Number(/^breakwater_simulation_full_logs_total (\S+)/m.exec(text)?.[1] ?? 0);
  }

  /** Ticks fifty times a second, if it does. */
  async function isGrowing(game: string): Promise<boolean> {
    const before = (await sims.log(game)).at(-1)?.seq;
    await new Promise((resolve) => setTimeout(resolve, 400));
    return (await sims.log(game)).at(-1)?.seq !== before;
  }

  async function takeOver(game: string): Promise<void> {
    await doomed.kill();
    const claimed = await sims.host('sim-next', game, { ...RESTLESS, epoch: 2 });
    expect(claimed).toEqual({ outcome: 'hosted', epoch: 2 });
    expect(
      (await sims.log(game)).filter(({ record }) => record.kind === 'claim' && record.epoch === 2),
    ).toHaveLength(1);
    await eventually(async () => (await fullLogs()) > 0, { timeoutMs: 30_000 });
    await expect(sims.ask(game, joinOf('bob'), 500)).rejects.toMatchObject({ code: 'unavailable' });
  }

  const joinOf = (user: string) =>
    ({ kind: 'join', edge: 'edge-1', session: 's', user, name: user, join: 1, spectate: false }) as const;

  it('with records: is claimed all the same, and goes on as soon as a snapshot can make room', async () => {
    await pods({
      BREAKWATER_SIMULATION_MAX_RECORDS_PER_GAME: '100',
      BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '100000',
      BREAKWATER_SIMULATION_SNAPSHOT_STREAM_BYTES: String(MIB),
    });
    const game = 'full-log';
    const snapshots = snapshotStreamName(gameId(game), PARTITIONS);
    const junk = neighboursOf(sims, game).map((id) => subjects.gameSnapshots(id));
    await fill(sims, snapshots, junk, MIB);
    await sims.host('sim-doomed', game, RESTLESS);
    await sims.join(game, 'ann');
    await eventually(async () => (await sims.log(game)).length >= 100, { timeoutMs: 30_000 });
    await eventually(async () => !(await isGrowing(game)), { timeoutMs: 30_000 });
    await takeOver(game);
    await clear(sims, snapshots, junk);
    const reply = await eventually(() => sims.join(game, 'ann', 2), { timeoutMs: 30_000 });
    expect(reply).toMatchObject({ epoch: 2, pid: 1 });
    await eventually(async () => (await sims.log(game))[0]?.record.kind === 'delta', { timeoutMs: 30_000 });
  }, 120_000);

  it('with the bytes of others in the same stream: is claimed all the same, and goes on when they are gone', async () => {
    await pods({
      BREAKWATER_SIMULATION_GAME_STREAM_BYTES: String(MIB),
      BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '100000',
    });
    const game = 'full-stream';
    const stream = sims.gameStream(game);
    const junk = neighboursOf(sims, game).map((id) => subjects.gameLog(id));
    await fill(sims, stream, junk, MIB * 0.75);
    await sims.host('sim-doomed', game, RESTLESS);
    await sims.join(game, 'ann');
    await fill(sims, stream, junk, MIB * 0.95);
    await eventually(async () => !(await isGrowing(game)), { timeoutMs: 30_000 });
    await takeOver(game);
    expect((await sims.bus.streamState(stream)).bytes).toBeLessThan(MIB);
    await clear(sims, stream, junk);
    const reply = await eventually(() => sims.join(game, 'ann', 2), { timeoutMs: 30_000 });
    expect(reply).toMatchObject({ epoch: 2, pid: 1 });
  }, 120_000);
});
