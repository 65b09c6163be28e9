import { type BreakwaterError, TimeoutError } from './errors.ts';
import type { Settings } from './runtime.ts';

/**
 * Waits for `promise` as long as for a request; then gives up by `abandon` and rejects with what was in the way, by
 * `why`, or with `TimeoutError`.
 */
export async function withinTime<T>(
  settings: Pick<Settings, 'clock' | 'times'>,
  what: string,
  promise: Promise<T>,
  abandon: () => void,
  why: () => BreakwaterError | undefined = () => undefined,
): Promise<T> {
  const { requestTimeoutMs } = settings.times;
  const late = Promise.withResolvers<never>();
  let isLate = false;
  const cancel = settings.clock.after(requestTimeoutMs, () => {
    isLate = true;
    late.reject(why() ?? new TimeoutError(what, requestTimeoutMs));
  });
  try {
    return await Promise.race([promise, late.promise]);
  } catch (error) {
    if (isLate) abandon();
    throw error;
  } finally {
    cancel();
  }
}
