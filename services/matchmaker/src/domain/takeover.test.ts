import type { GameEntry, HostedGame, LeaderRecord, SimStatus } from '@breakwater/bus';
import { FakeClock } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { schema } from '../config.ts';
import { HeardTime } from './heard-time.ts';
import { type LeaderSeen, type LeaderStore, Leadership } from './leadership.ts';
import { Fleet } from './liveness.ts';
import { Mirror } from './mirror.ts';
import { newEntry } from './registry.ts';
import { Repinner } from './repinner.ts';

/** No game is without an attempt for longer, whatever becomes of a matchmaker, ms. */
const LIMIT_MS = 3_000;
const STEP_MS = 50;
const OWNER = 'sim-old';
const LINE: HostedGame = {
  ...{ game: 'game', epoch: 1, type: 'world', schemaVersion: 1 },
  ...{ players: 1, state: 'running' },
};

/** The settings as they come. */
const limits = {
  heartbeatMs: schema.heartbeatMs.default!,
  missedHeartbeats: schema.missedHeartbeats.default!,
  reconnectGraceMs: schema.reconnectGraceMs.default!,
  maxProcesses: schema.maxProcesses.default!,
  leaderLimitMs: schema.leaderLimitMs.default!,
  leaderTakeoverMs: schema.leaderTakeoverMs.default!,
  maxRepins: schema.maxRepins.default!,
  repinsPerSecond: schema.repinsPerSecond.default!,
  repinRetryMs: schema.repinRetryMs.default!,
  startingWaitMs: schema.startingWaitMs.default!,
  placement: { policy: 'packed', maxLoad: 0.9 },
} as const;

function status(pod: string, n: number): SimStatus {
  const types = [{ type: 'world', schemaVersion: 1, maxPlayers: 9 }];
  const rest = { incarnation: 'i', games: 0, maxGames: 9, load: 0, tickP99Ms: 0, digest: 0, changed: [] };
  return { pod, n, types, ...rest, isDraining: false, isLeaving: false };
}

function memoryKey(): LeaderStore {
  let seen: LeaderSeen | undefined;
  const write = async (record: LeaderRecord, revision: number | undefined) => {
    if (seen?.revision !== revision) return 'conflict' as const;
    seen = { record, revision: (revision ?? 0) + 1 };
    return { revision: seen.revision };
  };
  return {
    get: async () => seen,
    create: (record) => write(record, undefined),
    update: (record, revision) => write(record, revision),
  };
}

/** What a matchmaker needs to lead and to look after lost games. Its heartbeats come back at once. */
class Replica {
  readonly fleet: Fleet;
  readonly leadership: Leadership;
  readonly #repinner: Repinner;
  readonly #clock: FakeClock;
  readonly #phaseMs: number;
  isStruck = false;
  /** The owner gave the game up, and the one after it has not got it yet. */
  isReleased = false;

  get #isHosted(): boolean {
    return !this.isReleased && this.fleet.isLive(OWNER);
  }

  constructor(self: string, key: LeaderStore, clock: FakeClock, phaseMs: number, onTry: () => void) {
    const heard = new HeardTime(limits.heartbeatMs);
    const mirror = new Mirror();
    const place = { pod: OWNER, schemaVersion: 1, maxPlayers: 9 };
    const entry = newEntry({ game: LINE.game, type: 'world', user: 'ann' }, place, 1, 0);
    mirror.put({ ...entry, pod: OWNER, state: 'running', epoch: 1 }, 1);
    this.#clock = clock;
    this.#phaseMs = phaseMs;
    this.fleet = new Fleet(limits, heard);
    const fail = (error: unknown) => {
      throw error;
    };
    const time = clock;
    const shared = { heard, time, limits, onError: fail };
    this.leadership = new Leadership({ ...shared, self, store: key, nonce: () => self });
    this.#repinner = new Repinner({
      ...{ ...shared, mirror, fleet: this.fleet },
      isLeader: () => this.leadership.isLeader,
      pinning: {
        isPinning: () => false,
        confirm: async () => undefined,
        hostingOf: () => (this.#isHosted ? { pod: OWNER, line: LINE } : undefined),
        ensureHosted: async (wanted: GameEntry) => {
          if (!this.isStruck) onTry();
          return wanted;
        },
      },
      onRepin: () => undefined,
    });
  }

  async step(nowMs: number, heard: readonly string[]): Promise<void> {
    if (this.isStruck || (nowMs - this.#phaseMs) % limits.heartbeatMs !== 0) return;
    for (const pod of heard) this.fleet.heard(status(pod, nowMs));
    this.fleet.echo(this.#clock.monotonicMs());
    await this.leadership.beat();
    this.#repinner.look();
  }
}

/** How long after the leader was struck the other replica tries to host the game, ms. */
async function gapMs(offsetMs: number, phaseMs: number, isOwnerAlive: boolean): Promise<number> {
  const clock = new FakeClock();
  const key = memoryKey();
  const startMs = clock.monotonicMs();
  const strikeMs = 6_000 + offsetMs;
  let triedMs: number | undefined;
  const replicas = [0, phaseMs].map((phase, index) => {
    const self = index === 0 ? 'mm-a' : 'mm-b';
    return new Replica(self, key, clock, phase, () => {
      triedMs ??= clock.monotonicMs() - startMs;
    });
  });
  for (let nowMs = 0; nowMs < strikeMs + 20_000 && triedMs === undefined; nowMs += STEP_MS) {
    const isOver = nowMs >= strikeMs;
    if (isOver) replicas[0]!.isStruck = true;
    for (const replica of replicas) replica.isReleased = isOver && isOwnerAlive;
    const heard = isOver && !isOwnerAlive ? ['sim-new'] : ['sim-new', OWNER];
    for (const replica of replicas) await replica.step(nowMs, heard);
    await clock.advanceAsync(STEP_MS);
  }
  return (triedMs ?? Number.POSITIVE_INFINITY) - strikeMs;
}

test.each([
  ['with the process that owned a game', false],
  ['between release and host, while that process lives on', true],
])(
  'a leader that is struck %s leaves the game without an attempt for three seconds at most',
  async (_name, isOwnerAlive) => {
    let longest = 0;
    for (let offsetMs = 0; offsetMs < limits.heartbeatMs; offsetMs += STEP_MS)
      for (let phaseMs = 0; phaseMs < limits.heartbeatMs; phaseMs += STEP_MS) {
        const gap = await gapMs(offsetMs, phaseMs, isOwnerAlive);
        longest = Math.max(longest, gap);
        expect(gap).toBeGreaterThan(0);
      }
    expect(longest).toBeLessThanOrEqual(LIMIT_MS);
  },
);
