import type { GameEntry, SimStatus } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import { FakeClock } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { HeardTime } from './heard-time.ts';
import { Hostings } from './hostings.ts';
import { Fleet } from './liveness.ts';
import { Mirror } from './mirror.ts';
import { newEntry } from './registry.ts';
import { Repinner } from './repinner.ts';

const HEARTBEAT_MS = 300;
const fleetLimits = {
  heartbeatMs: HEARTBEAT_MS,
  missedHeartbeats: 3,
  maxProcesses: 10,
  reconnectGraceMs: 1_500,
};
const limits = {
  placement: { policy: 'packed', maxLoad: 0.9 },
  heartbeatMs: HEARTBEAT_MS,
  maxRepins: 4,
  repinsPerSecond: 10,
  repinRetryMs: 1_000,
  startingWaitMs: 2_000,
} as const;

function status(pod: string, n: number, maxGames: number): SimStatus {
  const types = [{ type: 'world', schemaVersion: 1, maxPlayers: 9 }];
  const rest = { incarnation: 'i', games: 0, load: 0, tickP99Ms: 0, digest: 0, changed: [] };
  return { pod, n, types, maxGames, ...rest, isDraining: false, isLeaving: false };
}

/** A repinner whose games are hosted `hostMs` after they were handed out, by a process that is always there. */
class Bench {
  readonly clock = new FakeClock();
  readonly heard = new HeardTime(HEARTBEAT_MS);
  readonly fleet = new Fleet(fleetLimits, this.heard);
  readonly hostings = new Hostings();
  readonly mirror = new Mirror();
  readonly asked: string[] = [];
  readonly outcomes: string[] = [];
  readonly repinner: Repinner;
  isLeader = true;
  refuses = false;
  /** Processes do not say what they host. */
  isSilent = false;
  /** Games whose hosting takes five seconds and fails. */
  readonly stuck = new Set<string>();
  maxGames = 1_000;
  running = 0;
  mostRunning = 0;
  #n = 0;

  constructor() {
    const { clock, heard, fleet, mirror } = this;
    const pinning = {
      isPinning: () => false,
      confirm: async ({ game }: GameEntry) =>
        this.#hostingOf(game) ?? (this.isSilent ? ('silent' as const) : undefined),
      hostingOf: (game: string) => this.#hostingOf(game),
      ensureHosted: (entry: GameEntry) => this.#host(entry),
    };
    this.repinner = new Repinner({
      ...{ clock, heard, fleet, mirror, pinning, limits },
      time: clock,
      isLeader: () => this.isLeader,
      onRepin: (_game, cause, outcome) => this.outcomes.push(`${cause} ${outcome}`),
      onError: (error) => {
        throw error;
      },
    });
  }

