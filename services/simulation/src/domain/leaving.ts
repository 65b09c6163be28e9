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
  /** What is left cannot be encoded and is dropped; the log stands as it is. */
  onUnsaved(error: unknown): void;
}

/** Commits what there is; waits for a snapshot only where asked, as a successor that is warm needs none. */
export async function leaveInOrder(leaver: Leaver, withSnapshot: boolean): Promise<void> {
  const { committer, intake } = leaver;
  await settle(leaver, withSnapshot);
  const instance = leaver.instance();
  if (instance === undefined) return;
  try {
    intake.drain(instance);
    if (withSnapshot || committer.hasNews(instance) || leaver.isRestartOwed())
      committer.commit(instance, intake.sending(), withSnapshot);
    await settle(leaver, withSnapshot);
  } catch (error) {
    leaver.onUnsaved(error);
  }
}

/** Resolves when nothing is on its way, an `end` included. */
async function settle({ chain, committer, isEnding }: Leaver, withSnapshot: boolean): Promise<void> {
  do await chain.idle();
  while (isEnding() && chain.isBusy);
  if (withSnapshot) await committer.idle();
}
