import { existsSync } from 'node:fs';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { eventually, isPortFree, type NatsServer, startNats } from '../src/index.ts';

/** Stores through JetStream's own API and reads back how many messages there are. */
async function withStream<T>(
  server: NatsServer,
  use: (ask: (subject: string, body?: object) => Promise<unknown>) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: [...server.urls], reconnect: false, timeout: 5_000 });
  try {
    return await use(async (subject, body) => {
      const reply = await connection.request(subject, body === undefined ? '' : JSON.stringify(body), {
        timeout: 5_000,
      });
      return reply.json();
    });
  } finally {
    await connection.close();
  }
}

test('JetStream keeps what it stored through a kill and a restart on the same port', async () => {
  await using server = await startNats();
  const { url, pid } = server;
  await withStream(server, async (ask) => {
    expect(await ask('$JS.API.STREAM.CREATE.S', { name: 'S', subjects: ['s.>'] })).not.toHaveProperty(
      'error',
    );
    expect(await ask('s.one', {})).toMatchObject({ stream: 'S', seq: 1 });
  });
  await server.kill();
  expect(await isPortFree(server.port)).toBe(true);
  await server.restart();
  expect(server.url).toBe(url);
  expect(server.pid).not.toBe(pid);
  await withStream(server, async (ask) => {
    expect(await ask('$JS.API.STREAM.INFO.S')).toMatchObject({ state: { messages: 1 } });
  });
});

test('a paused server answers nothing and goes on where it was when resumed', async () => {
  await using server = await startNats();
  const connection = await connect({ servers: server.url, reconnect: false });
  server.pause();
  await expect(connection.request('$JS.API.INFO', '', { timeout: 200 })).rejects.toThrow(/timeout/i);
  server.resume();
  await eventually(async () => (await connection.request('$JS.API.INFO', '', { timeout: 2_000 })).json());
  await connection.close();
});

test('three servers are one cluster that keeps three replicas and survives the loss of one', {
  timeout: 60_000,
}, async () => {
  await using cluster = await startNats({ servers: 3 });
  expect(cluster.urls).toHaveLength(3);
  await withStream(cluster, async (ask) => {
    const created = await ask('$JS.API.STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], num_replicas: 3 });
    expect(created).toMatchObject({ config: { num_replicas: 3 }, cluster: { replicas: [{}, {}] } });
    expect(await ask('s.one', {})).toMatchObject({ seq: 1 });
  });
  await cluster.servers[2]?.kill();
  await eventually(() => withStream(cluster, (ask) => ask('s.two', {})), { timeoutMs: 20_000 });
  await cluster.servers[2]?.restart();
  await cluster.servers[2]?.waitUntilWhole(3);
});

test('a temporary store goes away with its server, extra configuration is taken, a bad one is an error', async () => {
  const server = await startNats({ config: 'max_payload: 2048' });
  const connection = await connect({ servers: server.url });
  expect(connection.info?.max_payload).toBe(2048);
  await connection.close();
  expect(existsSync(server.dir)).toBe(true);
  await server.stop();
  expect(existsSync(server.dir)).toBe(false);
  await expect(startNats({ config: 'no_such_setting: 1' })).rejects.toThrow(/no_such_setting/);
});
