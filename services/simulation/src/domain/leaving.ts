/** The last of an owner that gives its game up in order. */

import { type GameInstance, hydrate } from '@breakwater/game-kit';
import type { Chain } from './chain.ts';
import type { Commits } from './commits.ts';
import type { Intake } from './intake.ts';

export interface Leaver {
  readonly chain: Chain;
  readonly committer: Commits;
  readonly intake: Intake;
  /** What it has shown is stored only now and then. */
  readonly isVolatile: boolean;
  /** What may hold something that is not committed. */
  instance(): GameInstance | undefined;
  /** Its `end` record is on its way. */
  isEnding(): boolean;
  /** It threw, and the log does not say so yet: the next owner would begin to count anew. */
  isRestartOwed(): boolean;
  /** The last step threw, or what is left cannot be encoded: it is dropped, and what is stored stands as it is. */
  onUnsaved(error: unknown): void;
}

/**
 * Applies what arrived, as a tick does, and commits what there is; waits for a snapshot of a committed game only where
 * asked, as a successor that is warm needs none.
 */
export async function leaveInOrder(leaver: Leaver, isSnapshotWanted: boolean): Promise<void> {
  const { committer, intake } = leaver;
  const withSnapshot = isSnapshotWanted || leaver.isVolatile;
  await settle(leaver, withSnapshot);
  const instance = leaver.instance();
  if (instance === undefined) return;
  try {
    const isRestartOwed = leaver.isRestartOwed();
    // One more throw would not be counted: with the mark goes only what the log has, and the rest comes again.
    const left = isRestartOwed ? instance : takeIn(leaver, instance);
    if (left === undefined) return;
    if (withSnapshot || isRestartOwed || committer.hasNews(left))
      committer.commit(left, intake.sending(), withSnapshot);
    await settle(leaver, withSnapshot);
  } catch (error) {
    leaver.onUnsaved(error);
  }
}

/**
 * What is to be stored. Nothing is that was not stepped: what makes the step throw would do so wherever the game goes
 * on. Then a committed game is what its log says, and a volatile one what it was before.
 */
function takeIn(leaver: Leaver, instance: GameInstance): GameInstance | undefined {
  const { intake, committer, isVolatile, onUnsaved } = leaver;
  if (intake.isEmpty) return instance;
  const before = isVolatile ? instance.encodeState() : undefined;
  try {
    intake.drain(instance);
    instance.step();
    return instance;
  } catch (error) {
    onUnsaved(error);
    // Who waits would be told of what is undone; they ask the next owner.
    committer.takeWaiting();
    committer.reset();
    return before && hydrate(instance.definition, before, instance.madeWith);
  }
}

/** Resolves when nothing is on its way, an `end` included. */
async function settle({ chain, committer, isEnding }: Leaver, withSnapshot: boolean): Promise<void> {
  do await chain.idle();
  while (isEnding() && chain.isBusy);
  if (withSnapshot) await committer.idle();
}
