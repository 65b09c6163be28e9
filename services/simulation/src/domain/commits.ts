/** How the changes of a game get out of its owner: by its log, or at once. */

import type { GameInstance } from '@breakwater/game-kit';
import type { Waiting } from './replies.ts';

export interface Commits {
  /** As far as this it may be ahead of what is stored; then the game stands still. */
  readonly maxAheadMs: number;
  /** How far the game is ahead of what is stored. */
  aheadMs(nowMs: number): number;
  /** Before each tick, also of a game that stands still. @throws as `commit` */
  keepUp(instance: GameInstance, nowMs: number): void;
  /** Owed state; one of the next commits carries it. */
  wait(waiting: Waiting): void;
  /** Those who are owed state and are in no commit yet; they are owed nothing here any more. */
  takeWaiting(): readonly Waiting[];
  /** There is something that is not out yet, or somebody who waits for state. */
  hasNews(instance: GameInstance): boolean;
  needsCommit(instance: GameInstance, nowMs: number): boolean;
  /**
   * Lets out what changed. `isLast`: nothing is to be lost after this one, and the owner is told when it is stored.
   * @throws when it cannot be encoded: the game's state is not to be trusted then
   */
  commit(instance: GameInstance, trace?: string, isLast?: boolean): void;
  /** Appends the `end`. */
  commitEnd(reason: string): void;
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>;
  /** The instance was replaced. */
  reset(): void;
  stop(): void;
}
