import { TOKEN_SUBPROTOCOL_PREFIX } from '@breakwater/protocol';
import { eventually } from '@breakwater/testkit';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenOptions, open, refusal } from './client.ts';
import { handshakeText, openRaw, RawSocket } from './raw.ts';
import { SECRET, type TestEdge, tokenFor, World } from './world.ts';

const ORIGIN = 'https://app.example.com';
let world: World;
let edge: TestEdge;
let devEdge: TestEdge;
let tightEdge: TestEdge;
const logs: string[] = [];

beforeAll(async () => {
  world = await World.start();
  [edge, devEdge, tightEdge] = await Promise.all([
    world.startEdge({
      onLog: (line) => logs.push(line),
      env: { BREAKWATER_EDGE_CONNECTION_TIMEOUT_MS: '1000', BREAKWATER_EDGE_REQUEST_TIMEOUT_MS: '2000' },
    }),
    world.startEdge({ env: { BREAKWATER_DEV: '1' } }),
    world.startEdge({
      env: {
        BREAKWATER_EDGE_MAX_CONNECTIONS: '4',
        BREAKWATER_EDGE_MAX_CONNECTIONS_PER_USER: '2',
        BREAKWATER_EDGE_MAX_CONNECTIONS_PER_ADDRESS: '3',
        BREAKWATER_EDGE_ADMISSIONS_PER_SECOND: '1',
        BREAKWATER_EDGE_ADMISSION_BURST: '6',
      },
    }),
  ]);
});

afterAll(() => world?.[Symbol.asyncDispose]());

