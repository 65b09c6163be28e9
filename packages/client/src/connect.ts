import type { Client } from './api.ts';
import { BreakwaterClient } from './client.ts';
import { ClientClosedError, TimeoutError } from './errors.ts';
import type { ConnectOptions } from './options.ts';
import { settingsOf } from './runtime.ts';

/** Makes a client that connects by itself; `ready()` tells when the first connection stands. Throws `BadArgumentError`. */
export function createClient(options: ConnectOptions): Client {
  return new BreakwaterClient(settingsOf(options));
}

/**
 * Connects to one of `urls`. Rejects with what the server said when it refuses for good, and with `TimeoutError`
 * after `times.connectTimeoutMs` (its `cause` is the last failure); nothing goes on in the background then.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const settings = settingsOf(options);
  const client = new BreakwaterClient(settings);
  const { connectTimeoutMs } = settings.times;
  const giveUp = Promise.withResolvers<never>();
  const cancel = settings.clock.after(connectTimeoutMs, () =>
    giveUp.reject(new TimeoutError('connect', connectTimeoutMs, { cause: client.error })),
  );
  const onAbort = (): void => giveUp.reject(new ClientClosedError({ cause: settings.signal?.reason }));
  settings.signal?.addEventListener('abort', onAbort, { once: true });
  if (settings.signal?.aborted === true) onAbort();
  try {
    await Promise.race([client.ready(), giveUp.promise]);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  } finally {
    cancel();
    settings.signal?.removeEventListener('abort', onAbort);
  }
}
