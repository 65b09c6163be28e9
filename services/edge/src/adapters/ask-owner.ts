import type { GameId, StateReply } from '@breakwater/bus';
import type { TraceParent } from '@breakwater/service-kit';
import type { EdgeDeps } from './deps.ts';
import { isNoAnswer } from './errors.ts';
import { decodeState } from './game-records.ts';

const FIRST_ATTEMPT_MS = 1_000;

export interface AskOptions {
  /** For all attempts together. */
  readonly timeoutMs: number;
  readonly trace?: TraceParent | undefined;
}

/**
 * Asks the owner of a game for full state by a join or a sync. A process that stands still, and may have lost the game
 * since, swallows what it is sent, so the same is sent again after a while: it counts once, by the number of the join.
 *
 * @throws BusError
 */
export async function askOwner(
  { nats, subjects, clock }: EdgeDeps,
  game: GameId,
  input: object,
  { timeoutMs, trace }: AskOptions,
): Promise<StateReply> {
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  for (let attemptMs = FIRST_ATTEMPT_MS; ; attemptMs *= 2) {
    const leftMs = Math.max(1, deadlineMs - clock.monotonicMs());
    const options = { decodeBytes: decodeState, timeoutMs: Math.min(attemptMs, leftMs), trace };
    try {
      return await nats.request(subjects.gameIn(game), input, options);
    } catch (cause) {
      if (!isNoAnswer(cause) || attemptMs >= leftMs || !nats.isConnected) throw cause;
    }
  }
}
