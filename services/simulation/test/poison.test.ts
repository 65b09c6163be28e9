import { eventually, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { FIXTURE_GAMES, Sims, simEnv } from './sims.ts';
import { VOLATILE_GAMES } from './volatile-viewer.ts';

describe('a game whose step throws wherever it is hosted', () => {
  let sims: Sims;
  let doomed: ServiceProcess;
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-b');
    doomed = await spawnService('simulation', { env: simEnv(sims.nats, 'sim-a') });
  });
  afterAll(async () => {
    await doomed.kill();
    await sims[Symbol.asyncDispose]();
  });

  const marks = async (game: string) =>
    (await sims.log(game)).filter(({ record }) => record.kind === 'delta' && record.isRestart).length;

  it('fails after three restarts in a minute, counted through the death of a process, with a reason and its log kept', async () => {
    const game = 'poisoned';
    const archive = await Archive.of(sims, game);
    const lines: unknown[] = [];
    sims.onStatus(({ changed }) => lines.push(...changed.filter((line) => line.game === game)));
    await sims.host('sim-a', game, { type: 'lab' });
    const { pid } = await sims.join(game, 'ann');
    const poison = async (wanted: number) => {
      // Undone with the step that it broke, so it is the player's first command each time.
      sims.command(game, pid, 1, 'breakStep');
      await eventually(async () => (await marks(game)) === wanted);
    };
    await poison(1);
    await poison(2);
    await doomed.kill();

    const second = { type: 'lab', epoch: 2 };
    expect(await sims.host('sim-b', game, second)).toMatchObject({ outcome: 'hosted' });
    expect(await sims.join(game, 'ann', 2)).toMatchObject({ pid, epoch: 2, ack: 0 });
    await poison(3);
    sims.command(game, pid, 1, 'breakStep');
    await expect(sims.join(game, 'bob')).rejects.toMatchObject({ remote: { code: 'game_failed' } });

    const log = await sims.log(game);
    expect(log.at(-1)?.record).toMatchObject({ kind: 'end', epoch: 2, reason: 'failed' });
    expect(await marks(game)).toBe(3);
    const failed = { state: 'failed', epoch: 2, reason: 'the step throws as asked' };
    await eventually(() => expect(lines.at(-1)).toMatchObject(failed));
    await archive.complete();
    expect(log.map(({ seq }) => seq)).toEqual(archive.records.map(({ seq }) => seq));
    expect(archive.replay().instance.ackOf(pid)).toBe(0);
    expect(await sims.host('sim-b', game, { ...second, epoch: 3 })).toMatchObject({ refusal: 'failed' });
  });
});

const BOTH = {
  BREAKWATER_SIMULATION_GAME_FOLDERS: `${FIXTURE_GAMES},${VOLATILE_GAMES.BREAKWATER_SIMULATION_GAME_FOLDERS}`,
};
const ROUNDS = 4;

it.each([
  { kind: 'committed', type: 'lab' },
  { kind: 'volatile', type: 'twitch' },
])(
  'a $kind game goes on after a command that breaks its step came right before it was moved',
  async ({ type }) => {
    await using sims = await Sims.start();
    const { httpPort } = await sims.pod('sim-a', BOTH);
    await sims.pod('sim-b', BOTH);
    for (let round = 0; round < ROUNDS; round++) {
      const game = `${type}-${round}`;
      await sims.host('sim-a', game, { type });
      const { pid } = await sims.join(game, 'ann');
      sims.command(game, pid, 1, 'breakStep');
      await sims.release('sim-a', game, 1);
      const hosted = { outcome: 'hosted', epoch: 2 };
      expect(await sims.host('sim-b', game, { type, epoch: 2 })).toEqual(hosted);
      let join = 2;
      const again = await sims.join(game, 'ann', join);
      expect(again).toMatchObject({ epoch: 2, ack: 0 });
      sims.command(game, again.pid, 1, 'add', { tag: 1 });
      await eventually(async () => {
        join += 1;
        expect(await sims.join(game, 'ann', join)).toMatchObject({ epoch: 2, ack: 1 });
      });
      expect((await sims.log(game)).map(({ record }) => record.kind)).not.toContain('end');
    }
    // It threw where it was given up, or this has shown nothing.
    const metrics = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
    const [, restarts] = /^breakwater_simulation_restarts_total(?:\{[^}]*\})? (\S+)/m.exec(metrics) ?? [];
    expect(Number(restarts)).toBeGreaterThan(0);
  },
  60_000,
);
