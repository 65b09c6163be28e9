import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { kitMetrics } from './kit-metrics.ts';
import { defineMetrics, MetricRegistry } from './metrics.ts';
import { renderPrometheus } from './prometheus.ts';
import { startTelemetry } from './telemetry.ts';
import { noopTracer, parseTraceParent, TRACEPARENT_HEADER, type Tracer } from './tracer.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** An OTLP collector that keeps the raw bodies; protobuf carries its strings as they are. Status 0: it never answers. */
async function collector(status = 200) {
  const bodies: Record<string, Buffer[]> = { '/v1/traces': [], '/v1/metrics': [] };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies[request.url ?? '']?.push(Buffer.concat(chunks));
      if (status > 0) response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { endpoint, text: (path: string) => Buffer.concat(bodies[path] ?? []).toString('latin1') };
}

function setup(endpoint: string | undefined) {
  const registry = new MetricRegistry();
  const metrics = registry.register(kitMetrics);
  const options = {
    service: 'demo',
    instance: 'demo-1',
    endpoint,
    intervalMs: 60_000,
    sampleRatio: 1,
    registry,
    metrics,
  };
  return { registry, metrics, options };
}

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('without a collector', () => {
  test('spans are one shared object and nothing is handed on', async () => {
    const { tracer } = await startTelemetry(setup(undefined).options);
    expect(tracer).toBe(noopTracer);
    expect(tracer.startSpan('a')).toBe(tracer.startSpan('b', PARENT));
    expect(tracer.withSpan('a', PARENT, (span) => span.traceParent)).toBeUndefined();
    const headers = {};
    expect(tracer.inject(PARENT, headers)).toBe(headers);
    expect(headers).toEqual({});
  });

  test('nothing of OpenTelemetry is loaded', async () => {
    const probe = fileURLToPath(new URL('../../test/load-probe.ts', import.meta.url));
    const loadedWith = async (...args: string[]) =>
      JSON.parse((await promisify(execFile)(process.execPath, [probe, ...args])).stdout) as string[];
    expect(await loadedWith()).toEqual([]);
    expect(await loadedWith('http://127.0.0.1:9')).toContain('@opentelemetry/sdk-trace');
  });
});

describe('with a collector', () => {
  async function record(use: (tracer: Tracer) => Promise<void> | void) {
    const sink = await collector();
    const { options, registry, metrics } = setup(sink.endpoint);
    const telemetry = await startTelemetry(options);
    await use(telemetry.tracer);
    await telemetry.stop(5_000);
    return { sink, registry, metrics };
  }

  test('a span keeps the trace it was handed and hands on itself', async () => {
    let handedOn: string | undefined;
    const { sink } = await record((tracer) =>
      tracer.withSpan('edge command', PARENT, async (span) => {
        handedOn = span.traceParent;
      }),
    );
    expect(handedOn).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/);
    expect(sink.text('/v1/traces')).toContain('edge command');
    expect(sink.text('/v1/traces')).toContain('breakwater-demo');
    expect(sink.text('/v1/traces')).toContain(
      Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex').toString('latin1'),
    );
  });

  test('a trace that was not sampled outside is not recorded but is handed on', async () => {
    const unsampled = PARENT.replace(/01$/, '00');
    let handedOn: string | undefined;
    const { sink } = await record((tracer) => {
      const span = tracer.startSpan('quiet', unsampled);
      handedOn = span.traceParent;
      span.end();
    });
    expect(handedOn).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
    expect(sink.text('/v1/traces')).not.toContain('quiet');
  });

  test('a span whose work throws is marked without the error’s words, and the error goes on', async () => {
    const { sink } = await record(async (tracer) => {
      await expect(
        tracer.withSpan('failing', undefined, () => Promise.reject(new TypeError('canary-text'))),
      ).rejects.toThrow('canary-text');
    });
    expect(sink.text('/v1/traces')).toContain('TypeError');
    expect(sink.text('/v1/traces')).not.toContain('canary-text');
  });

  test('headers carry the trace there and back', async () => {
    await record((tracer) => {
      const headers = tracer.inject(PARENT, { other: 'x' });
      expect(headers).toEqual({ other: 'x', [TRACEPARENT_HEADER]: PARENT });
      expect(tracer.extract(headers)).toBe(PARENT);
      expect(tracer.extract({ [TRACEPARENT_HEADER]: 'garbage' })).toBeUndefined();
    });
  });

  test('metrics are exported with their own histogram buckets', async () => {
    const sink = await collector();
    const { options, registry } = setup(sink.endpoint);
    const own = registry.register(
      defineMetrics({
        tick: {
          kind: 'histogram',
          name: 'breakwater_demo_tick_seconds',
          unit: 's',
          doc: 'Tick.',
          buckets: [0.25, 0.5],
        },
      }),
    );
    const telemetry = await startTelemetry(options);
    own.tick.record(0.3);
    await telemetry.stop(5_000);
    const text = sink.text('/v1/metrics');
    expect(text).toContain('breakwater_demo_tick_seconds');
    expect(text).toContain('breakwater_nats_connected');
    const bound = Buffer.alloc(8);
    bound.writeDoubleLE(0.25);
    expect(text).toContain(bound.toString('latin1'));
  });
});

describe('a collector that does not take what it is sent (fault 40)', () => {
  test.each([
    ['refuses', 503],
    ['never answers', 0],
  ])('%s: spans beyond a bound are dropped and counted, and the end does not wait', async (_what, status) => {
    const sink = await collector(status);
    const { options, registry } = setup(sink.endpoint);
    const telemetry = await startTelemetry(options);
    for (let i = 0; i < 5_000; i++) telemetry.tracer.startSpan('lost').end();
    const dropped = /^breakwater_telemetry_spans_total\{outcome="dropped"\} (\d+)$/m.exec(
      renderPrometheus(registry),
    );
    expect(Number(dropped?.[1])).toBeGreaterThan(2_000);
    await telemetry.stop(200);
  });
});

test.each([
  ['', undefined],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX: y', undefined],
  ['00-00000000000000000000000000000000-b7ad6b7169203331-01', undefined],
  ['00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01', undefined],
  [PARENT, PARENT],
])('traceparent %j is read as %j', (text, expected) => {
  expect(parseTraceParent(text)).toBe(expected);
});
