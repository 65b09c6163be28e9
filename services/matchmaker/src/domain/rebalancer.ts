import type { GameEntry, HostedGame, SimStatus } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Hostings } from './hostings.ts';
import type { Fleet, SimProcess } from './liveness.ts';
import type { Mirror } from './mirror.ts';
import type { Mover } from './mover.ts';
import { Pace } from './pace.ts';
import type { Time } from './ports.ts';

export interface RebalanceLimits {
  readonly rebalance: boolean;
  /** A process whose ticks take longer than this (99th percentile) has too much to do, ms. */
  readonly rebalanceTickBudgetMs: number;
  /** Heartbeats in a row above the budget before a game is moved away. */
  readonly rebalanceHeartbeats: number;
  readonly rebalanceMovesPerMinute: number;
}

export interface RebalancerParts {
  readonly fleet: Fleet;
  readonly hostings: Hostings;
  readonly mirror: Mirror;
  readonly mover: Pick<Mover, 'move' | 'placesBeside' | 'isMoving'>;
  readonly time: Time;
  readonly limits: RebalanceLimits;
  readonly isLeader: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** Only a process that is this far below the budget takes a game, so that games do not wander back and forth. */
const CALM_SHARE = 0.5;

/** Moves games away from processes whose ticks take too long, one at a time. */
export class Rebalancer {
  readonly #parts: RebalancerParts;
  readonly #pace: Pace;
  /** Heartbeats in a row above the budget. */
  readonly #slow = new Map<string, number>();
  #isMoving = false;

  constructor(parts: RebalancerParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.limits.rebalanceMovesPerMinute / 60, 1);
  }

  /** A heartbeat of a process. */
  status({ pod, tickP99Ms }: SimStatus): void {
    const { limits, fleet } = this.#parts;
    if (!limits.rebalance || !fleet.isLive(pod)) return;
    if (tickP99Ms <= limits.rebalanceTickBudgetMs) this.#slow.delete(pod);
    else this.#slow.set(pod, (this.#slow.get(pod) ?? 0) + 1);
  }

  /** Moves a game, if one is to be moved. Called at each own heartbeat that came back. */
  look(): void {
    const { limits, isLeader, fleet, time } = this.#parts;
    for (const pod of this.#slow.keys()) if (!fleet.isLive(pod)) this.#slow.delete(pod);
    if (!limits.rebalance || this.#isMoving || !isLeader()) return;
    const choice = this.#choose();
    if (choice !== undefined && this.#pace.take(time.monotonicMs())) void this.#move(choice);
  }

  #choose(): { game: string; from: string; to: string } | undefined {
    const processes = this.#parts.fleet.live();
    for (const { status } of this.#overloaded(processes)) {
      for (const { game } of this.#movable(status.pod)) {
        const to = this.#calmPlace(status.pod, this.#parts.mirror.get(game)?.entry, processes);
        if (to !== undefined) return { game, from: status.pod, to };
      }
    }
    return undefined;
  }

  /** The slowest first. */
  #overloaded(processes: readonly SimProcess[]): SimProcess[] {
    const needed = this.#parts.limits.rebalanceHeartbeats;
    return processes
      .filter(({ status }) => (this.#slow.get(status.pod) ?? 0) >= needed && !status.isDraining)
      .sort((a, b) => b.status.tickP99Ms - a.status.tickP99Ms);
  }

  /** Games with players, the fewest first; a game that is alone in its process would be as slow elsewhere. */
  #movable(pod: string): HostedGame[] {
    const { hostings, mover } = this.#parts;
    const busy = hostings.on(pod).filter(({ players }) => players > 0);
    if (busy.length < 2) return [];
    return busy.filter(({ game }) => !mover.isMoving(game)).sort((a, b) => a.players - b.players);
  }

  #calmPlace(from: string, entry: GameEntry | undefined, all: readonly SimProcess[]): string | undefined {
    if (entry === undefined) return undefined;
    const limitMs = this.#parts.limits.rebalanceTickBudgetMs * CALM_SHARE;
    const calm = new Set(
      all.filter(({ status }) => status.tickP99Ms <= limitMs).map(({ status }) => status.pod),
    );
    return this.#parts.mover.placesBeside(from, entry).find(({ pod }) => calm.has(pod))?.pod;
  }

  async #move({ game, from, to }: { game: string; from: string; to: string }): Promise<void> {
    this.#isMoving = true;
    try {
      await this.#parts.mover.move(game, 'rebalance', to);
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.#parts.onError(error);
    } finally {
      // Both show anew how they are before anything else is moved.
      this.#slow.delete(from);
      this.#slow.delete(to);
      this.#isMoving = false;
    }
  }
}