  /** Registers games that this process hosted last; without one their creation is under way. */
  register(count: number, pod?: string): this {
    for (let n = 0; n < count; n++) {
      const game = `game-${++this.#n}`;
      const place = { pod: 'x', schemaVersion: 1, maxPlayers: 9 };
      const entry = { ...newEntry({ game, type: 'world', user: 'ann' }, place, 1, 0), players: n };
      const running = { ...entry, pod: pod ?? '', state: 'running', epoch: 1 } as const;
      this.mirror.put(pod === undefined ? entry : running, this.#n);
    }
    return this;
  }

  /** Heartbeats of our own and of the processes named. */
  async beats(count: number, ...pods: string[]): Promise<void> {
    for (let n = 0; n < count; n++) {
      for (const pod of pods) this.fleet.heard(status(pod, ++this.#n, this.maxGames));
      this.fleet.echo(this.clock.monotonicMs());
      this.repinner.look();
      await this.clock.advanceAsync(HEARTBEAT_MS);
    }
  }

  #hostingOf(game: string) {
    const hosting = this.hostings.of(game);
    return hosting !== undefined && this.fleet.isLive(hosting.pod) ? hosting : undefined;
  }

  async #host(entry: GameEntry): Promise<GameEntry> {
    const { game, type, schemaVersion, players } = entry;
    this.asked.push(game);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    const isStuck = this.stuck.has(game);
    await new Promise<void>((resolve) => this.clock.after(isStuck ? 5_000 : 50, resolve));
    this.running -= 1;
    if (isStuck) throw new ProtocolError('unavailable');
    if (this.refuses) throw new ProtocolError('no_capacity');
    const line = { game, type, schemaVersion, players, epoch: entry.epoch + 1, state: 'running' } as const;
    this.hostings.change('new', [line]);
    return entry;
  }
}

test('what runs is heard first, then lost games are hosted again, those with the most players first', async () => {
  const bench = new Bench().register(3, 'old');
  await bench.beats(3, 'new');
  expect(bench.asked).toEqual([]);
  await bench.beats(1, 'new');
  expect(bench.asked).toEqual(['game-3', 'game-2', 'game-1']);
  expect(bench.outcomes).toEqual(['lost hosted', 'lost hosted', 'lost hosted']);
});

test('so many at once and so many a second, and in the end all', async () => {
  const bench = new Bench().register(60, 'old');
  await bench.beats(4, 'new');
  // A second's worth at once, and what one heartbeat adds.
  expect(bench.asked.length).toBeGreaterThanOrEqual(10);
  expect(bench.asked.length).toBeLessThanOrEqual(13);
  expect(bench.mostRunning).toBe(4);
  await bench.beats(10, 'new');
  expect(bench.asked.length).toBeLessThanOrEqual(43);
  expect(bench.repinner.waiting).toBe(60 - bench.asked.length);
  await bench.beats(10, 'new');
  expect(new Set(bench.asked).size).toBe(60);
  expect(bench.asked).toHaveLength(60);
  await bench.beats(1, 'new');
  expect(bench.repinner.waiting).toBe(0);
});

test('without room nothing is tried, and a refusal is tried again after a pause', async () => {
  const bench = new Bench().register(1, 'old');
  bench.maxGames = 0;
  await bench.beats(10, 'new');
  expect(bench.asked).toEqual([]);
  expect(bench.repinner.waiting).toBe(1);
  bench.maxGames = 10;
  bench.refuses = true;
  await bench.beats(8, 'new');
  expect(bench.outcomes).toEqual(['lost no_capacity', 'lost no_capacity']);
  bench.refuses = false;
  await bench.beats(4, 'new');
  expect(bench.outcomes.at(-1)).toBe('lost hosted');
});

test('a game whose process lives is given a moment, a creation is left to who began it', async () => {
  const bench = new Bench().register(1, 'new').register(1);
  await bench.beats(5, 'new');
  expect(bench.asked).toEqual([]);
  await bench.beats(1, 'new');
  expect(bench.outcomes).toEqual(['dropped hosted']);
  await bench.beats(4, 'new');
  expect(bench.asked).toHaveLength(1);
  await bench.beats(2, 'new');
  expect(bench.outcomes).toEqual(['dropped hosted', 'starting hosted']);
});

test('who does not lead tries nothing and has nobody waiting', async () => {
  const bench = new Bench().register(2, 'old');
  bench.isLeader = false;
  await bench.beats(10, 'new');
  expect(bench.asked).toEqual([]);
  expect(bench.repinner.waiting).toBe(0);
  bench.isLeader = true;
  await bench.beats(1, 'new');
  expect(bench.asked).toHaveLength(2);
});

test('after our own connection came back nothing is taken for lost that was not before', async () => {
  const bench = new Bench().register(2, 'old');
  await bench.beats(1, 'new', 'old');
  bench.hostings.replace('old', [
    { game: 'game-1', epoch: 1, type: 'world', schemaVersion: 1, players: 0, state: 'running' },
    { game: 'game-2', epoch: 1, type: 'world', schemaVersion: 1, players: 0, state: 'running' },
  ]);
  await bench.beats(3, 'new', 'old');
  bench.fleet.reconnected();
  await bench.beats(8, 'new');
  expect(bench.asked).toEqual([]);
  await bench.beats(2, 'new');
  expect(bench.asked).toHaveLength(2);
});

test('games that nobody can host hold up no others, however many play in them', async () => {
  const bench = new Bench().register(16, 'old');
  for (let n = 5; n <= 16; n++) bench.stuck.add(`game-${n}`);
  await bench.beats(80, 'new');
  expect(bench.hostings.on('new').map(({ game }) => game)).toEqual(['game-4', 'game-3', 'game-2', 'game-1']);
  expect(bench.repinner.waiting).toBe(12);
});

test('a game is not taken from a process that lives and does not answer, unless that goes on', async () => {
  const bench = new Bench().register(1, 'new');
  bench.isSilent = true;
  await bench.beats(20, 'new');
  expect(bench.asked).toEqual([]);
  expect(new Set(bench.outcomes)).toEqual(new Set(['dropped unavailable']));
  await bench.beats(10, 'new');
  expect(bench.outcomes.at(-1)).toBe('dropped hosted');
});
