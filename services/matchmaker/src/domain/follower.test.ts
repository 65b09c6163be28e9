import type { SimGames, SimStatus } from '@breakwater/bus';
import { FakeClock } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { Follower } from './follower.ts';
import { HeardTime } from './heard-time.ts';
import { Hostings } from './hostings.ts';
import { Fleet } from './liveness.ts';
import { Mirror } from './mirror.ts';
import type { EntryStore } from './ports.ts';
import { Registrar } from './registrar.ts';

const HEARTBEAT_MS = 300;
const LIMITS = { heartbeatMs: HEARTBEAT_MS, missedHeartbeats: 3, maxProcesses: 9, reconnectGraceMs: 1_500 };
const LINE = { game: 'g', epoch: 1, type: 'world', schemaVersion: 1, players: 0, state: 'running' } as const;

const emptyStore: EntryStore = {
  get: async () => undefined,
  create: async () => 'conflict',
  update: async () => 'conflict',
  remove: async () => 'conflict',
};

function status(pod: string, n: number): SimStatus {
  const rest = { incarnation: 'i', games: 1, maxGames: 9, load: 0, tickP99Ms: 0, changed: [] };
  return { pod, n, digest: 12345, types: [], ...rest, isDraining: false, isLeaving: false };
}

/** A follower of processes that say only in their lists what they host. */
function bench() {
  const clock = new FakeClock();
  const fleet = new Fleet(LIMITS, new HeardTime(HEARTBEAT_MS));
  const hostings = new Hostings();
  const mirror = new Mirror();
  const asked: string[] = [];
  let news = 0;
  const list = async (pod: string): Promise<SimGames> => {
    asked.push(pod);
    return { games: [LINE] };
  };
  const follower = new Follower({
    ...{ fleet, hostings, mirror, time: clock },
    registrar: new Registrar(emptyStore, mirror),
    sims: { list, host: async () => 'silent', warm: async () => 'silent', release: async () => 'silent' },
    limits: { countsWriteMs: 100, listIntervalMs: 60_000 },
    rankOf: () => 0,
    onNews: () => {
      news += 1;
    },
    onError: (error) => {
      throw error;
    },
  });
  return { clock, fleet, hostings, follower, asked, news: () => news };
}

test('whoever takes a process for gone, all that was known of it is forgotten', async () => {
  const { clock, fleet, hostings, follower, asked, news } = bench();
  fleet.echo(0);
  follower.status(status('sim-a', 1));
  await clock.advanceAsync(1);
  expect(asked).toEqual(['sim-a']);
  expect(hostings.of('g')?.pod).toBe('sim-a');
  const before = news();

  for (let nowMs = 300; nowMs <= 600; nowMs += 300) fleet.echo(nowMs);
  expect(fleet.unanswered('sim-a')).toBe(true);

  expect(hostings.of('g')).toBeUndefined();
  expect(news()).toBe(before + 1);
  // When it was asked last is forgotten as well: it need not wait for a minute.
  follower.status(status('sim-a', 2));
  await clock.advanceAsync(1);
  expect(asked).toEqual(['sim-a', 'sim-a']);
  expect(hostings.of('g')?.pod).toBe('sim-a');
});

test('a process that leaves is forgotten at once', async () => {
  const { clock, fleet, hostings, follower, news } = bench();
  follower.status(status('sim-a', 1));
  await clock.advanceAsync(1);
  const before = news();

  follower.status({ ...status('sim-a', 2), isLeaving: true });

  expect(fleet.isLive('sim-a')).toBe(false);
  expect(hostings.of('g')).toBeUndefined();
  expect(news()).toBe(before + 1);
});
