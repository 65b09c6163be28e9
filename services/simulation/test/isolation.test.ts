import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { Sims } from './sims.ts';

describe('a process with games that misbehave', () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-a', { BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '10' });
    await sims.pod('sim-small', { BREAKWATER_SIMULATION_MAX_GAMES: '1' });
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  const lab = (game: string, options: Record<string, unknown> = {}) =>
    sims.host('sim-a', game, { type: 'lab', options });

  it('restarts a game whose step throws from its log, and the game goes on under the same claim', async () => {
    const archive = await Archive.of(sims, 'step');
    await lab('step');
    const { pid } = await sims.join('step', 'ann');
    sims.command('step', pid, 1, 'add', { tag: 1 });
    await eventually(async () => (await archive.complete()).replay().instance.ackOf(pid) === 1);
    sims.command('step', pid, 2, 'breakStep');
    const reply = await eventually(() => sims.join('step', 'bob'));
    expect(reply.epoch).toBe(1);
    sims.command('step', pid, 2, 'add', { tag: 2 });
    await eventually(async () => (await archive.complete()).replay().instance.ackOf(pid) === 2);
    expect(archive.replay().instance.tables.counters.need(pid).value).toBe(2);
    expect(archive.kinds().filter((kind) => kind.startsWith('claim'))).toHaveLength(1);
  });

  it('marks a game failed, with an end in its log, when it throws again and again; the others go on', async () => {
    await lab('healthy');
    const { pid } = await sims.join('healthy', 'ann');
    const lines: unknown[] = [];
    sims.onStatus(({ changed }) => lines.push(...changed.filter(({ game }) => game === 'sick')));
    await lab('sick', { throwAtTick: 5 });
    await eventually(async () => (await sims.log('sick')).at(-1)?.record.kind === 'end');
    expect((await sims.log('sick')).at(-1)?.record).toMatchObject({ kind: 'end', reason: 'failed' });
    await eventually(() => lines.some((line) => (line as { state: string }).state === 'failed'));
    expect(await sims.host('sim-a', 'sick', { type: 'lab', epoch: 2 })).toMatchObject({ refusal: 'failed' });
    sims.command('healthy', pid, 1, 'add');
    await eventually(async () => (await sims.join('healthy', 'ann', 2)).ack === 1);
    expect((await sims.list('sim-a')).map(({ game }) => game)).toContain('healthy');
  });

  it('refuses a game whose setup throws, options that do not fit, types it has not, and games beyond its limit', async () => {
    expect(await lab('no-setup', { mode: 'setup-throws' })).toMatchObject({ refusal: 'failed' });
    expect(await lab('no-options', { hp: -1 })).toMatchObject({ refusal: 'bad_options' });
    expect(await lab('odd-options', { other: 1 })).toMatchObject({ refusal: 'bad_options' });
    expect(await sims.host('sim-a', 'no-type', { type: 'chess' })).toMatchObject({
      refusal: 'unknown_game_type',
    });
    expect(await sims.host('sim-a', 'no-version', { schemaVersion: 99 })).toMatchObject({
      refusal: 'unknown_game_type',
    });
    for (const game of ['no-setup', 'no-options', 'odd-options']) expect(await sims.log(game)).toEqual([]);
    expect(await sims.host('sim-small', 'small-1', { type: 'lab' })).toMatchObject({ outcome: 'hosted' });
    expect(await sims.host('sim-small', 'small-2', { type: 'lab' })).toMatchObject({
      refusal: 'no_capacity',
    });
    await sims.release('sim-small', 'small-1', 1);
    expect(await sims.host('sim-small', 'small-2', { type: 'lab' })).toMatchObject({ outcome: 'hosted' });
  });

  it('says that a game is full, and answers an older join without letting it count', async () => {
    await lab('full');
    const joins = Array.from({ length: 60 }, (_, index) => sims.join('full', `user-${index}`, 5));
    await Promise.all(joins);
    await expect(sims.join('full', 'one-more')).rejects.toMatchObject({ remote: { code: 'game_full' } });
    await expect(sims.join('full', 'user-3', 4)).rejects.toMatchObject({ remote: { code: 'join_outdated' } });
    expect(await sims.join('full', 'one-more', 1, { spectate: true })).toMatchObject({ pid: 0, join: 0 });
    expect(await sims.join('full', 'user-3', 5)).toMatchObject({ join: 5 });
  });

  it('refuses a game whose first state is above the limit of the process', async () => {
    await sims.pod('sim-tight', { BREAKWATER_SIMULATION_MAX_STATE_BYTES: '2048' });
    const refused = await sims.host('sim-tight', 'too-big');
    expect(refused).toMatchObject({
      refusal: 'bad_options',
      detail: expect.stringMatching(/more than 2048/),
    });
    expect(await sims.log('too-big')).toEqual([]);
  });

  it('tells a joiner that the state is too large, and keeps the game going', async () => {
    await lab('fat');
    const { pid } = await sims.join('fat', 'ann');
    sims.command('fat', pid, 1, 'fatten', { rows: 100 });
    await eventually(async () =>
      (await sims.log('fat')).some(({ record }) => JSON.stringify(record).length > 100_000),
    );
    await expect(sims.join('fat', 'bob')).rejects.toMatchObject({ remote: { code: 'too_large' } });
    await expect(sims.join('fat', 'bob', 2)).rejects.toThrow(/more than 65536/);
    expect((await sims.list('sim-a')).map(({ game }) => game)).toContain('fat');
  });
});
