/** The last of an owner that gives its game up in order. */

import type { GameInstance } from '@breakwater/game-kit';
import type { Chain } from './chain.ts';
import type { Commits } from './commits.ts';
import type { Intake } from './intake.ts';

export interface Leaver {
  readonly chain: Chain;
  readonly committer: Commits;
  readonly intake: Intake;
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
 * Applies what arrived, as a tick does, and commits what there is; waits for a snapshot only where asked, as a
 * successor that is warm needs none.
 */
export async function leaveInOrder(leaver: Leaver, withSnapshot: boolean): Promise<void> {
  const { committer, intake } = leaver;
  await settle(leaver, withSnapshot);
  const instance = leaver.instance();
  if (instance === undefined) return;
  try {
    const isRestartOwed = leaver.isRestartOwed();
    // One more throw would not be counted: with the mark goes only what the log has, and the rest comes again.
    if (!isRestartOwed) takeIn(intake, instance);
    if (withSnapshot || isRestartOwed || committer.hasNews(instance))
      committer.commit(instance, intake.sending(), withSnapshot);
    await settle(leaver, withSnapshot);
  } catch (error) {
    leaver.onUnsaved(error);
  }
}

/** Nothing is stored that was not stepped: what makes the step throw would do so wherever the game goes on. */
function takeIn(intake: Intake, instance: GameInstance): void {
  if (intake.isEmpty) return;
  intake.drain(instance);
  instance.step();
}

/** Resolves when nothing is on its way, an `end` included. */
async function settle({ chain, committer, isEnding }: Leaver, withSnapshot: boolean): Promise<void> {
  do await chain.idle();
  while (isEnding() && chain.isBusy);
  if (withSnapshot) await committer.idle();
}
