import { matchHeartbeat, subjectsFor } from '@breakwater/bus';
import { eventually, type ServiceProcess } from '@breakwater/testkit';
import { describe, expect, it } from 'vitest';
import { TestBed } from './matchmakers.ts';
import type { ScriptedSimulation } from './scripted-simulation.ts';

const LIMIT = { timeoutMs: 30_000 };
/** Longer than any request of a matchmaker that stood still may be out. */
const HEARTBEATS = 20;
const subjects = subjectsFor(4);

/** Two matchmakers, of which the leader is a process that can be killed. */
async function leaderOfTwo(bed: TestBed): Promise<ServiceProcess> {
  const leader = await bed.matchmakerProcess('mm-a');
  await eventually(async () => expect((await bed.leader())?.holder).toBe('mm-a'), LIMIT);
  await bed.matchmaker({ BREAKWATER_INSTANCE: 'mm-b' });
  return leader;
}

/** One process hosts the game at the highest epoch that its log has, and the registry knows it. */
async function hasOneOwner(bed: TestBed, game: string, sims: readonly ScriptedSimulation[]): Promise<void> {
  await eventually(async () => {
    const epoch = bed.claims.epochs.get(game)!;
    const owners = sims.filter(({ hosted }) => hosted.get(game)?.epoch === epoch);
    expect(owners).toHaveLength(1);
    expect(await bed.entry(game)).toMatchObject({ epoch, pod: owners[0]!.pod, state: 'running' });
  }, LIMIT);
  const epochs = bed.claims.log.filter((claim) => claim.game === game).map(({ epoch }) => epoch);
  expect(epochs).toEqual(epochs.map((_, index) => index + 1));
}

/** Waits until a matchmaker has beaten `count` times from now on. */
async function untilBeaten(bed: TestBed, instance: string, count: number): Promise<void> {
  let beats = 0;
  const heard = bed.bus.subscribe(subjects.matchHeartbeat(), {}, (message) => {
    if (matchHeartbeat(message.json()).matchmaker === instance) beats += 1;
  });
  await eventually(() => expect(beats).toBeGreaterThanOrEqual(count), LIMIT);
  heard.unsubscribe();
}

/** A leader that stood still wakes in the middle of its work, and changes nothing of what was done meanwhile. */
async function wakesToNothing(bed: TestBed, leader: ServiceProcess, game: string): Promise<void> {
  await eventually(async () => expect((await bed.leader())?.holder).toBe('mm-b'), LIMIT);
  const claims = [...bed.claims.log];
  const entry = await bed.entry(game);
  const { term } = (await bed.leader())!;
  leader.resume();
  await untilBeaten(bed, 'mm-a', HEARTBEATS);
  expect(bed.claims.log).toEqual(claims);
  expect(await bed.entry(game)).toEqual(entry);
  expect(await bed.leader()).toMatchObject({ holder: 'mm-b', term });
}

/** What becomes of the leader in the middle of its work. */
const ENDS = {
  killed: (leader: ServiceProcess) => void leader.kill(),
  stopped: (leader: ServiceProcess) => leader.pause(),
};

describe.each(Object.entries(ENDS))('a leader that is %s', (name, strike) => {
  it('between release and host leaves a game that the other one pins', async () => {
    await using bed = await TestBed.start();
    const leader = await leaderOfTwo(bed);
    let struck = false;
    const owner = await bed.simulation('sim-a', {
      onRelease: () => {
        if (!struck) strike(leader);
        struck = true;
      },
    });
    const { game } = (await eventually(() => bed.create('ann', 'mine'), LIMIT)).info;
    const successor = await bed.simulation('sim-b');

    owner.drain();

    await eventually(() => expect(struck).toBe(true), LIMIT);
    await eventually(() => expect(bed.claims.epochs.get(game)).toBe(2), LIMIT);
    await hasOneOwner(bed, game, [owner, successor]);
    expect(successor.hosted.has(game)).toBe(true);
    expect((await bed.leader())?.holder).toBe('mm-b');
    if (name === 'stopped') await wakesToNothing(bed, leader, game);
    await hasOneOwner(bed, game, [owner, successor]);
  }, 90_000);

  it('between a claim and the write of the registry leaves a game that the other one registers', async () => {
    await using bed = await TestBed.start();
    const leader = await leaderOfTwo(bed);
    const first = await bed.simulation('sim-a');
    const { game } = (await eventually(() => bed.create('ann', 'mine'), LIMIT)).info;
    let struck = false;
    const second = await bed.simulation('sim-b', {
      onHost: () => {
        if (!struck) strike(leader);
        struck = true;
        return undefined;
      },
    });
    await eventually(async () => expect(await bed.processes()).toHaveLength(2), LIMIT);

    await first.leave();

    await eventually(() => expect(struck).toBe(true), LIMIT);
    await hasOneOwner(bed, game, [second]);
    if (name === 'stopped') await wakesToNothing(bed, leader, game);
    await hasOneOwner(bed, game, [second]);
  }, 90_000);

  it('while processes are lost hands its work over, and does nothing wrong when it wakes', async () => {
    await using bed = await TestBed.start();
    const leader = await leaderOfTwo(bed);
    const first = await bed.simulation('sim-a');
    const games: string[] = [];
    for (let n = 0; n < 5; n++)
      games.push((await eventually(() => bed.create('ann', `game-${n}`), LIMIT)).info.game);
    const second = await bed.simulation('sim-b');
    await eventually(async () => expect(await bed.processes()).toHaveLength(2), LIMIT);

    strike(leader);
    first.pause();

    for (const game of games) await hasOneOwner(bed, game, [second]);
    expect((await bed.leader())?.holder).toBe('mm-b');
    const term = (await bed.leader())!.term;
    const claims = bed.claims.log.length;
    leader.resume();
    await eventually(async () => expect((await bed.create('ann', 'after')).info.pod).toBe('sim-b'), LIMIT);
    expect(await bed.leader()).toMatchObject({ holder: 'mm-b', term });
    expect(bed.claims.log.length).toBe(claims + 1);
  }, 90_000);
});

