import { createServer } from 'node:net';
import { Writable } from 'node:stream';
import { eventually, freePort, startNats, startProxy } from '@breakwater/testkit';
import { describe, expect, test } from 'vitest';
import { createLogOutput } from '../src/log/logger.ts';
import { connectBus } from '../src/nats/bus.ts';
import { reconnectDelayMs, stripCredentials } from '../src/nats/connection.ts';
import { asIs, busOptions, openBus, serverAndBus } from './bus-fixture.ts';

describe('a connection', () => {
  test('waits for a server that is not there yet (fault 27)', async () => {
    const port = await freePort();
    const connecting = openBus(`nats://127.0.0.1:${port}`);
    await using server = await startNats({ port });
    const { bus } = await connecting;
    expect(bus.isConnected).toBe(true);
    expect(bus.serverVersion).toMatch(/^2\./);
    await bus.drain();
    expect(bus.isClosed).toBe(true);
    expect(server.port).toBe(port);
  });

  test('gives up waiting when it is told to', async () => {
    const stop = new AbortController();
    const connecting = connectBus(busOptions(`nats://127.0.0.1:${await freePort()}`).options, stop.signal);
    stop.abort(new Error('shutting down'));
    await expect(connecting).rejects.toThrow();
  });

  test('comes back after kill -9, tells its listeners once, and its subscriptions and handlers work (fault 26)', async () => {
    await using own = await serverAndBus();
    const { bus, server } = own;
    let reconnects = 0;
    bus.onReconnect(() => {
      throw new Error('a listener that throws disturbs nobody');
    });
    bus.onReconnect(() => {
      reconnects += 1;
    });
    const heard: string[] = [];
    bus.subscribe('news', {}, (message) => void heard.push(new TextDecoder().decode(message.data)));
    bus.handle('echo', { decode: asIs }, (input) => ({ input }));
    await server.restart();
    await eventually(() => expect(bus.isConnected && reconnects === 1).toBe(true), { timeoutMs: 15_000 });
    bus.publish('news', 'after');
    await eventually(() => expect(heard).toEqual(['after']));
    expect(await bus.request('echo', 1 as unknown as object, { timeoutMs: 2_000, decode: asIs })).toEqual({
      ok: true,
      input: 1,
    });
    expect(reconnects).toBe(1);
  });

  test('is not given up while the server is away for long (fault 27)', async () => {
    await using own = await serverAndBus();
    const { bus, server } = own;
    await server.kill();
    let attempts = 0;
    const closed = createServer((socket) => {
      attempts += 1;
      socket.destroy();
    });
    closed.listen(server.port, '127.0.0.1');
    // More attempts than the client library's default of ten, after which it would close for good.
    await eventually(() => expect(attempts).toBeGreaterThan(25), { timeoutMs: 25_000 });
    expect(bus.isClosed).toBe(false);
    await new Promise((resolve) => closed.close(resolve));
    await server.restart();
    await eventually(() => expect(bus.isConnected).toBe(true), { timeoutMs: 15_000 });
  });

  test('that is silent is noticed by pings and replaced (half-open)', async () => {
    await using server = await startNats();
    await using proxy = await startProxy(server.url);
    const { bus } = await openBus(proxy.url, { pingIntervalMs: 100, connectTimeoutMs: 500 });
    proxy.halfOpen();
    await eventually(() => expect(bus.isConnected).toBe(false), { timeoutMs: 15_000 });
    proxy.resume();
    await eventually(() => expect(bus.isConnected).toBe(true), { timeoutMs: 15_000 });
    await bus.drain();
  });

  test('survives wrong credentials for as long as they are wrong, and does not log them', async () => {
    const config = (password: string) => `authorization { user: "app", password: "${password}" }`;
    const lines: string[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    });
    const { log } = createLogOutput({ service: 's', instance: 'i', level: 'trace', stream });
    const port = await freePort();
    const first = await startNats({ port, config: config('other-canary') });
    const connecting = openBus(`nats://app:secret-canary@127.0.0.1:${port}`, { log });
    await eventually(() =>
      expect(lines.some((line) => line.includes('cannot connect to NATS yet'))).toBe(true),
    );
    await first.stop();
    await using _second = await startNats({ port, config: config('secret-canary') });
    const { bus } = await connecting;
    expect(await bus.flush()).toBeUndefined();
    expect(lines.join()).not.toContain('canary');
    await bus.drain();
  });

  test('whose user may not ask a subject hears so at once', async () => {
    const users =
      'authorization { users: [{ user: "a", password: "a", permissions: { publish: ["free"] } }] }';
    await using server = await startNats({ config: users });
    const { bus } = await openBus(`nats://a:a@127.0.0.1:${server.port}`);
    const asked = bus.request('forbidden', {}, { timeoutMs: 25_000, decode: asIs });
    await expect(asked).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('may not publish'),
    });
    expect(await bus.commit('forbidden.log', 'x', { timeoutMs: 25_000 })).toMatchObject({ kind: 'doubt' });
    await bus.drain();
  });

  test('drains in bounded time while the server is stopped', async () => {
    await using own = await serverAndBus();
    own.bus.subscribe('x', {}, () => undefined);
    own.server.pause();
    await own.bus.drain(100);
    expect(own.bus.isClosed).toBe(true);
    own.server.resume();
  });

  test('that is cut off for reading too slowly comes back and says so', async () => {
    await using own = await serverAndBus({
      config: 'max_payload: 65536\nmax_pending: 131072\nwrite_deadline: "100ms"',
    });
    await using proxy = await startProxy(own.server.url);
    const slow = await openBus(proxy.url);
    let back = 0;
    slow.bus.onReconnect(() => {
      back += 1;
    });
    slow.bus.subscribe('flood', {}, () => undefined);
    await slow.bus.flush();
    proxy.halfOpen('down');
    const slowConsumers = async () => {
      const answer = await fetch(`${own.server.servers[0]?.monitorUrl}/varz`);
      return ((await answer.json()) as { slow_consumers: number }).slow_consumers;
    };
    await eventually(
      async () => {
        for (let i = 0; i < 50; i++) own.bus.publish('flood', 'x'.repeat(60_000));
        await own.bus.flush();
        expect(await slowConsumers()).toBeGreaterThan(0);
      },
      { timeoutMs: 20_000 },
    );
    proxy.resume('down');
    await eventually(() => expect(back).toBeGreaterThan(0), { timeoutMs: 20_000 });
    await slow.bus.drain();
  });
});

test('waits between attempts grow, are jittered and bounded', () => {
  expect(reconnectDelayMs(0, 2_000, () => 0)).toBe(50);
  expect(reconnectDelayMs(0, 2_000, () => 0.999)).toBeLessThan(100);
  expect(reconnectDelayMs(3, 2_000, () => 0.999)).toBeGreaterThan(700);
  expect(reconnectDelayMs(500, 2_000, () => 0.999)).toBeLessThan(2_000);
});

test('server addresses are shown without user and password', () => {
  expect(stripCredentials(['nats://user:p%40ss@nats-0:4222', 'tls://nats-1'])).toEqual([
    'nats://nats-0:4222',
    'tls://nats-1',
  ]);
});
