/** What the owner of a volatile game has beside its log. */

import type { Reloaded } from './reload.ts';
import type { VolatileSnapshots } from './volatile-snapshots.ts';

/** Where the deltas go. They are not stored: what is sent while nobody is connected is gone. */
export interface LivePort {
  /** @throws when the bytes can never be sent */
  publish(bytes: Uint8Array, trace?: string): void;
}

export interface VolatileGame {
  readonly live: LivePort;
  readonly snapshots: VolatileSnapshots;
  /** The game as its newest snapshot has it, for one that slept. */
  reload(isOver: () => boolean): Promise<Reloaded>;
}
