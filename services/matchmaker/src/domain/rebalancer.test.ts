import type { HostedGame, SimStatus } from '@breakwater/bus';
import { FakeClock } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { HeardTime } from './heard-time.ts';
import { Hostings } from './hostings.ts';
import { Fleet } from './liveness.ts';
import { Mirror } from './mirror.ts';
import { placesFor } from './placement.ts';
import { Rebalancer } from './rebalancer.ts';
import { newEntry } from './registry.ts';

const fleetLimits = { heartbeatMs: 300, missedHeartbeats: 3, maxProcesses: 10, reconnectGraceMs: 0 };
const limits = {
  rebalance: true,
  rebalanceTickBudgetMs: 20,
  rebalanceHeartbeats: 3,
  rebalanceMovesPerMinute: 6,
};
const place = { pod: 'slow', schemaVersion: 1, maxPlayers: 9 };

class Bench {
  readonly clock = new FakeClock();
  readonly fleet = new Fleet(fleetLimits, new HeardTime(300));
  readonly hostings = new Hostings();
  readonly mirror = new Mirror();
  readonly moves: string[] = [];
  readonly rebalancer: Rebalancer;
  isLeader = true;
  #n = 0;

  constructor(more: Partial<typeof limits> = {}) {
    const mover = {
      move: async (game: string, cause: string, to?: string) => {
        this.moves.push(`${game} ${cause} ${to}`);
        this.hostings.forget('slow', game);
        return this.mirror.get(game)!.entry;
      },
      placesBeside: (pod: string, entry: Parameters<typeof placesFor>[0]) => {
        const others = this.fleet.live().filter(({ status }) => status.pod !== pod);
        return placesFor(entry, others, { policy: 'packed', maxLoad: 0.9 });
      },
      isMoving: () => false,
    };
    const { fleet, hostings, mirror, clock } = this;
    this.rebalancer = new Rebalancer({
      fleet,
      hostings,
      mirror,
      mover,
      time: clock,
      limits: { ...limits, ...more },
      isLeader: () => this.isLeader,
      onError: (error) => {
        throw error;
      },
    });
  }

  /** The slow process hosts games with these many players. */
  host(...players: number[]): this {
    const lines = players.map((count): HostedGame => {
      const game = `game${count}`;
      this.mirror.put(newEntry({ game, type: 'world', user: 'ann' }, place, 1, 0), ++this.#n);
      return { game, epoch: 1, type: 'world', schemaVersion: 1, players: count, state: 'running' };
    });
    this.hostings.replace('slow', lines);
    return this;
  }

  /** Heartbeats of the processes with their tick times, each followed by a look. */
  async beats(count: number, ticks: Readonly<Record<string, number>>): Promise<void> {
    for (let n = 0; n < count; n++) {
      for (const [pod, tickP99Ms] of Object.entries(ticks)) {
        const status = this.#status(pod, tickP99Ms);
        this.fleet.heard(status);
        this.rebalancer.status(status);
      }
      this.fleet.echo(this.clock.monotonicMs());
      this.rebalancer.look();
      await this.clock.advanceAsync(300);
    }
  }

  #status(pod: string, tickP99Ms: number): SimStatus {
    const types = [{ type: 'world', schemaVersion: 1, maxPlayers: 9 }];
    const rest = { incarnation: 'i', games: 0, maxGames: 10, load: 0, digest: 0, changed: [] };
    return { pod, n: ++this.#n, types, tickP99Ms, ...rest, isDraining: false, isLeaving: false };
  }
}

test('a process that is slow for several heartbeats gives its smallest busy game to a calm one', async () => {
  const bench = new Bench().host(0, 5, 2);
  await bench.beats(2, { slow: 30, calm: 1 });
  expect(bench.moves).toEqual([]);
  await bench.beats(1, { slow: 30, calm: 1 });
  expect(bench.moves).toEqual(['game2 rebalance calm']);
});

test('one good heartbeat begins the count anew', async () => {
  const bench = new Bench().host(5, 2);
  await bench.beats(2, { slow: 30, calm: 1 });
  await bench.beats(1, { slow: 20, calm: 1 });
  await bench.beats(2, { slow: 30, calm: 1 });
  expect(bench.moves).toEqual([]);
});

test('a process that is not calm itself takes nothing, so nothing wanders back and forth', async () => {
  const bench = new Bench().host(5, 2);
  await bench.beats(20, { slow: 30, busy: 11 });
  expect(bench.moves).toEqual([]);
  await bench.beats(1, { slow: 30, busy: 10 });
  expect(bench.moves).toEqual(['game2 rebalance busy']);
});

test('moves are limited by the minute', async () => {
  const bench = new Bench().host(1, 2, 3, 4, 5, 6, 7, 8, 9);
  await bench.beats(100, { slow: 30, calm: 1 });
  // Half a minute: one at once, then one every ten seconds.
  expect(bench.moves).toHaveLength(3);
});

test('a game that is alone in its process stays', async () => {
  const bench = new Bench().host(0, 5);
  await bench.beats(20, { slow: 30, calm: 1 });
  expect(bench.moves).toEqual([]);
});

test('nothing is moved where it is off, and by nobody but the leader', async () => {
  const off = new Bench({ rebalance: false }).host(5, 2);
  const following = new Bench().host(5, 2);
  following.isLeader = false;
  for (const bench of [off, following]) {
    await bench.beats(20, { slow: 30, calm: 1 });
    expect(bench.moves).toEqual([]);
  }
  following.isLeader = true;
  await following.beats(1, { slow: 30, calm: 1 });
  expect(following.moves).toHaveLength(1);
});
