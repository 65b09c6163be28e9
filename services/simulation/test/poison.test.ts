import { eventually, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { Sims, simEnv } from './sims.ts';

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
