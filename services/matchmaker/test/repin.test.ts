import { eventually, startProxy } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { TestBed } from './matchmakers.ts';
import type { ScriptedSimulation } from './scripted-simulation.ts';

/** Silence alone would be noticed after fifty seconds. */
const PATIENT = {
  BREAKWATER_MATCHMAKER_HEARTBEAT_MS: '500',
  BREAKWATER_MATCHMAKER_MISSED_HEARTBEATS: '100',
};

async function createGames(bed: TestBed, count: number): Promise<string[]> {
  const games: string[] = [];
  for (let n = 0; n < count; n++)
    games.push((await eventually(() => bed.create('ann', `game-${n}`))).info.game);
  return games;
}

/** Every game is hosted by one of these alone, at this epoch, and the registry says so. */
async function areHosted(
  bed: TestBed,
  games: readonly string[],
  sims: readonly ScriptedSimulation[],
  epoch: number,
): Promise<void> {
  await eventually(
    async () => {
      for (const game of games) {
        const owners = sims.filter(({ hosted }) => hosted.get(game)?.epoch === epoch);
        expect(owners).toHaveLength(1);
        expect(await bed.entry(game)).toMatchObject({ pod: owners[0]!.pod, epoch, state: 'running' });
      }
    },
    { timeoutMs: 20_000 },
  );
}

test('the games of a process that fell silent are hosted by others without anybody asking', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  await bed.matchmaker();
  const first = await bed.simulation('sim-a');
  const games = await createGames(bed, 20);
  const others = [await bed.simulation('sim-b', { node: 'north' }), await bed.simulation('sim-c')];

  first.pause();

  await areHosted(bed, games, others, 2);
  expect(bed.claims.log).toHaveLength(40);
  for (const info of await bed.list()) expect(info.node).toBe(info.pod === 'sim-b' ? 'north' : undefined);
});

test('a process that says that it leaves is taken over without waiting for its silence', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker(PATIENT);
  const first = await bed.simulation('sim-a');
  const games = await createGames(bed, 5);
  const second = await bed.simulation('sim-b');
  await eventually(async () => expect(await bed.processes()).toHaveLength(2));

  await first.leave();

  await areHosted(bed, games, [second], 2);
});

test('a game for which there is no room waits for a process that has some', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const first = await bed.simulation('sim-a');
  const games = await createGames(bed, 3);
  const full = await bed.simulation('sim-b', { maxGames: 1 });
  await eventually(async () => expect(await bed.processes()).toHaveLength(2));

  await first.leave();
  await eventually(() => expect(full.hosted.size).toBe(1));
  const asked = full.hostRequests.length;
  const second = await bed.simulation('sim-c');

  await areHosted(bed, games, [full, second], 2);
  // What has no room is not asked again and again.
  expect(asked).toBeLessThanOrEqual(games.length);
});

test('a process that says nothing of a game that it should host loses it to the next', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const sim = await bed.simulation('sim-a');
  const games = await createGames(bed, 2);
  await areHosted(bed, games, [sim], 1);

  sim.forget(games[0]!);

  await areHosted(bed, games.slice(0, 1), [sim], 2);
  await areHosted(bed, games.slice(1), [sim], 1);
});

test('a creation that its matchmaker left half done is finished by the leader', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker({ BREAKWATER_MATCHMAKER_STARTING_WAIT_MS: '200' });
  let isReady = false;
  const sim = await bed.simulation('sim-a', {
    onHost: () => (isReady ? undefined : { outcome: 'refused', refusal: 'unavailable', epoch: 0 }),
  });
  await eventually(async () => expect(await bed.types()).toEqual(['world']));
  await bed.create('ann', 'half').catch(() => undefined);
  const [left] = await bed.list();
  expect(left?.state).toBe('starting');

  isReady = true;

  await areHosted(bed, [left!.game], [sim], 1);
});

