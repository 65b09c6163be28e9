/**
 * Where the numbers of commands go on after the state fell back. A volatile game may know of fewer commands than its
 * players were told of, and they number on from there: so the first one that a seat sends after its first join here
 * may have any number above the last.
 */

import type { GameInstance } from '@breakwater/game-kit';

/** Numbers are stored in 32 bits. */
const MAX_NUMBER = 0xffff_ffff;

export class CommandJumps {
  /** Seats by pid: whether their one jump is still to come. */
  readonly #seats = new Map<number, boolean>();

  /** A later join of the same hosting fell back behind nothing. */
  joined(pid: number): void {
    if (!this.#seats.has(pid)) this.#seats.set(pid, true);
  }

  isAllowed(pid: number, n: number): boolean {
    return this.#seats.get(pid) === true && n <= MAX_NUMBER;
  }

  /** Its next command is about to be applied, whatever its number is. */
  take(instance: GameInstance, pid: number, n: number): void {
    if (!this.isAllowed(pid, n)) return;
    this.#seats.set(pid, false);
    instance.skipTo(pid, n);
  }

  /** The state fell back again. */
  clear(): void {
    this.#seats.clear();
  }

  /** Forgets seats that are gone. */
  forget(instance: GameInstance): void {
    for (const pid of this.#seats.keys()) if (instance.ackOf(pid) === undefined) this.#seats.delete(pid);
  }
}
