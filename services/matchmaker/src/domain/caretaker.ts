import type { SimStatus } from '@breakwater/bus';
import { Drains, type DrainsParts } from './drains.ts';
import { Mover, type MoverParts } from './mover.ts';
import { Rebalancer, type RebalancerParts } from './rebalancer.ts';
import { Repinner, type RepinnerParts } from './repinner.ts';

export interface CaretakerParts
  extends MoverParts,
    Omit<DrainsParts, 'limits' | 'mover'>,
    Omit<RebalancerParts, 'limits' | 'mover'>,
    Omit<RepinnerParts, 'limits' | 'pinning'> {
  readonly limits: MoverParts['limits'] &
    DrainsParts['limits'] &
    RebalancerParts['limits'] &
    RepinnerParts['limits'];
}

/** What the leader does by itself: lost games are hosted again, draining processes emptied, slow ones relieved. */
export class Caretaker {
  readonly mover: Mover;
  readonly #repinner: Repinner;
  readonly #drains: Drains;
  readonly #rebalancer: Rebalancer;

  constructor(parts: CaretakerParts) {
    this.mover = new Mover(parts);
    const moving = { ...parts, mover: this.mover };
    this.#repinner = new Repinner(parts);
    this.#drains = new Drains(moving);
    this.#rebalancer = new Rebalancer(moving);
  }

  /** Open games that nobody is known to host; 0 where another replica leads. */
  get waiting(): number {
    return this.#repinner.waiting;
  }

  /** Our own heartbeat came back. */
  beat(): void {
    this.#repinner.look();
    this.#drains.look();
    this.#rebalancer.look();
  }

  /** Resolves when what was begun has ended; call it once this replica does not lead any more. */
  async idle(): Promise<void> {
    await Promise.all([this.#repinner.idle(), this.mover.idle()]);
  }

  /** A process left or fell silent, or has told what it hosts. */
  news(): void {
    this.#repinner.look();
  }

  /** A heartbeat of a process. */
  status(status: SimStatus): void {
    this.#rebalancer.status(status);
    if (status.isDraining) this.#drains.look();
  }
}
