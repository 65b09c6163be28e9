import { TimeoutError } from './errors.ts';
import type { Settings } from './runtime.ts';

/** Waits for `promise` as long as for a request; then gives up by `abandon` and rejects with `TimeoutError`. */
export async function withinTime<T>(
  settings: Pick<Settings, 'clock' | 'times'>,
  what: string,
  promise: Promise<T>,
  abandon: () => void,
): Promise<T> {
  const { requestTimeoutMs } = settings.times;
  const late = Promise.withResolvers<never>();
  const cancel = settings.clock.after(requestTimeoutMs, () =>
    late.reject(new TimeoutError(what, requestTimeoutMs)),
  );
  try {
    return await Promise.race([promise, late.promise]);
  } catch (error) {
    if (error instanceof TimeoutError) abandon();
    throw error;
  } finally {
    cancel();
  }
}
