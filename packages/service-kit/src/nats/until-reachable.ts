import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log/logger.ts';
import { BusError } from './errors.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** JetStream is there but not ready: not started yet, without a leader, or without enough servers. */
const NOT_READY = new Set(['js_10008', 'js_10009', 'js_10076', 'js_10118']);

/** A failure that goes away by itself once NATS and its JetStream can be reached. */
export function isPassing(cause: unknown): boolean {
  if (!(cause instanceof BusError)) return false;
  if (cause.code === 'unavailable' || cause.code === 'no_responders') return true;
  return cause.code === 'remote' && NOT_READY.has(cause.remote?.code ?? '');
}

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
      if (!isPassing(cause)) throw cause;
      log.warn({ err: cause, retryInMs: pauseMs }, 'JetStream cannot be reached yet');
      await sleep(pauseMs, undefined, { signal });
    }
  }
}
