import type { GameId, StateReply } from '@breakwater/bus';
import type { TraceParent } from '@breakwater/service-kit';
import type { EdgeDeps } from './deps.ts';
import { isNoAnswer } from './errors.ts';
import { decodeState } from './game-records.ts';

/** After so long without an answer the game may have another owner, who would answer at once. */
const ASK_AGAIN_MS = 1_000;

export interface AskOptions {
  /** For all attempts together. */
  readonly timeoutMs: number;
  readonly trace?: TraceParent | undefined;
}

/**
 * Asks the owner of a game for full state by a join or a sync. A process that stands still, and may have lost the game
 * since, swallows what it is sent, so the same is sent again every second, and whichever answer comes first is taken:
 * a slow owner is waited for, and a new one is asked soon. All of them count once, by the number of the join.
 *
 * @throws BusError
 */
export async function askOwner(
  { nats, subjects, clock }: EdgeDeps,
  game: GameId,
  input: object,
  { timeoutMs, trace }: AskOptions,
): Promise<StateReply> {
  const { promise, resolve, reject } = Promise.withResolvers<StateReply>();
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  let cancel = (): void => undefined;
  const ask = (): void => {
    const leftMs = deadlineMs - clock.monotonicMs();
    const isLast = leftMs <= ASK_AGAIN_MS;
    if (!isLast) cancel = clock.after(ASK_AGAIN_MS, ask);
    const options = { decodeBytes: decodeState, timeoutMs: Math.max(1, leftMs), trace };
    nats.request(subjects.gameIn(game), input, options).then(resolve, (cause: unknown) => {
      // The last one speaks for all that were before it.
      if (isLast || !isNoAnswer(cause) || !nats.isConnected) reject(cause);
    });
  };
  ask();
  return promise.finally(() => cancel());
}
