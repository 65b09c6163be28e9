import type { GameInfo } from '@breakwater/protocol';
import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { refusalOf, TestBed, UNRIVALLED_SETTINGS } from './matchmakers.ts';
import type { SimulationScript } from './scripted-simulation.ts';

const SEATS = 4;
const VERSION_2 = [{ type: 'world', schemaVersion: 2, maxPlayers: SEATS }];

/** Ann's game of a quick match with the key `go`, whose process leaves when there is another one. */
async function lostGame(bed: TestBed, pod: string, script: SimulationScript): Promise<GameInfo> {
  const old = await bed.simulation('sim-old');
  const { info } = await eventually(() => bed.quick('ann', 'go'));
  await bed.simulation(pod, script);
  await eventually(async () => expect(await bed.processes()).toHaveLength(2));
  expect((await bed.quick('ann', 'again')).info.game).toBe(info.game);
  await old.leave();
  await eventually(async () => expect(await bed.processes()).toHaveLength(1));
  return info;
}

test('fifty quick matches at once through two matchmakers oversell no seat and make few games', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  await bed.matchmaker();
  await bed.simulation('sim-a', { hostDelayMs: 30 });
  await bed.simulation('sim-b', { hostDelayMs: 30 });
  await eventually(async () => expect(await bed.types()).toEqual(['world']));

  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => bed.quick(`user-${n}`, 'go')));

  const perGame = Map.groupBy(answers, ({ info }) => info.game);
  for (const group of perGame.values()) expect(group.length).toBeLessThanOrEqual(SEATS);
  expect(answers.every(({ info }) => info.state === 'running')).toBe(true);
  expect(perGame.size).toBeLessThanOrEqual(Math.ceil(50 / SEATS) + 3);
  expect(answers.filter(({ isNew }) => isNew)).toHaveLength(perGame.size);
  expect(await bed.list()).toHaveLength(perGame.size);
});

test('a retry finds the seat that is held, and a second tab gets no second seat', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  await bed.simulation('sim-a');
  const first = await eventually(() => bed.quick('ann', 'go'));

  const retry = await bed.quick('ann', 'go');
  const tab = await bed.quick('ann', 'other');

  expect([retry.info.game, tab.info.game]).toEqual([first.info.game, first.info.game]);
  expect((await bed.entry(first.info.game))?.seats.map(({ user }) => user)).toEqual(['ann']);
});

test('a request that comes again while it is worked on takes no second turn', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker({ BREAKWATER_MATCHMAKER_MAX_QUICK_WAITING: '1' });
  await bed.simulation('sim-a');
  await eventually(async () => expect(await bed.types()).toEqual(['world']));

  const answers = await Promise.all(Array.from({ length: 5 }, () => bed.quick('ann', 'go')));

  expect(new Set(answers.map(({ info }) => info.game)).size).toBe(1);
  expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
});

test('a seat is free again when it was held in vain, and gone when its player joined', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker({ BREAKWATER_MATCHMAKER_SEAT_HOLD_MS: '3000' });
  const sim = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.quick('u0', 'go'));
  for (const user of ['u1', 'u2', 'u3']) expect((await bed.quick(user, 'go')).info.game).toBe(info.game);
  sim.report(info.game, { players: 2, joined: ['u0', 'u1'] });
  await eventually(async () => expect((await bed.entry(info.game))?.players).toBe(2));
  expect((await bed.entry(info.game))?.seats.map(({ user }) => user)).toEqual(['u2', 'u3']);

  expect((await bed.quick('late', 'go')).info.game).not.toBe(info.game);

  const back = await eventually(async () => {
    const users = ['w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7', 'w8'];
    const answers = await Promise.all(
      users.map((user) => bed.quick(user, `k${Math.floor(Math.random() * 1e9)}`)),
    );
    expect(answers.some((answer) => answer.info.game === info.game)).toBe(true);
    return answers.filter((answer) => answer.info.game === info.game);
  });
  expect(back.length).toBeLessThanOrEqual(2);
});

