import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log/logger.ts';
import { BusError } from './errors.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Does work that must be done before a service is ready, again and again while NATS cannot be reached.
 * What NATS refuses is thrown at once. @throws the reason of `signal` when that is aborted
 */
export async function untilReachable<T>(
  work: () => Promise<T>,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (cause) {
      const isAway =
        cause instanceof BusError && (cause.code === 'unavailable' || cause.code === 'no_responders');
      if (!isAway) throw cause;
      log.warn({ err: cause, retryInMs: pauseMs }, 'JetStream cannot be reached yet');
      await sleep(pauseMs, undefined, { signal });
    }
  }
}
