import { setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions {
  /** How long to go on trying, default 10 000 ms. */
  timeoutMs?: number;
  /** Pause between two tries, default 25 ms. */
  intervalMs?: number;
  /** What was waited for; opens the error's message. */
  message?: string;
}

/**
 * Calls `check` until it returns something truthy or nothing throws (a check without a result passes when its asserts do).
 *
 * @returns what the last call returned
 * @throws Error with the last failure as `cause` when the time is over
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const deadline = performance.now() + timeoutMs;
  let failure: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value === undefined || value) return value;
      failure = new Error(`the last answer was ${String(value)}`);
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= deadline) break;
    await sleep(options.intervalMs ?? 25);
  }
  const reason = failure instanceof Error ? failure.message : String(failure);
  throw new Error(
    `${options.message ?? 'what was waited for'} did not happen within ${timeoutMs} ms: ${reason}`,
    {
      cause: failure,
    },
  );
}
