import { eventually, freePort, type NatsServer, startNats } from '@breakwater/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import {
  ConfigError,
  commonSettings,
  createLogOutput,
  defineMetrics,
  processSettings,
  type RunningService,
  setting,
  startBareService,
  startService,
} from '../src/index.ts';
import { prepareService } from '../src/service/service.ts';
import { startPlainNats } from './plain-nats.ts';
import { startVersionRelay } from './version-relay.ts';

const schema = {
  ...commonSettings,
  greeting: setting.string({ env: 'BREAKWATER_DEMO_GREETING', doc: 'Greeting.', default: 'hello' }),
} as const;
const output = createLogOutput({ service: 'test', instance: 'test', level: 'silent' });

const running: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function nats(port?: number): Promise<NatsServer> {
  const server = await startNats(port === undefined ? {} : { port });
  running.push(server);
  return server;
}

const environment = (url: string, extra: Record<string, string> = {}) => ({
  BREAKWATER_NATS_URL: url,
  BREAKWATER_HTTP_HOST: '127.0.0.1',
  BREAKWATER_HTTP_PORT: '0',
  ...extra,
});

async function demo(
  url: string,
  options: { readyWithoutNats?: boolean; extra?: Record<string, string> } = {},
): Promise<RunningService> {
  const service = await startService({
    name: 'demo',
    schema,
    readyWithoutNats: options.readyWithoutNats ?? true,
    env: environment(url, options.extra),
    output,
    app({ config, nats: bus, lifecycle, announce }) {
      lifecycle.add('greeter', {
        start: () =>
          void bus.handle('greet', { decode: (value) => value }, () => ({ greeting: config.greeting })),
      });
      announce({ port: 7 });
    },
  });
  running.push(service);
  return service;
}

async function probe(service: RunningService, path: string) {
  const response = await fetch(`http://127.0.0.1:${service.httpPort}${path}`);
  return { status: response.status, text: await response.text() };
}

describe('a service in this process', () => {
  test('starts on its own settings, is ready, and stops without touching the process', async () => {
    const server = await nats();
    const before = process.listenerCount('SIGTERM');
    const service = await demo(server.url, { extra: { BREAKWATER_INSTANCE: 'demo-1' } });
    expect(service).toMatchObject({ instance: 'demo-1', announced: { port: 7 } });
    expect((await probe(service, '/readyz')).status).toBe(200);
    expect(process.listenerCount('SIGTERM')).toBe(before);
    expect(await service.shutdown({ drain: true })).toEqual({ clean: true, faults: [] });
    await expect(probe(service, '/livez')).rejects.toThrow();
  });

  test('may stand beside another of its kind', async () => {
    const server = await nats();
    const [first, second] = await Promise.all([demo(server.url), demo(server.url)]);
    expect(first.instance).not.toBe(second.instance);
    expect(first.httpPort).not.toBe(second.httpPort);
  });

  test('refuses wrong settings before it starts anything', async () => {
    await expect(
      demo('nats://127.0.0.1:4222', { extra: { BREAKWATER_DEMO_GREETINGS: 'x' } }),
    ).rejects.toThrow(ConfigError);
  });
});

describe('the version of the server (fault 29)', () => {
  test.each([
    ['2.8.4', '1', 'version 2.9 or newer is needed'],
    ['2.9.10', '3', '3 replicas need version 2.12 or newer'],
  ])('%s with %s replicas: the start is refused with one sentence', async (version, replicas, words) => {
    const server = await nats();
    await using relay = await startVersionRelay(server.port, version);
    await expect(demo(relay.url, { extra: { BREAKWATER_REPLICAS: replicas } })).rejects.toThrow(words);
  });

  test('2.9.10 with one replica will do', async () => {
    const server = await nats();
    await using relay = await startVersionRelay(server.port, '2.9.10');
    const service = await demo(relay.url);
    expect((await probe(service, '/readyz')).status).toBe(200);
  });

  test('is looked at again after a reconnect: an older one makes the service not-ready until it is replaced', async () => {
    const server = await nats();
    await using relay = await startVersionRelay(server.port);
    const service = await demo(relay.url);
    relay.pretend('2.8.4');
    relay.cut();
    await eventually(
      async () =>
        expect(await probe(service, '/readyz')).toMatchObject({
          status: 503,
          text: expect.stringContaining('2.8.4'),
        }),
      { timeoutMs: 15_000 },
    );
    relay.pretend(undefined);
    relay.cut();
    await eventually(async () => expect((await probe(service, '/readyz')).status).toBe(200), {
      timeoutMs: 15_000,
    });
  });
});