test('a matchmaker that knows nothing but the registry takes the games of a lost process up', async () => {
  await using bed = await TestBed.start();
  const before = await bed.matchmaker();
  const first = await bed.simulation('sim-a');
  const games = await createGames(bed, 3);
  await before.shutdown({ drain: false });
  await first[Symbol.asyncDispose]();
  const second = await bed.simulation('sim-b');

  await bed.matchmaker();

  await areHosted(bed, games, [second], 2);
});

test('a game that ended in between, or failed, is marked and not tried again', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  const first = await bed.simulation('sim-a');
  const [ended, failed] = await createGames(bed, 2);
  const second = await bed.simulation('sim-b', {
    onHost: ({ game }) =>
      game === failed ? { outcome: 'refused', refusal: 'failed', detail: 'threw', epoch: 1 } : undefined,
  });
  bed.claims.ended.add(ended!);

  await first.leave();

  await eventually(async () => {
    expect(await bed.entry(ended!)).toMatchObject({ state: 'ended' });
    expect(await bed.entry(failed!)).toMatchObject({ state: 'failed', reason: 'threw' });
  });
  expect(second.hostRequests.map(({ game }) => game).sort()).toEqual([ended, failed].sort());
});

test('fault 30: twenty claimants of one game, through leader and requests, make one owner', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker();
  await bed.matchmaker();
  const first = await bed.simulation('sim-a');
  const [game] = await createGames(bed, 1);
  const sims = await Promise.all(
    Array.from({ length: 20 }, (_, n) => bed.simulation(`sim-${n}`, { hostDelayMs: 20 })),
  );
  await eventually(async () => expect(await bed.processes()).toHaveLength(21));

  const leaving = first.leave();
  await Promise.all([leaving, ...Array.from({ length: 20 }, () => bed.find(game!).catch(() => undefined))]);

  await eventually(async () => {
    const owners = sims.filter(({ hosted }) => hosted.has(game!));
    const highest = bed.claims.epochs.get(game!)!;
    expect(owners.filter(({ hosted }) => hosted.get(game!)?.epoch === highest)).toHaveLength(1);
    expect(await bed.entry(game!)).toMatchObject({ epoch: highest });
  });
  const epochs = bed.claims.log.filter((claim) => claim.game === game).map(({ epoch }) => epoch);
  expect(epochs).toEqual(epochs.map((_, index) => index + 1));
});

test('after a restart of NATS a process that is not back yet keeps its game', async () => {
  await using bed = await TestBed.start();
  await using proxy = await startProxy(bed.nats.url);
  const matchmaker = await bed.matchmaker({ BREAKWATER_MATCHMAKER_RECONNECT_GRACE_MS: '60000' });
  const away = await bed.simulation('sim-a', {}, proxy.url);
  const games = await createGames(bed, 3);
  const other = await bed.simulation('sim-b');
  await eventually(async () => expect(await bed.processes()).toHaveLength(2));

  proxy.refuse();
  await bed.nats.kill();
  await eventually(() => expect(matchmaker.health.ready().ok).toBe(false));
  await bed.nats.restart();
  await eventually(() => other.reach());
  await eventually(() => expect(matchmaker.health.ready().ok).toBe(true));

  for (const game of games)
    expect((await eventually(() => bed.find(game))).info).toMatchObject({ pod: 'sim-a', epoch: 1 });
  // The heartbeats of the other count meanwhile.
  await eventually(async () => expect((await bed.create('ann', 'more')).info.game).toBeDefined());
  expect(other.hostRequests.filter(({ game }) => games.includes(game))).toEqual([]);
  proxy.resume();
  await eventually(() => away.reach(), { timeoutMs: 20_000 });
  away.report(games[0]!, { players: 2 });
  await eventually(async () => expect((await bed.entry(games[0]!))?.players).toBe(2));
  expect(bed.claims.epochs.get(games[0]!)).toBe(1);
});
