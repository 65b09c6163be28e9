import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { planStack, signToken } from '../src/index.ts';

const options = {
  edges: 2,
  chats: 1,
  simulations: 2,
  matchmakers: 1,
  web: true,
  natsUrl: 'nats://127.0.0.1:4222',
  jwtSecret: 'secret',
};

test('each process has a name and an admin port of its own, and only its own settings', async () => {
  const specs = await planStack(options);
  expect(specs.map((spec) => spec.instance)).toEqual([
    'chat-1',
    'matchmaker-1',
    'simulation-1',
    'simulation-2',
    'edge-1',
    'edge-2',
    'web-1',
  ]);
  expect(new Set(specs.map((spec) => spec.env.BREAKWATER_HTTP_PORT)).size).toBe(7);
  for (const { service, env } of specs) {
    const foreign = Object.keys(env).filter((name) => /_(EDGE|CHAT|SIMULATION|MATCHMAKER|WEB)_/.test(name));
    expect(foreign.every((name) => name.startsWith(`BREAKWATER_${service.toUpperCase()}_`))).toBe(true);
    expect('BREAKWATER_NATS_URL' in env).toBe(service !== 'web');
  }
});

test('the web knows the edges and the edges know the origins of the web', async () => {
  const specs = await planStack({ ...options, webPort: 8080, edgePorts: [8081, 8082] });
  const edges = specs.filter((spec) => spec.service === 'edge');
  const web = specs.find((spec) => spec.service === 'web');
  expect(web?.env.BREAKWATER_WEB_EDGES).toBe(edges.map((edge) => edge.url).join(','));
  expect(web?.url).toBe('http://localhost:8080');
  for (const edge of edges) {
    expect(edge.env.BREAKWATER_EDGE_ORIGINS?.split(',')).toContain('http://localhost:8080');
    expect(edge.env.BREAKWATER_EDGE_JWT_SECRET).toBe('secret');
  }
});

test('variables that are given for a service win over the planned ones', async () => {
  const specs = await planStack({
    ...options,
    env: { chat: { BREAKWATER_HTTP_PORT: '1', BREAKWATER_CHAT_X: '2' } },
  });
  expect(specs[0]?.env).toMatchObject({ BREAKWATER_HTTP_PORT: '1', BREAKWATER_CHAT_X: '2' });
});

test('a token is a JWT with the claims and a signature over them', () => {
  const token = signToken('secret', { user: 'u1', name: 'Ada', lifetimeSeconds: 60, claims: { role: 'x' } });
  const [header = '', claims = '', signature] = token.split('.');
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256', typ: 'JWT' });
  const decoded: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString());
  expect(decoded).toMatchObject({ sub: 'u1', name: 'Ada', aud: 'breakwater', role: 'x' });
  expect(signature).toBe(createHmac('sha256', 'secret').update(`${header}.${claims}`).digest('base64url'));
});
