import { eventually, freePort, spawnService, startNats } from '@breakwater/testkit';
import { describe, expect, it } from 'vitest';
import { open } from './client.ts';
import { SECRET, tokenFor } from './world.ts';

async function ready(httpPort: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/readyz`).catch(() => undefined);
  return response?.ok ?? false;
}

describe('the edge as a process', () => {
  it('waits for NATS without being ready, then serves, drains on SIGTERM and exits with 0 (fault 27)', async () => {
    const natsPort = await freePort();
    const httpPort = await freePort();
    const env = {
      BREAKWATER_NATS_URL: `nats://127.0.0.1:${natsPort}`,
      BREAKWATER_HTTP_PORT: String(httpPort),
      BREAKWATER_EDGE_PORT: '0',
      BREAKWATER_EDGE_JWT_SECRET: SECRET,
      BREAKWATER_EDGE_DRAIN_SPREAD_MS: '100',
      BREAKWATER_EDGE_DRAIN_GRACE_MS: '100',
    };
    const starting = spawnService('edge', { env, readyTimeoutMs: 60_000 });
    try {
      await eventually(async () => (await fetch(`http://127.0.0.1:${httpPort}/livez`)).ok, {
        timeoutMs: 20_000,
      });
      expect(await ready(httpPort)).toBe(false);
    } finally {
      starting.catch(() => undefined);
    }
    await using _nats = await startNats({ port: natsPort });
    const edge = await starting;
    expect(await ready(httpPort)).toBe(true);
    const client = await open(edge.ready.port!, { token: await tokenFor() });
    const { code } = await edge.stop({ signal: 'SIGTERM', timeoutMs: 20_000 });
    expect(code).toBe(0);
    expect((await client.closing()).code).toBe(1012);
    expect(client.of('move')).toHaveLength(1);
  }, 90_000);

  it('says in one line which setting is missing', async () => {
    await expect(spawnService('edge', { env: { BREAKWATER_EDGE_PORT: '0' } })).rejects.toThrow(
      /BREAKWATER_EDGE_JWT_SECRET is required outside development mode/,
    );
  });
});
