import type { HostedGame } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Hostings } from './hostings.ts';
import type { Fleet } from './liveness.ts';
import type { Mirror } from './mirror.ts';
import type { Mover } from './mover.ts';
import type { Time } from './ports.ts';

export interface DrainLimits {
  /** Games that are moved at once. */
  readonly maxMoves: number;
  /** Pause before the next try of a game whose move failed, ms. */
  readonly moveRetryMs: number;
}

export interface DrainsParts {
  readonly fleet: Fleet;
  readonly hostings: Hostings;
  readonly mirror: Mirror;
  readonly mover: Mover;
  readonly time: Time;
  readonly limits: DrainLimits;
  readonly isLeader: () => boolean;
  readonly onError: (error: unknown) => void;
}

/**
 * Empties processes that drain or are about to be scaled away: a few games at a time, those with the fewest players
 * first, as room appears.
 */
export class Drains {
  readonly #parts: DrainsParts;
  /** Games whose move failed, and when to try again. */
  readonly #postponed = new Map<string, number>();

  constructor(parts: DrainsParts) {
    this.#parts = parts;
  }

  /** Begins what can be begun. Called at each heartbeat of ours, of a process that drains, and after each move. */
  look(): void {
    const { isLeader, mover, limits, time } = this.#parts;
    if (!isLeader()) return;
    for (const [game, untilMs] of this.#postponed)
      if (untilMs <= time.monotonicMs()) this.#postponed.delete(game);
    for (const { pod, line } of this.#games()) {
      if (mover.running >= limits.maxMoves) return;
      if (this.#canMove(pod, line.game)) void this.#move(line.game);
    }
  }

  #games(): { pod: string; line: HostedGame }[] {
    const { fleet, hostings } = this.#parts;
    const toEmpty = fleet.live().filter(({ isToEmpty }) => isToEmpty);
    return toEmpty
      .flatMap(({ status: { pod } }) => hostings.on(pod).map((line) => ({ pod, line })))
      .sort((a, b) => a.line.players - b.line.players);
  }

  #canMove(pod: string, game: string): boolean {
    const { mirror, mover, hostings } = this.#parts;
    if (mover.isMoving(game) || this.#postponed.has(game) || hostings.of(game)?.pod !== pod) return false;
    const entry = mirror.get(game)?.entry;
    return entry !== undefined && mover.placesBeside(pod, entry).length > 0;
  }

  async #move(game: string): Promise<void> {
    const { mover, time, limits, onError } = this.#parts;
    try {
      await mover.move(game, 'drain');
    } catch (error) {
      this.#postponed.set(game, time.monotonicMs() + limits.moveRetryMs);
      if (!(error instanceof ProtocolError)) onError(error);
    }
    this.look();
  }
}
