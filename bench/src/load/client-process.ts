/** Runs many counting clients in a process of their own, told by messages from the benchmark. */

import { RawClient, type RawClientOptions } from './raw-client.ts';

export interface OpenClients {
  readonly t: 'open';
  /** One for each client; what they share is in `common`. */
  readonly headers: readonly Readonly<Record<string, string>>[];
  readonly common: Omit<RawClientOptions, 'headers'>;
  /** Handshakes under way at once. */
  readonly concurrency: number;
}
export type ClientOrder = OpenClients | { readonly t: 'count' };
export type ClientAnswer =
  | { readonly t: 'opened' }
  | { readonly t: 'count'; readonly total: number; readonly least: number; readonly most: number }
  | { readonly t: 'failed'; readonly message: string };

const clients: RawClient[] = [];

async function open(order: OpenClients): Promise<void> {
  const waiting = order.headers.values();
  const worker = async () => {
    for (const headers of waiting) {
      const client = new RawClient({ ...order.common, headers });
      await client.opened;
      clients.push(client);
    }
  };
  await Promise.all(Array.from({ length: order.concurrency }, worker));
}

function answer(message: ClientAnswer): void {
  process.send?.(message);
}

process.on('message', (order: ClientOrder) => {
  if (order.t === 'open') {
    open(order).then(
      () => answer({ t: 'opened' }),
      (error: Error) => answer({ t: 'failed', message: error.message }),
    );
    return;
  }
  const counts = clients.map((client) => client.count);
  const total = counts.reduce((sum, count) => sum + count, 0);
  answer({ t: 'count', total, least: Math.min(...counts), most: Math.max(...counts) });
});
process.on('disconnect', () => process.exit(0));