describe.each(Object.entries(ENDS))('a matchmaker that does not lead and is %s', (_name, strike) => {
  it('in the middle of creations leaves none of them half done', async () => {
    await using bed = await TestBed.start();
    await bed.matchmaker({ BREAKWATER_INSTANCE: 'mm-a' });
    await eventually(async () => expect((await bed.leader())?.holder).toBe('mm-a'), LIMIT);
    const follower = await bed.matchmakerProcess('mm-b');
    let struck = false;
    const sim = await bed.simulation('sim-a', {
      onHost: () => {
        if (!struck) strike(follower);
        struck = true;
        return undefined;
      },
    });
    const keys = Array.from({ length: 20 }, (_, n) => `game-${n}`);
    const createAll = () => keys.map((key) => bed.create('ann', key));
    await eventually(async () => {
      for (const creation of createAll()) void creation.catch(() => undefined);
      expect(struck).toBe(true);
    }, LIMIT);

    await eventually(async () => {
      expect(bed.claims.epochs.size).toBeGreaterThan(0);
      for (const game of bed.claims.epochs.keys())
        expect(await bed.entry(game)).toMatchObject({ state: 'running', pod: 'sim-a' });
    }, LIMIT);
    follower.resume();

    const created = new Set<string>();
    for (const key of keys) created.add((await eventually(() => bed.create('ann', key), LIMIT)).info.game);
    expect(created.size).toBe(keys.length);
    expect([...bed.claims.epochs.keys()].sort()).toEqual([...created].sort());
    for (const game of created) await hasOneOwner(bed, game, [sim]);
    expect((await bed.leader())?.holder).toBe('mm-a');
  }, 90_000);
});

it('a matchmaker that stands still for two seconds takes nobody for dead when it wakes', async () => {
  await using bed = await TestBed.start();
  const matchmaker = await bed.matchmakerProcess('mm-a');
  const sims = [await bed.simulation('sim-a', { maxGames: 2 }), await bed.simulation('sim-b')];
  for (let n = 0; n < 4; n++) await eventually(() => bed.create('ann', `game-${n}`), LIMIT);
  const hosted = sims.map((sim) => [...sim.hosted.keys()]);
  const lostProcesses = async () => {
    const page = await (await fetch(`http://127.0.0.1:${matchmaker.ready.httpPort}/metrics`)).text();
    return [...page.matchAll(/^breakwater_matchmaker_(?:lost_processes|repins)_total\S* (\d+)/gm)];
  };

  matchmaker.pause();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  matchmaker.resume();

  // Long enough for a wrong judgement: the leader has renewed its key, and every process was heard again.
  await eventually(() => bed.create('ann', 'after'), LIMIT);
  const before = sims.map((sim) => sim.beats);
  await eventually(() => {
    for (const [index, sim] of sims.entries()) expect(sim.beats).toBeGreaterThan(before[index]! + 10);
  });
  expect((await lostProcesses()).map(([, count]) => Number(count)).filter((count) => count > 0)).toEqual([]);
  expect(bed.claims.log.map(({ epoch }) => epoch)).toEqual([1, 1, 1, 1, 1]);
  for (const [index, sim] of sims.entries())
    for (const game of hosted[index]!) expect(sim.hosted.has(game)).toBe(true);
}, 60_000);

it('a leader that ends in order is followed at once', async () => {
  await using bed = await TestBed.start();
  // By standing still alone the key would be free after a minute.
  const slow = { BREAKWATER_MATCHMAKER_LEADER_TAKEOVER_MS: '60000' };
  const first = await bed.matchmaker({ BREAKWATER_INSTANCE: 'mm-a', ...slow });
  await eventually(async () => expect((await bed.leader())?.holder).toBe('mm-a'));
  await bed.matchmaker({ BREAKWATER_INSTANCE: 'mm-b', ...slow });

  await first.shutdown({ drain: true });

  await eventually(async () =>
    expect(await bed.leader()).toMatchObject({ holder: 'mm-b', term: 2, isVacant: false }),
  );
});

it('a leader that ends in order finishes the moves that it began', async () => {
  await using bed = await TestBed.start();
  const leader = await bed.matchmaker();
  const { promise: released, resolve: letGo } = Promise.withResolvers<void>();
  const owner = await bed.simulation('sim-a', { onRelease: () => released });
  const { game } = (await eventually(() => bed.create('ann', 'mine'))).info;
  const successor = await bed.simulation('sim-b');
  owner.drain();
  await eventually(() => expect(owner.releaseRequests).toHaveLength(1));

  const ended = leader.shutdown({ drain: true });
  await eventually(async () => expect((await bed.leader())?.isVacant).toBe(true));
  letGo();

  expect((await ended).clean).toBe(true);
  expect(successor.hostRequests).toMatchObject([{ game, epoch: 2, tailSeq: 1_001 }]);
  expect(await bed.entry(game)).toMatchObject({ pod: 'sim-b', epoch: 2 });
});