const post = (port: number, path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', ...init });

async function ticket(port: number, user = 'ann'): Promise<string> {
  const response = await post(port, '/v1/ticket', {
    headers: { authorization: `Bearer ${await tokenFor({ user })}` },
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { ticket: string }).ticket;
}

describe('handshake (fault 12)', () => {
  it.each([
    ['an origin that is not on the list', { ws: { origin: 'https://evil.example' } }, 403, 'origin_refused'],
    ['the origin null', { ws: { origin: 'null' } }, 403, 'origin_refused'],
    ['an origin that begins like a good one', { ws: { origin: `${ORIGIN}.evil` } }, 403, 'origin_refused'],
    ['the right host over plain http', { ws: { origin: 'http://app.example.com' } }, 403, 'origin_refused'],
    ['the right origin without a token', { ws: { origin: ORIGIN } }, 401, 'unauthorized'],
    ['no token', {}, 401, 'unauthorized'],
    ['a token that is none', { token: 'abc' }, 401, 'unauthorized'],
  ] as [string, OpenOptions, number, string][])('refuses %s', async (_what, options, status, error) => {
    const refused = await refusal(edge.port, options);
    expect(refused).toMatchObject({ status, body: { error } });
  });

  it.each([
    ['expired', () => tokenFor({ expiresInS: -10 }), 'token_expired'],
    ['for another audience', () => tokenFor({ audience: 'other' }), 'unauthorized'],
    [
      'signed with another secret',
      () => tokenFor({ secret: 'another-secret-another-secret-another' }),
      'unauthorized',
    ],
    ['of a user id that no subject takes', () => tokenFor({ user: 'a.*.>' }), 'unauthorized'],
    [
      'unsigned (alg none)',
      async () => new UnsecuredJWT({ sub: 'ann', exp: 9_999_999_999, aud: 'breakwater' }).encode(),
      'unauthorized',
    ],
    [
      'without an end',
      () =>
        new SignJWT({ sub: 'ann' })
          .setProtectedHeader({ alg: 'HS256' })
          .setAudience('breakwater')
          .sign(Buffer.from(SECRET)),
      'unauthorized',
    ],
    [
      'signed with another algorithm',
      () =>
        new SignJWT({ sub: 'ann' })
          .setProtectedHeader({ alg: 'HS512' })
          .setAudience('breakwater')
          .setExpirationTime('1h')
          .sign(Buffer.from(SECRET.padEnd(64, '0'))),
      'unauthorized',
    ],
  ] as [string, () => Promise<string>, string][])(
    'refuses a token that is %s',
    async (_what, make, error) => {
      const refused = await refusal(edge.port, { token: await make() });
      expect(refused).toMatchObject({ status: 401, body: { error } });
    },
  );

  it('takes a token by header, by subprotocol, and by ticket, and echoes only the protocol', async () => {
    const token = await tokenFor({ user: 'ann', name: 'Ann' });
    const ways: OpenOptions[] = [
      { token, ws: { origin: ORIGIN } },
      { protocols: ['breakwater.v1', `${TOKEN_SUBPROTOCOL_PREFIX}${token}`] },
      { path: `/v1/ws?ticket=${await ticket(edge.port)}` },
    ];
    for (const way of ways) {
      await using client = await open(edge.port, way);
      expect(client.ws.protocol).toBe('breakwater.v1');
      expect(client.of('welcome')[0]).toMatchObject({ user: 'ann', name: 'Ann' });
    }
  });

  it('refuses more than one credential', async () => {
    const token = await tokenFor();
    const path = `/v1/ws?ticket=${await ticket(edge.port)}`;
    const refused = await refusal(edge.port, { token, path });
    const twice = await refusal(edge.port, { path: `${path}&ticket=abc` });
    for (const { status, body } of [refused, twice])
      expect([status, body]).toMatchObject([400, { error: 'bad_request' }]);
    await using client = await open(edge.port, { path });
    expect(client.of('welcome')).toHaveLength(1);
  });

  it('refuses a token in the URL and logs nothing of it', async () => {
    const token = await tokenFor({ user: 'canary' });
    for (const path of [
      `/v1/ws?token=${token}`,
      `/v1/ws?access_token=${token}`,
      `/v1/ws?jwt=${token}`,
      `/v1/ws?x=${token}`,
      `/v1/ws?token=short`,
    ]) {
      expect(await refusal(edge.port, { path })).toMatchObject({
        status: 400,
        body: { error: 'token_in_url' },
      });
    }
    const response = await post(edge.port, `/v1/ticket?token=${token}`);
    expect(response.status).toBe(400);
    await eventually(() => logs.some((line) => line.includes('token_in_url')));
    expect(logs.join('')).not.toContain(token.slice(0, 40));
    expect(logs.join('')).not.toContain(token.split('.')[2]);
    expect(await edge.metrics()).not.toContain('eyJ');
  });

  it('refuses other versions of the protocol', async () => {
    const token = await tokenFor();
    const old = await refusal(edge.port, { token, ws: { protocolVersion: 8 } });
    expect(old).toMatchObject({ status: 400, headers: { 'sec-websocket-version': '13' } });
    expect(await refusal(edge.port, { token, protocols: ['breakwater.v9'] })).toMatchObject({
      status: 400,
      body: { error: 'bad_request' },
    });
    expect(await refusal(edge.port, { token, protocols: [] })).toMatchObject({ status: 400 });
  });

  it('negotiates no compression (fault 6)', async () => {
    await using client = await open(edge.port, { token: await tokenFor(), ws: { perMessageDeflate: true } });
    expect(client.ws.extensions).toBe('');
  });

  it('answers what is no upgrade, and paths that are not there, in JSON', async () => {
    const plain = await fetch(`http://127.0.0.1:${edge.port}/v1/ws`);
    expect([plain.status, await plain.json()]).toMatchObject([400, { error: 'bad_request' }]);
    await using keyless = new RawSocket(edge.port);
    keyless.write(handshakeText(await tokenFor(), { 'sec-websocket-key': 'short' }));
    await keyless.ended();
    expect(keyless.text).toContain('"error":"bad_request"');
    const method = await fetch(`http://127.0.0.1:${edge.port}/v1/ticket`);
    expect([method.status, await method.json()]).toMatchObject([404, { error: 'bad_request' }]);
    const missing = await fetch(`http://127.0.0.1:${edge.port}/nothing`);
    expect([missing.status, await missing.json()]).toMatchObject([404, { error: 'bad_request' }]);
    expect(await refusal(edge.port, { token: await tokenFor(), path: '/v1/other' })).toMatchObject({
      status: 404,
    });
  });
});

describe('tickets', () => {
  it('are good once, also at another edge', async () => {
    const path = `/v1/ws?ticket=${await ticket(edge.port)}`;
    await using client = await open(devEdge.port, { path });
    expect(client.of('welcome')[0]?.user).toBe('ann');
    for (const { port } of [edge, devEdge]) {
      expect(await refusal(port, { path })).toMatchObject({ status: 401, body: { error: 'ticket_refused' } });
    }
  });

  it('of two attempts at once let one in', async () => {
    const path = `/v1/ws?ticket=${await ticket(edge.port)}`;
    const attempts = await Promise.allSettled(
      [edge, devEdge, edge, devEdge].map(({ port }) => open(port, { path })),
    );
    const let_in = attempts.filter((attempt) => attempt.status === 'fulfilled');
    for (const attempt of let_in) await attempt.value[Symbol.asyncDispose]();
    expect(let_in).toHaveLength(1);
  });

  it('are no tokens, and tokens are no tickets', async () => {
    expect(await refusal(edge.port, { token: await ticket(edge.port) })).toMatchObject({ status: 401 });
    for (const [value, status, error] of [
      [await tokenFor(), 400, 'token_in_url'],
      [await tokenFor({ expiresInS: -10 }), 400, 'token_in_url'],
      [await tokenFor({ audience: 'breakwater-ticket', secret: 'x'.repeat(32) }), 401, 'ticket_refused'],
      [await tokenFor({ audience: 'breakwater-ticket', expiresInS: -10 }), 401, 'ticket_refused'],
      ['abc', 401, 'ticket_refused'],
    ] as const) {
      const refused = await refusal(edge.port, { path: `/v1/ws?ticket=${value}` });
      expect(refused).toMatchObject({ status, body: { error } });
    }
    expect((await post(edge.port, '/v1/ticket')).status).toBe(401);
  });

  it('are given to pages of the list only', async () => {
    const authorization = `Bearer ${await tokenFor()}`;
    const good = await post(edge.port, '/v1/ticket', { headers: { authorization, origin: ORIGIN } });
    expect(good.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    const anonymous = await post(edge.port, '/v1/ticket', { headers: { origin: ORIGIN } });
    expect(anonymous.status).toBe(401);
    expect(anonymous.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    const evil = await post(edge.port, '/v1/ticket', {
      headers: { authorization, origin: 'https://evil.example' },
    });
    expect(evil.status).toBe(403);
    expect(evil.headers.get('access-control-allow-origin')).toBeNull();
    const preflight = await fetch(`http://127.0.0.1:${edge.port}/v1/ticket`, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
  });
});

describe('guests', () => {
  const guest = (port: number, body: unknown) =>
    post(port, '/v1/guest', { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

  it('get a token in development mode and nowhere else', async () => {
    expect((await guest(edge.port, { name: 'Zoe' })).status).toBe(404);
    const response = await guest(devEdge.port, { name: 'Zoe' });
    const { token, user, name, expiresAt } = (await response.json()) as {
      token: string;
      user: string;
      name: string;
      expiresAt: number;
    };
    expect(name).toBe('Zoe');
    await using client = await open(devEdge.port, { token });
    expect(client.of('welcome')[0]).toMatchObject({ user, name: 'Zoe', tokenExpiresAt: expiresAt });
  });

  it('get a token outside of development mode where that was asked for, from no known secret', async () => {
    await using demo = await world.startEdge({ env: { BREAKWATER_EDGE_GUEST_TOKENS: 'true' } });
    const response = await guest(demo.port, { name: 'Zoe' });
    expect(response.status).toBe(200);
    const { token } = (await response.json()) as { token: string };
    await using client = await open(edge.port, { token });
    expect(client.of('welcome')).toHaveLength(1);
    await expect(open(devEdge.port, { token: 'abc' })).rejects.toThrow();
  });

  it('must give a name that is one', async () => {
    for (const body of [
      {},
      { name: '' },
      { name: 'x'.repeat(33) },
      { name: 'a', admin: true },
      { name: 5 },
      [],
    ]) {
      expect((await guest(devEdge.port, body)).status).toBe(400);
    }
    const broken = await post(devEdge.port, '/v1/guest', {
      headers: { 'content-type': 'application/json' },
      body: '{"name":',
    });
    expect(broken.status).toBe(400);
    const huge = await guest(devEdge.port, { name: 'x'.repeat(10_000) });
    expect(huge.status).toBe(413);
  });
});

describe('limits (fault 16)', () => {
  it('refuses above the cap of a user, an address, and the rate, and frees what ended', async () => {
    const { port } = tightEdge;
    const ann = await tokenFor({ user: 'ann' });
    const bea = await tokenFor({ user: 'bea' });
    const first = await open(port, { token: ann });
    await using _second = await open(port, { token: ann });
    const third = await refusal(port, { token: ann });
    expect(third).toMatchObject({ status: 429, body: { error: 'too_many_connections' } });
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
    const noTicket = await post(port, '/v1/ticket', { headers: { authorization: `Bearer ${ann}` } });
    expect([noTicket.status, await noTicket.json()]).toMatchObject([429, { error: 'too_many_connections' }]);
    expect(noTicket.headers.get('retry-after')).not.toBeNull();
    await using _bea = await open(port, { token: bea });
    expect(await refusal(port, { token: bea })).toMatchObject({
      status: 429,
      body: { error: 'too_many_connections' },
    });
    first.ws.terminate();
    const again = await eventually(() => open(port, { token: ann }), { intervalMs: 100 });
    await again[Symbol.asyncDispose]();
    // Six tokens were there, four are used; whoever comes too often is told when to return.
    const late = await eventually(async () => {
      const client = await open(port, { token: ann }).catch(() => undefined);
      await client?.[Symbol.asyncDispose]();
      const refused = await refusal(port, { token: ann });
      return refused.body.error === 'rate_limited' ? refused : false;
    });
    expect(late).toMatchObject({ status: 429, body: { error: 'rate_limited' } });
  });
});

describe('connections that say nothing (fault 13)', () => {
  it('are closed before the upgrade, and leave upgraded ones alone', async () => {
    await using client = await edge.open('ann');
    await using silent = new RawSocket(edge.port);
    await silent.ended();
    expect(silent.text).not.toContain('101');
    expect(client.closed).toBeUndefined();
  });

  it('are answered 408 when their headers dribble', async () => {
    await using slow = new RawSocket(edge.port);
    slow.write('GET /v1/ws HTTP/1.1\r\n');
    const dribble = setInterval(() => slow.write('x-a: b\r\n'), 100);
    try {
      await slow.ended();
    } finally {
      clearInterval(dribble);
    }
    expect(slow.text).toContain('408');
  });

  it('may end at any moment of the handshake without harm (fault 14)', async () => {
    const token = await tokenFor({ user: 'rst' });
    for (let delayMs = 0; delayMs < 12; delayMs++) {
      const raw = new RawSocket(edge.port);
      raw.tcp.on('connect', () => {
        raw.write(handshakeText(token));
        setTimeout(() => (delayMs % 2 === 0 ? raw.tcp.resetAndDestroy() : raw.tcp.end()), delayMs);
      });
      await raw.ended();
    }
    await using last = await openRaw(edge.port, token);
    last.tcp.resetAndDestroy();
    await eventually(async () => (await edge.metric('breakwater_edge_connections')) === 0, {
      timeoutMs: 15_000,
    });
    await using client = await edge.open('ann');
    expect(client.closed).toBeUndefined();
  });
});

describe('what the log says', () => {
  it('shows who connected and why somebody was denied, and no forged line', async () => {
    const name = 'x\n{"level":"error","msg":"forged"}\u001b[31m';
    await using client = await open(edge.port, {
      token: await tokenFor({ user: 'forger', name: name.slice(0, 32) }),
    });
    expect(client.of('welcome')[0]?.name).not.toMatch(/\p{Cc}/u);
    await refusal(edge.port, { ws: { origin: 'null' } });
    await eventually(() => logs.some((line) => line.includes('"user":"forger"')));
    for (const line of logs) expect(() => JSON.parse(line)).not.toThrow();
    expect(logs.some((line) => line.includes('"reason":"origin"'))).toBe(true);
    expect(logs.join('')).not.toContain('"msg":"forged"');
  });
});