test('quick matches into a game that is being hosted anew wait for it, and hand it to nobody a second time', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker(UNRIVALLED_SETTINGS);
  await bed.matchmaker(UNRIVALLED_SETTINGS);
  const first = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.quick('ann', 'go'));
  const others = [
    await bed.simulation('sim-b', { hostDelayMs: 200 }),
    await bed.simulation('sim-c', { hostDelayMs: 200 }),
  ];
  await eventually(async () => expect(await bed.processes()).toHaveLength(3));

  await first.leave();
  const answers = await Promise.all(Array.from({ length: 20 }, () => bed.quick('ann', 'go')));

  const requests = others.flatMap((sim) => sim.hostRequests);
  expect(requests).toMatchObject([{ game: info.game, epoch: 2 }]);
  const owner = others.find((sim) => sim.hosted.has(info.game))!;
  for (const answer of answers)
    expect(answer).toMatchObject({ info: { game: info.game, pod: owner.pod, epoch: 2 }, isNew: false });
});

test('a full game is passed over', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const sim = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  sim.report(info.game, { players: SEATS });
  await eventually(async () => expect((await bed.entry(info.game))?.players).toBe(SEATS));

  const other = await bed.quick('bob', 'go');

  expect(other).toMatchObject({ isNew: true });
  expect(other.info.game).not.toBe(info.game);
});

test('a lost game of a version that nobody can host keeps nobody from playing another version', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const info = await lostGame(bed, 'sim-new', { types: VERSION_2 });

  const ann = await eventually(() => bed.quick('ann', 'new'));
  const bob = await bed.quick('bob', 'new');
  expect(ann.info).toMatchObject({ pod: 'sim-new', state: 'running' });
  expect(bob.info.game).toBe(ann.info.game);
  expect((await bed.entry(info.game))?.state).toBe('running');
});

test('the key that made a game which nobody can host any more finds another one, and the first comes back', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const info = await lostGame(bed, 'sim-new', { types: VERSION_2 });

  const other = await bed.quick('ann', 'go');
  const again = await bed.quick('ann', 'go');

  expect(other).toMatchObject({ isNew: true, info: { pod: 'sim-new', state: 'running' } });
  expect(again).toMatchObject({ isNew: false, info: { game: other.info.game } });
  expect(await refusalOf(bed.find(info.game))).toBe('no_capacity');
  await bed.simulation('sim-old-2');
  const back = await eventually(() => bed.find(info.game));
  expect(back.info).toMatchObject({ pod: 'sim-old-2', state: 'running' });
  expect((await bed.quick('ann', 'go')).isNew).toBe(false);
});

test.each(['no_capacity', 'unavailable'] as const)(
  'a lost game that every process refuses (%s) keeps nobody from playing, whoever made it',
  async (refusal) => {
    await using bed = await TestBed.start();
    await bed.matchmaker();
    const asked: string[] = [];
    const info = await lostGame(bed, 'sim-b', {
      onHost: ({ game, epoch }) => {
        asked.push(game);
        return epoch > 1 ? { outcome: 'refused', refusal, epoch: 1 } : undefined;
      },
    });

    const bob = await bed.quick('bob', 'go');
    const ann = await bed.quick('ann', 'go');

    expect(asked).toContain(info.game);
    expect(bob).toMatchObject({ isNew: true, info: { pod: 'sim-b', state: 'running' } });
    expect(bob.info.game).not.toBe(info.game);
    expect(ann.info.game).toBe(bob.info.game);
    expect(await refusalOf(bed.find(info.game))).toBe(refusal);
  },
);

test('a game that nobody could begin keeps nobody from playing another version', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  await bed.simulation('sim-new', { types: VERSION_2 });
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  const made = (await bed.entry(info.game))!;
  const { pod: _, ...unhosted } = { ...made, game: 'begun', schemaVersion: 1, epoch: 0, players: 1 };
  await (await bed.games()).create('begun', { ...unhosted, state: 'starting' });
  await eventually(async () => expect((await bed.list()).map(({ game }) => game)).toContain('begun'));

  const bob = await bed.quick('bob', 'go');

  expect(bob.info).toMatchObject({ game: info.game, pod: 'sim-new' });
});

test('a lost game is waited for while nobody hosts any version of its type', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const first = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.quick('ann', 'go'));
  await bed.simulation('sim-other', { types: [{ type: 'other', schemaVersion: 1, maxPlayers: SEATS }] });
  await eventually(async () => expect(await bed.processes()).toHaveLength(2));

  await first.leave();
  await eventually(async () => expect(await bed.types()).toEqual(['other']));

  expect(await refusalOf(bed.quick('ann', 'again'))).toBe('no_capacity');
  await bed.simulation('sim-b');
  const back = await eventually(() => bed.quick('ann', 'again'));
  expect(back).toMatchObject({ isNew: false, info: { game: info.game, pod: 'sim-b' } });
});
