import type { GameId, StateReply } from '@breakwater/bus';
import type { TraceParent } from '@breakwater/service-kit';
import { askAgain } from './ask-again.ts';
import type { EdgeDeps } from './deps.ts';
import { decodeState } from './game-records.ts';

/** After so long without an answer the game may have another owner, who would answer at once. */
const AGAIN_MS = 1_000;

export interface AskOptions {
  /** For all attempts together. */
  readonly timeoutMs: number;
  readonly trace?: TraceParent | undefined;
}

/**
 * Asks the owner of a game for full state by a join or a sync. A process that stands still, and may have lost the game
 * since, swallows what it is sent; all that is sent counts once, by the number of the join.
 *
 * @throws BusError
 */
export function askOwner(
  deps: EdgeDeps,
  game: GameId,
  input: object,
  { timeoutMs, trace }: AskOptions,
): Promise<StateReply> {
  const subject = deps.subjects.gameIn(game);
  return askAgain(deps, { timeoutMs, againMs: AGAIN_MS }, (leftMs) =>
    deps.nats.request(subject, input, { decodeBytes: decodeState, timeoutMs: leftMs, trace }),
  );
}
