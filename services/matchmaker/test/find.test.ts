import { eventually, startProxy } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { refusalOf, TestBed, UNRIVALLED_SETTINGS } from './matchmakers.ts';

test('a game whose process is gone is pinned again at the next epoch', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const first = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  const second = await bed.simulation('sim-b');
  await first[Symbol.asyncDispose]();

  const found = await eventually(async () => {
    const answer = await bed.find(info.game);
    expect(answer.info.pod).toBe('sim-b');
    return answer;
  });

  expect(found.info).toMatchObject({ epoch: 2, state: 'running' });
  expect(second.hostRequests.at(-1)).toMatchObject({ game: info.game, epoch: 2 });
});

test('twenty edges that look for a lost game through two matchmakers get one owner', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker(UNRIVALLED_SETTINGS);
  await bed.matchmaker(UNRIVALLED_SETTINGS);
  const first = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  const others = [await bed.simulation('sim-b'), await bed.simulation('sim-c')];
  await eventually(async () => expect((await bed.entry(info.game))?.pod).toBe('sim-a'));
  await first[Symbol.asyncDispose]();

  const untilMoved = () =>
    eventually(async () => {
      const answer = await bed.find(info.game);
      expect(answer.info.pod).not.toBe('sim-a');
      return answer;
    });
  const answers = await Promise.all(Array.from({ length: 20 }, untilMoved));

  const owners = others.filter((sim) => sim.hosted.has(info.game));
  expect(owners).toHaveLength(1);
  expect(new Set(answers.map((answer) => answer.info.pod))).toEqual(new Set([owners[0]!.pod]));
  expect(bed.claims.epochs.get(info.game)).toBe(2);
});

test('a process that is on its way back to NATS keeps its game, whoever looks for it meanwhile', async () => {
  await using bed = await TestBed.start();
  await using proxy = await startProxy(bed.nats.url);
  // A heartbeat's worth of silence takes far longer than this reconnection.
  await bed.matchmaker({ BREAKWATER_MATCHMAKER_HEARTBEAT_MS: '4000' });
  const away = await bed.simulation('sim-a', {}, proxy.url);
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  const other = await bed.simulation('sim-b');
  await eventually(async () => expect(await bed.processes()).toHaveLength(2));
  const heard = away.beats;
  await eventually(() => expect(away.beats).toBeGreaterThan(heard + 2));

  proxy.refuse();
  proxy.cut();
  await eventually(async () => expect(await away.isListenedFor(bed.bus)).toBe(false));
  const meanwhile = await bed.find(info.game);
  proxy.resume();
  await eventually(() => away.reach(), { timeoutMs: 20_000 });

  expect(meanwhile.info).toMatchObject({ pod: 'sim-a', epoch: 1 });
  expect((await bed.find(info.game)).info).toMatchObject({ pod: 'sim-a', epoch: 1 });
  expect(other.hostRequests).toEqual([]);
  expect(bed.claims.epochs.get(info.game)).toBe(1);
});

test('a process that does not host the game any more is not believed to', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const sim = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  sim.forget(info.game);

  const found = await bed.find(info.game);

  expect(found.info).toMatchObject({ pod: 'sim-a', epoch: 2 });
  expect(sim.hosted.has(info.game)).toBe(true);
});

test('a claim that was never heard of is adopted, and the next hand-out is above it', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const sim = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  sim.forget(info.game);
  bed.claims.epochs.set(info.game, 7);

  const found = await bed.find(info.game);

  expect(found.info).toMatchObject({ pod: 'sim-a', epoch: 8 });
  expect(sim.hostRequests.map(({ epoch }) => epoch)).toEqual([1, 2, 8]);
});

test('a paused process gets no game, and its own are found elsewhere', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const paused = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  const other = await bed.simulation('sim-b', {
    types: [
      { type: 'world', schemaVersion: 1, maxPlayers: 4 },
      { type: 'chess', schemaVersion: 1, maxPlayers: 2 },
    ],
  });
  await eventually(async () => expect(await bed.types()).toEqual(['chess', 'world']));
  paused.pause();

  await eventually(async () => expect((await bed.create('bob', 'his')).info.pod).toBe('sim-b'));
  await eventually(async () => expect((await bed.find(info.game)).info.pod).toBe('sim-b'));

  expect(other.hosted.has(info.game)).toBe(true);
  expect(paused.hostRequests.filter(({ game }) => game === info.game)).toHaveLength(1);
});

test('who looks for a game in the moment when no process of its type is left is told to come again', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const first = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.quick('ann', 'go'));
  await bed.simulation('sim-chess', { types: [{ type: 'chess', schemaVersion: 1, maxPlayers: 2 }] });
  await first.leave();
  await eventually(async () => expect(await bed.types()).toEqual(['chess']));

  expect(await refusalOf(bed.find(info.game))).toBe('no_capacity');
  expect(await refusalOf(bed.quick('ann', 'go'))).toBe('no_capacity');
  expect(await refusalOf(bed.create('bob', 'his'))).toBe('unknown_game_type');
  await bed.simulation('sim-b');

  await eventually(async () => expect((await bed.find(info.game)).info).toMatchObject({ pod: 'sim-b' }));
});

test('ended, failed and unknown games say so', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const sim = await bed.simulation('sim-a');
  const ended = (await eventually(() => bed.create('ann', 'ended'))).info.game;
  const failed = (await bed.create('ann', 'failed')).info.game;
  sim.report(ended, { state: 'ended', reason: 'won' });
  sim.report(failed, { state: 'failed', reason: 'threw' });
  await eventually(async () => expect(await bed.list()).toEqual([]));

  expect(await refusalOf(bed.find(ended))).toBe('game_ended');
  expect(await refusalOf(bed.find(failed))).toBe('game_failed');
  expect(await refusalOf(bed.create('ann', 'ended'))).toBe('game_ended');
  expect(await refusalOf(bed.find('gone'))).toBe('game_not_found');
  expect(await bed.entry(ended)).toMatchObject({ state: 'ended', reason: 'won', seats: [] });
});

test('a game that ended while its entry said otherwise is marked when it is handed out', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const sim = await bed.simulation('sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine'));
  sim.forget(info.game);
  bed.claims.ended.add(info.game);

  expect(await refusalOf(bed.find(info.game))).toBe('game_ended');
  expect((await bed.entry(info.game))?.state).toBe('ended');
});
