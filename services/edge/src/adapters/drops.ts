import type { GameId, GameInput } from '@breakwater/bus';
import type { Clock } from '@breakwater/service-kit';

const REPEAT_MS = 5_000;
const KEEP_MS = 30_000;
const MAX_KEPT = 20_000;

interface Drop {
  readonly game: GameId;
  readonly pid: number;
  readonly join: number;
  readonly untilMs: number;
}

/**
 * Tells the owners of games whose players' sockets fell. Nobody answers that, and an owner can be on its way to
 * another process, so it is said again for a while; the join's number makes it harmless when the player is back.
 */
export class Drops {
  readonly #clock: Clock;
  readonly #tell: (game: GameId, input: GameInput) => void;
  #kept: Drop[] = [];
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, tell: (game: GameId, input: GameInput) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  start(): void {
    this.#stopTimer = this.#clock.every(REPEAT_MS, () => this.#repeatAll());
  }

  stop(): void {
    this.#stopTimer?.();
  }

  add(game: GameId, pid: number, join: number): void {
    const drop = { game, pid, join, untilMs: this.#clock.monotonicMs() + KEEP_MS };
    if (this.#kept.length < MAX_KEPT) this.#kept.push(drop);
    this.#say(drop);
  }

  /** The game has a new owner. */
  repeat(game: GameId): void {
    for (const drop of this.#kept) if (drop.game === game) this.#say(drop);
  }

  #repeatAll(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#kept = this.#kept.filter((drop) => drop.untilMs > nowMs);
    for (const drop of this.#kept) this.#say(drop);
  }

  #say({ game, pid, join }: Drop): void {
    this.#tell(game, { kind: 'dropped', pid, join });
  }
}
