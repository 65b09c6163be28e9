import type { GameId, GameInput } from '@breakwater/bus';
import type { Clock } from '@breakwater/service-kit';

const REPEAT_MS = 5_000;
const KEEP_MS = 30_000;
const MAX_KEPT = 20_000;

export interface Drop {
  readonly game: GameId;
  readonly pid: number;
  readonly join: number;
  /** Of a volatile game: the owner whose seat it was. Another one may have given it to somebody else. */
  readonly epoch: number | undefined;
}

interface KeptDrop extends Drop {
  readonly untilMs: number;
}

export interface DropPorts {
  tell(game: GameId, input: GameInput): void;
  /** Whether the seats of this epoch of a volatile game are its owner's still, as far as is known here. */
  isOwnedAt(game: GameId, epoch: number): boolean;
}

/**
 * Tells the owners of games whose players' sockets fell. Nobody answers that, and an owner can be on its way to
 * another process, so it is said again for a while; the join's number makes it harmless when the player is back. Of a
 * volatile game it is said to one owner only: the next one waits for its players itself.
 */
export class Drops {
  readonly #clock: Clock;
  readonly #ports: DropPorts;
  #kept: KeptDrop[] = [];
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, ports: DropPorts) {
    this.#clock = clock;
    this.#ports = ports;
  }

  start(): void {
    this.#stopTimer = this.#clock.every(REPEAT_MS, () => this.#repeatAll());
  }

  stop(): void {
    this.#stopTimer?.();
  }

  add(drop: Drop): void {
    if (this.#kept.length < MAX_KEPT)
      this.#kept.push({ ...drop, untilMs: this.#clock.monotonicMs() + KEEP_MS });
    this.#say(drop);
  }

  /** The game has a new owner. */
  onOwner(game: GameId): void {
    this.#kept = this.#kept.filter((drop) => drop.game !== game || this.#isHeld(drop));
    for (const drop of this.#kept) if (drop.game === game) this.#say(drop);
  }

  #repeatAll(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#kept = this.#kept.filter((drop) => drop.untilMs > nowMs && this.#isHeld(drop));
    for (const drop of this.#kept) this.#say(drop);
  }

  #isHeld({ game, epoch }: Drop): boolean {
    return epoch === undefined || this.#ports.isOwnedAt(game, epoch);
  }

  #say({ game, pid, join }: Drop): void {
    this.#ports.tell(game, { kind: 'dropped', pid, join });
  }
}
