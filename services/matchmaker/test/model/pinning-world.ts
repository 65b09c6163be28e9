/** Matchmakers with a registry and simulation processes in memory: the real pinning, every answer of which may be lost. */

import type { GameEntry, SimHost, SimHosted, SimStatus } from '@breakwater/bus';
import { FakeClock } from '@breakwater/testkit';
import { HeardTime } from '../../src/domain/heard-time.ts';
import { Hostings } from '../../src/domain/hostings.ts';
import { Fleet } from '../../src/domain/liveness.ts';
import { Mirror, type Versioned } from '../../src/domain/mirror.ts';
import { Pinning } from '../../src/domain/pinning.ts';
import type { EntryStore, SimPort, WriteResult } from '../../src/domain/ports.ts';
import { Registrar } from '../../src/domain/registrar.ts';

export const PODS: readonly string[] = ['sim-0', 'sim-1', 'sim-2'];
export const GAME = 'game';
const LIMITS = { heartbeatMs: 300, missedHeartbeats: 3, reconnectGraceMs: 300, maxProcesses: 10 };
const SILENCE_MS = 200;

/** What becomes of a request to host: `unheard` claims and its answer is lost, `lost` never arrives. */
export const FATES = ['answered', 'unheard', 'lost', 'no_capacity'] as const;
export type Fate = (typeof FATES)[number];

interface MatchmakerParts {
  readonly fleet: Fleet;
  readonly hostings: Hostings;
  readonly registrar: Registrar;
  readonly pinning: Pinning;
}

export class PinningWorld {
  readonly clock = new FakeClock();
  readonly violations: string[] = [];
  /** Fates of the next requests. */
  readonly fates: Fate[] = [];
  /** Epochs that were handed out, in order. */
  readonly handedOut: number[] = [];
  /** The epoch of the log's claim. */
  claim = 0;
  #owner: string | undefined;
  readonly #matchmakers: MatchmakerParts[];
  #stored: Versioned = { entry: ENTRY, revision: 1 };

  constructor(matchmakers = 2) {
    this.#matchmakers = Array.from({ length: matchmakers }, () => this.#start());
  }

  get registered(): GameEntry {
    return this.#stored.entry;
  }

  get owner(): string | undefined {
    return this.#owner;
  }

  /** Undefined when it could not be done now. */
  async ensureHosted(index: number): Promise<GameEntry | undefined> {
    const { pinning, registrar } = this.#at(index);
    const known = await registrar.read(GAME);
    return known && pinning.ensureHosted(known.entry).catch(() => undefined);
  }

  /** The matchmaker starts anew and knows nothing. */
  crash(index: number): void {
    this.#matchmakers[index] = this.#start();
  }

  /** The process that owns the game is no more. */
  killOwner(): void {
    if (this.#owner === undefined) return;
    for (const { fleet, hostings } of this.#matchmakers) {
      fleet.gone(this.#owner);
      hostings.drop(this.#owner);
    }
    this.#owner = undefined;
  }

  /** A heartbeat of every process reaches this matchmaker. */
  hear(index: number): void {
    const { fleet, hostings } = this.#at(index);
    for (const pod of PODS) {
      fleet.heard(statusOf(pod));
      hostings.replace(pod, pod === this.#owner ? [lineAt(this.claim)] : []);
    }
    fleet.echo(this.clock.monotonicMs());
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advanceAsync(ms);
  }

  #at(index: number): MatchmakerParts {
    const found = this.#matchmakers[index];
    if (found === undefined) throw new RangeError(`there is no matchmaker ${index}`);
    return found;
  }

  #start(): MatchmakerParts {
    const fleet = new Fleet(LIMITS, new HeardTime(LIMITS.heartbeatMs));
    const hostings = new Hostings();
    const registrar = new Registrar(this.#store(), new Mirror());
    const pinning = new Pinning({
      fleet,
      hostings,
      registrar,
      sims: this.#sims(),
      time: this.clock,
      limits: {
        placement: { policy: 'spread', maxLoad: 1 },
        maxHostAttempts: 5,
        claimReportMs: 400,
        epochFloor: 1,
      },
    });
    return { fleet, hostings, registrar, pinning };
  }

  #store(): EntryStore {
    return {
      get: async () => {
        await this.#soon();
        return this.#stored;
      },
      create: async () => 'conflict',
      update: async (entry, revision): Promise<WriteResult> => {
        await this.#soon();
        if (revision !== this.#stored.revision) return 'conflict';
        this.#stored = { entry, revision: revision + 1 };
        if (entry.epoch > this.claim)
          this.violations.push(`the registry says ${entry.epoch}, the log ${this.claim}`);
        return { revision: revision + 1 };
      },
      remove: async () => 'conflict',
    };
  }

  #sims(): SimPort {
    return {
      host: (pod, request) => this.#host(pod, request),
      warm: async () => 'silent',
      release: async () => 'silent',
      list: async (pod) => ({ games: pod === this.#owner ? [lineAt(this.claim)] : [] }),
    };
  }

  async #host(pod: string, { epoch }: SimHost): Promise<SimHosted | 'silent'> {
    this.handedOut.push(epoch);
    if (epoch > this.claim + 1) this.violations.push(`${epoch} was handed out, the log is at ${this.claim}`);
    const fate = this.fates.shift() ?? 'answered';
    await this.#soon();
    if (fate === 'no_capacity') return { outcome: 'refused', refusal: 'no_capacity', epoch: 0 };
    const answer = fate === 'lost' ? undefined : this.#append(pod, epoch);
    if (fate === 'answered' && answer !== undefined) return answer;
    await this.pause(SILENCE_MS);
    return 'silent';
  }

  /** As the log decides. */
  #append(pod: string, epoch: number): SimHosted {
    if (epoch <= this.claim) return { outcome: 'refused', refusal: 'claimed', epoch: this.claim };
    this.claim = epoch;
    this.#owner = pod;
    return { outcome: 'hosted', epoch };
  }

  #soon(): Promise<void> {
    return this.pause(5);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }
}

const ENTRY: GameEntry = {
  game: GAME,
  type: 'lab',
  schemaVersion: 1,
  title: 'a game',
  state: 'starting',
  epoch: 0,
  players: 0,
  maxPlayers: 10,
  createdBy: 'ann',
  createdAt: 0,
  changedAt: 0,
  options: {},
  seed: 1,
  seats: [],
};

function statusOf(pod: string): SimStatus {
  const types = [{ type: 'lab', schemaVersion: 1, maxPlayers: 10 }];
  const load = { games: 0, maxGames: 10, load: 0, tickP99Ms: 1, digest: 0 };
  return { pod, incarnation: 'one', n: 1, types, ...load, isDraining: false, isLeaving: false, changed: [] };
}

function lineAt(epoch: number) {
  return { game: GAME, epoch, type: 'lab', schemaVersion: 1, players: 0, state: 'running' } as const;
}
