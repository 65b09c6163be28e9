import type { Client } from './api.ts';
import { ConnectionRefusedError } from './errors.ts';
import type { ConnectOptions } from './options.ts';

/** Makes a client that connects by itself; `ready()` tells when the first connection stands. */
export function createClient(_options: ConnectOptions): Client {
  throw new ConnectionRefusedError();
}

/** Connects to the nearest edge of `urls` that takes the client. Rejects when that fails for good or takes too long. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const client = createClient(options);
  await client.ready();
  return client;
}
