import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, type FaultProxy, startNats, startProxy } from '../src/index.ts';

let server: Server;
let proxy: FaultProxy;
let atServer: Socket[];
let sockets: Socket[];

beforeEach(async () => {
  atServer = [];
  sockets = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    atServer.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  proxy = await startProxy(address.port);
});

afterEach(async () => {
  for (const socket of [...sockets, ...atServer]) socket.destroy();
  await proxy.close();
  await new Promise((resolve) => server.close(resolve));
});

/** A connected client and the server's end of the same connection. */
async function openPair(): Promise<{ client: Socket; remote: Socket }> {
  const before = atServer.length;
  const client = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  sockets.push(client);
  client.on('error', () => undefined);
  await once(client, 'connect');
  await eventually(() => atServer.length > before, { message: 'connection at the server' });
  const remote = atServer[before];
  if (remote === undefined) throw new Error('no connection');
  return { client, remote };
}

/** Collects what a socket receives. */
function collect(socket: Socket): { bytes: () => Buffer; chunks: Buffer[] } {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { bytes: () => Buffer.concat(chunks), chunks };
}

test('bytes pass both ways unchanged, and an end of one side leaves the other open', async () => {
  const { client, remote } = await openPair();
  const up = collect(remote);
  const down = collect(client);
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  client.end(body);
  await once(remote, 'end');
  expect(up.bytes().equals(body)).toBe(true);
  remote.end('answer after the end');
  await once(client, 'end');
  expect(down.bytes().toString()).toBe('answer after the end');
});

test('cut resets open connections on both sides and takes new ones', async () => {
  const { client, remote } = await openPair();
  const failures = Promise.all([once(client, 'error'), once(remote, 'error')]);
  proxy.cut();
  for (const [error] of await failures) expect(error).toMatchObject({ code: 'ECONNRESET' });
  await eventually(() => proxy.connections === 0);
  await openPair();
  expect(proxy.connections).toBe(1);
  expect(proxy.accepted).toBe(2);
});

test('half-open holds one direction back, keeps the socket open and loses nothing', async () => {
  const { client, remote } = await openPair();
  const up = collect(remote);
  const down = collect(client);
  proxy.halfOpen('up');
  client.write('held');
  remote.write('goes through');
  await eventually(() => down.bytes().toString() === 'goes through');
  expect(up.bytes()).toHaveLength(0);
  client.end();
  expect(remote.destroyed).toBe(false);
  proxy.resume('up');
  await once(remote, 'end');
  expect(up.bytes().toString()).toBe('held');
});

test('a reset of one side reaches the other, but not through a half-open proxy', async () => {
  const first = await openPair();
  const reset = once(first.remote, 'error');
  first.client.resetAndDestroy();
  expect((await reset)[0]).toMatchObject({ code: 'ECONNRESET' });

  const second = await openPair();
  const later = once(second.remote, 'error');
  let isKnown = false;
  second.remote.once('error', () => {
    isKnown = true;
  });
  proxy.halfOpen();
  second.client.resetAndDestroy();
  const third = await openPair();
  expect(third.remote.destroyed).toBe(false);
  expect(isKnown).toBe(false);
  proxy.resume();
  await later;
});

test('a delay keeps the order and holds bytes back for at least that long', async () => {
  const { client, remote } = await openPair();
  const up = collect(remote);
  proxy.delay(200, 'up');
  const sentMs = performance.now();
  for (let part = 0; part < 10; part++) client.write(`${part},`);
  await eventually(() => up.bytes().length === 20);
  expect(performance.now() - sentMs).toBeGreaterThanOrEqual(199);
  expect(up.bytes().toString()).toBe('0,1,2,3,4,5,6,7,8,9,');
});

test('split writes small pieces and the bytes stay the same', async () => {
  const { client, remote } = await openPair();
  remote.setNoDelay(true);
  const up = collect(remote);
  proxy.splitBytes(1, 'up');
  client.write('abcdefghij');
  await eventually(() => up.bytes().length === 10);
  expect(up.bytes().toString()).toBe('abcdefghij');
  expect(up.chunks.length).toBeGreaterThan(1);
});

test('refuse resets new connections until resume', async () => {
  proxy.refuse();
  const refused = connect({ port: proxy.port, host: '127.0.0.1' });
  sockets.push(refused);
  const [error] = await once(refused, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
  expect(atServer).toHaveLength(0);
  proxy.resume();
  await openPair();
});

test('a target that is gone resets the client', async () => {
  await using nats = await startNats();
  await using inFront = await startProxy(nats.url);
  expect(inFront.url).toBe(`nats://127.0.0.1:${inFront.port}`);
  const client = connect({ port: inFront.port, host: '127.0.0.1' });
  sockets.push(client);
  const [greeting] = await once(client, 'data');
  expect(String(greeting)).toMatch(/^INFO \{/);
  client.on('error', () => undefined);
  const closed = once(client, 'close');
  await nats.kill();
  await closed;
});
