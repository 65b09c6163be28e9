import type { EdgeDeps } from './deps.ts';
import { isNoAnswer } from './errors.ts';

export interface AskAgainTimes {
  /** For all the asking together, ms. */
  readonly timeoutMs: number;
  /** Silence after which the same is asked once more, ms. */
  readonly againMs: number;
}

/**
 * Asks, and asks the same again after every `againMs` of silence, as whoever was asked may stand still. The first
 * answer counts, whichever question it is for: who is only slow is waited for, and who took over is asked soon.
 *
 * @param ask one question, which waits for its answer for so many ms; it must be one that may be asked twice
 * @throws what a question failed with, but for those that got no answer before the last one
 */
export function askAgain<T>(
  { nats, clock }: Pick<EdgeDeps, 'nats' | 'clock'>,
  { timeoutMs, againMs }: AskAgainTimes,
  ask: (timeoutMs: number) => Promise<T>,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  let cancel = (): void => undefined;
  const next = (): void => {
    const leftMs = deadlineMs - clock.monotonicMs();
    const isLast = leftMs <= againMs;
    if (!isLast) cancel = clock.after(againMs, next);
    ask(Math.max(1, leftMs)).then(resolve, (cause: unknown) => {
      // The last one speaks for all that were before it.
      if (isLast || !isNoAnswer(cause) || !nats.isConnected) reject(cause);
    });
  };
  next();
  return promise.finally(() => cancel());
}
