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
  /** Games whose move failed: how often, and when to try again. */
  readonly #failed = new Map<string, { readonly tries: number; readonly nextMs: number }>();

  constructor(parts: DrainsParts) {
    this.#parts = parts;
  }

  /** Begins what can be begun. Called at each heartbeat of ours, of a process that drains, and after each move. */
  look(): void {
    const { isLeader, mover, limits } = this.#parts;
    if (!isLeader()) return;
    const games = this.#games();
    const wanted = new Set(games.map(({ line }) => line.game));
    for (const game of this.#failed.keys()) if (!wanted.has(game)) this.#failed.delete(game);
    for (const { pod, line } of games) {
      if (mover.running >= limits.maxMoves) return;
      if (this.#canMove(pod, line.game)) void this.#move(line.game);
    }
  }

  /** Those that failed least first, so that games which cannot be moved hold up no others; then the emptiest. */
  #games(): { pod: string; line: HostedGame }[] {
    const { fleet, hostings } = this.#parts;
    const toEmpty = fleet.live().filter(({ isToEmpty }) => isToEmpty);
    return toEmpty
      .flatMap(({ status: { pod } }) => hostings.on(pod).map((line) => ({ pod, line })))
      .sort((a, b) => this.#triesOf(a.line) - this.#triesOf(b.line) || a.line.players - b.line.players);
  }

  #triesOf({ game }: HostedGame): number {
    return this.#failed.get(game)?.tries ?? 0;
  }

  #canMove(pod: string, game: string): boolean {
    const { mirror, mover, hostings, time } = this.#parts;
    if (mover.isMoving(game) || hostings.of(game)?.pod !== pod) return false;
    if (time.monotonicMs() < (this.#failed.get(game)?.nextMs ?? 0)) return false;
    const entry = mirror.get(game)?.entry;
    return entry !== undefined && mover.placesBeside(pod, entry).length > 0;
  }

  async #move(game: string): Promise<void> {
    const { mover, time, limits, onError } = this.#parts;
    try {
      await mover.move(game, 'drain');
    } catch (error) {
      const tries = (this.#failed.get(game)?.tries ?? 0) + 1;
      this.#failed.set(game, { tries, nextMs: time.monotonicMs() + limits.moveRetryMs });
      if (!(error instanceof ProtocolError)) onError(error);
    }
    this.look();
  }
}