describe('readiness and NATS (fault 27)', () => {
  test('at the start nobody is ready before NATS is there', async () => {
    const port = await freePort();
    const httpPort = await freePort();
    const starting = demo(`nats://127.0.0.1:${port}`, { extra: { BREAKWATER_HTTP_PORT: String(httpPort) } });
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${httpPort}${path}`)).status;
    await eventually(async () => expect(await get('/livez')).toBe(200));
    expect(await get('/startupz')).toBe(503);
    expect(await get('/readyz')).toBe(503);
    await nats(port);
    const service = await starting;
    expect((await probe(service, '/readyz')).status).toBe(200);
    expect((await probe(service, '/startupz')).status).toBe(200);
  });

  test.each([
    [true, 200],
    [false, 503],
  ])(
    'later a service with readyWithoutNats %j answers %i while NATS is away, and stays alive',
    async (readyWithoutNats, status) => {
      const server = await nats();
      const service = await demo(server.url, { readyWithoutNats });
      await server.kill();
      await eventually(async () => {
        expect((await probe(service, '/metrics')).text).toContain('breakwater_nats_connected 0');
        expect((await probe(service, '/readyz')).status).toBe(status);
      });
      expect((await probe(service, '/livez')).status).toBe(200);
      await server.restart();
      await eventually(async () => expect((await probe(service, '/readyz')).status).toBe(200), {
        timeoutMs: 15_000,
      });
    },
  );
});

describe('a server without JetStream (fault 28)', () => {
  test('leaves the service waiting, not ready and alive, until its start is ended', async () => {
    const server = await startPlainNats();
    running.push(server);
    const httpPort = await freePort();
    const prepared = prepareService(
      { name: 'demo', schema, readyWithoutNats: true, app: () => undefined },
      environment(server.url, { BREAKWATER_HTTP_PORT: String(httpPort) }),
      output,
    );
    const starting = prepared.start();
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${httpPort}${path}`)).status;
    await eventually(async () =>
      expect(await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()).toContain(
        'breakwater_nats_connected 1',
      ),
    );
    expect(await get('/readyz')).toBe(503);
    expect(await get('/livez')).toBe(200);
    const ended = prepared.lifecycle.shutdown({ drain: true });
    await expect(starting).rejects.toThrow('shutting down');
    expect((await ended).clean).toBe(true);
  });
});

describe('metrics of a service', () => {
  test('hold those of the kit and its own table', async () => {
    const table = defineMetrics({
      hits: { kind: 'counter', name: 'breakwater_demo_hits_total', unit: '1', doc: 'Hits.' },
    });
    const service = await startBareService({
      name: 'demo',
      schema: { ...processSettings },
      env: { BREAKWATER_HTTP_PORT: '0', BREAKWATER_HTTP_HOST: '127.0.0.1' },
      output,
      app: ({ metrics }) => metrics.register(table).hits.add(3),
    });
    running.push(service);
    const { text } = await probe(service, '/metrics');
    expect(text).toContain('breakwater_demo_hits_total 3');
    expect(text).toMatch(/^breakwater_process_resident_memory_bytes \d{7,}$/m);
    expect(text).toMatch(/^breakwater_process_cpu_seconds_total \d/m);
    expect(text).toMatch(/^breakwater_event_loop_lag_seconds \d/m);
  });
});

describe('liveness', () => {
  test('fails when the event loop was blocked for longer than the limit', async () => {
    const server = await nats();
    const service = await demo(server.url, { extra: { BREAKWATER_LIVENESS_LAG_MS: '1000' } });
    expect((await probe(service, '/livez')).status).toBe(200);
    // Let the watch take its first sample, then block for longer than the limit.
    await eventually(async () =>
      expect((await probe(service, '/metrics')).text).toMatch(/^breakwater_event_loop_lag_seconds/m),
    );
    const end = performance.now() + 1_500;
    while (performance.now() < end) Math.sqrt(end);
    await eventually(async () =>
      expect(await probe(service, '/livez')).toMatchObject({
        status: 503,
        text: expect.stringContaining('event loop was blocked'),
      }),
    );
  });
});
