import { afterEach, describe, expect, test } from 'vitest';
import { MetricRegistry } from '../telemetry/metrics.ts';
import { Health } from './checks.ts';
import { AdminServer } from './server.ts';

let server: AdminServer | undefined;
afterEach(() => server?.stop());

async function serve(health: Health) {
  server = new AdminServer({ host: '127.0.0.1', port: 0, health, registry: new MetricRegistry() });
  await server.start();
  const base = `http://127.0.0.1:${server.port}`;
  return async (path: string, init?: RequestInit) => {
    const response = await fetch(`${base}${path}`, init);
    const text = await response.text();
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text,
    };
  };
}

describe('health answers', () => {
  test('while starting: alive, not started, not ready', async () => {
    const get = await serve(new Health());
    expect(await get('/livez')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await get('/startupz')).toMatchObject({ status: 503, body: { checks: { start: 'starting' } } });
    expect(await get('/readyz')).toMatchObject({ status: 503, body: { checks: { lifecycle: 'starting' } } });
  });

  test('when running: readiness is what the checks say, and names the one that fails', async () => {
    const health = new Health();
    let fault: string | undefined;
    health.addReadiness('streams', () => fault);
    health.markStarted();
    const get = await serve(health);
    expect(await get('/readyz')).toMatchObject({
      status: 200,
      body: { status: 'ok', checks: { lifecycle: 'ok', streams: 'ok' } },
    });
    fault = 'ROOMS_0 is missing';
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      body: { status: 'failing', checks: { streams: 'ROOMS_0 is missing' } },
    });
    expect(await get('/livez')).toMatchObject({ status: 200 });
  });

  test('when ending: not ready, still alive and started', async () => {
    const health = new Health();
    health.markStarted();
    health.markEnding();
    const get = await serve(health);
    expect(await get('/readyz')).toMatchObject({ status: 503, body: { checks: { lifecycle: 'ending' } } });
    expect(await get('/livez')).toMatchObject({ status: 200 });
    expect(await get('/startupz')).toMatchObject({ status: 200 });
  });

  test('a check that throws counts as failing', async () => {
    const health = new Health();
    health.addLiveness('odd', () => {
      throw new Error('broken check');
    });
    const get = await serve(health);
    expect(await get('/livez')).toMatchObject({
      status: 503,
      body: { checks: { odd: 'check threw: broken check' } },
    });
  });

  test('metrics are text, anything else is 404, writing is 405', async () => {
    const get = await serve(new Health());
    expect(await get('/metrics')).toMatchObject({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
    });
    expect(await get('/nothing')).toMatchObject({ status: 404 });
    expect(await get('/livez', { method: 'POST', body: 'x' })).toMatchObject({ status: 405 });
  });

  test('a port that is taken is an error of the start', async () => {
    await serve(new Health());
    const second = new AdminServer({
      host: '127.0.0.1',
      port: server?.port ?? 0,
      health: new Health(),
      registry: new MetricRegistry(),
    });
    await expect(second.start()).rejects.toThrow('EADDRINUSE');
  });
});
