/** What a connection that does nothing costs in memory. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark } from './benchmark.ts';
import { residentBytesOf } from './cpu.ts';
import { Clients } from './load/clients.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { rounded } from './statistics.ts';

const CONNECTIONS = 5_000;
const WARM_UP = 500;
const SETTLE_MS = 20_000;

export const idle: Benchmark = {
  name: 'idle',
  summary: `${CONNECTIONS} authenticated connections in no room, each pinged every 5 s: resident memory of the edge for each.`,
  goal: 'at most 10 KB',
  async run(log) {
    await using stack = await startBenchStack({ edges: 1, chats: 1 });
    // The first connections pay for compiled code and buffers that are kept: they come and go before the count.
    await using _ = await connectAll(stack, WARM_UP);
    await _[Symbol.asyncDispose]();
    await sleep(SETTLE_MS / 2);
    const before = residentBytesOf(stack.edge.pid);
    log(`before: ${(before / 1e6).toFixed(1)} MB`);
    await using _clients = await connectAll(stack, CONNECTIONS);
    await sleep(SETTLE_MS);
    const after = residentBytesOf(stack.edge.pid);
    log(`with ${CONNECTIONS}: ${(after / 1e6).toFixed(1)} MB`);
    const bytesPerConnection = Math.round((after - before) / CONNECTIONS);
    return {
      keys: { connections: CONNECTIONS, bytesPerConnection, processBytes: rounded(after, 4) },
      rows: [
        {
          name: 'Breakwater edge',
          cells: {
            connections: String(CONNECTIONS),
            'bytes each': String(bytesPerConnection),
            'process before, MB': (before / 1e6).toFixed(1),
            'process after, MB': (after / 1e6).toFixed(1),
          },
        },
      ],
    };
  },
};

async function connectAll(stack: BenchStack, count: number): Promise<Clients> {
  const clients = new Clients();
  await clients.open({
    headers: stack
      .tokens(count)
      .map((token) => ({ Authorization: `Bearer ${token}`, 'Sec-WebSocket-Protocol': 'breakwater.v1' })),
    common: { host: '127.0.0.1', port: stack.edge.port, path: '/v1/ws' },
  });
  return clients;
}
