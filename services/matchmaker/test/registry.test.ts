import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { refusalOf, TestBed } from './matchmakers.ts';

test('counts of players are gathered, a change of state is written at once', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker({ BREAKWATER_MATCHMAKER_COUNTS_WRITE_MS: '2000' });
  const sim = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  let writes = 0;
  using watch = (await bed.games()).watch({ onChange: () => writes++ });
  await watch.ready;
  writes = 0;

  for (let players = 1; players <= 4; players++) {
    sim.report(info.game, { players });
    await eventually(async () => expect((await bed.list())[0]?.players).toBe(players));
  }
  await eventually(async () => expect((await bed.entry(info.game))?.players).toBe(4));
  expect(writes).toBeLessThan(4);

  sim.report(info.game, { state: 'sleeping', players: 0 });
  await eventually(async () =>
    expect(await bed.entry(info.game)).toMatchObject({ state: 'sleeping', players: 0 }),
  );
});

test('what a lost heartbeat said is learned from the list', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const sim = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  await eventually(async () => expect((await bed.entry(info.game))?.state).toBe('running'));

  sim.loseNextHeartbeat();
  sim.report(info.game, { players: 3 });

  await eventually(async () => expect((await bed.entry(info.game))?.players).toBe(3));
});

test('a matchmaker that starts late learns what runs, and answers for it', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const sim = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  const late = await bed.matchmaker({ BREAKWATER_INSTANCE: 'late' });
  sim.report(info.game, { players: 3 });

  await eventually(async () => {
    const found = await Promise.all(Array.from({ length: 8 }, () => bed.find(info.game)));
    expect(new Set(found.map(({ info }) => `${info.pod} ${info.epoch}`))).toEqual(new Set(['sim-a 1']));
  });
  expect(late.health.ready().ok).toBe(true);
  expect(bed.claims.epochs.get(info.game)).toBe(1);
});

test('entries of games that are over are removed after the retention', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker({
    BREAKWATER_MATCHMAKER_RETENTION_MS: '3000',
    BREAKWATER_MATCHMAKER_SWEEP_MS: '100',
  });
  const sim = await bed.simulation('sim-a');
  const over = (await eventually(() => bed.create('ann', 'over'))).info.game;
  const kept = (await bed.create('ann', 'kept')).info.game;
  sim.report(over, { state: 'ended', reason: 'won' });
  await eventually(async () => expect((await bed.entry(over))?.state).toBe('ended'));
  expect((await bed.list()).map(({ game }) => game)).toEqual([kept]);

  await eventually(async () => expect(await bed.entry(over)).toBeUndefined());

  expect(await refusalOf(bed.find(over))).toBe('game_not_found');
  expect(await refusalOf(bed.create('ann', 'over'))).toBe('game_ended');
  expect((await bed.entry(kept))?.state).toBe('running');
});

test('a restart of NATS makes it not ready for a while and loses no game and no process', async () => {
  await using bed = await TestBed.start();
  const matchmaker = await bed.matchmaker();
  const sim = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  await bed.nats.kill();
  await eventually(() => expect(matchmaker.health.ready().ok).toBe(false));

  await bed.nats.restart();

  await eventually(() => expect(matchmaker.health.ready().ok).toBe(true));
  // A process that is not back at NATS yet cannot answer, and would be taken for gone.
  await eventually(() => sim.reach());
  const found = await eventually(() => bed.find(info.game));
  expect(found.info).toMatchObject({ pod: 'sim-a', epoch: 1 });
  sim.report(info.game, { players: 2 });
  await eventually(async () => expect((await bed.entry(info.game))?.players).toBe(2));
  const after = await eventually(() => bed.create('ann', 'after'));
  expect(after.info.pod).toBe('sim-a');
});
