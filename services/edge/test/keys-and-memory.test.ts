import { once } from 'node:events';
import { createServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { queryObjects } from 'node:v8';
import { type EdgePresence, edgeId, edgePresence, edgeSyncReply, reply } from '@breakwater/bus';
import { eventually } from '@breakwater/testkit';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open, refusal } from './client.ts';
import { openRaw } from './raw.ts';
import { tokenFor, World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await World.start();
});

afterAll(() => world?.[Symbol.asyncDispose]());

/** An HTTP server that answers every request the same. */
async function serve(body: () => string | undefined) {
  const server = createServer((_request, response) => {
    const text = body();
    response.statusCode = text === undefined ? 500 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('tokens of another issuer', () => {
  it('are checked with its key set, and the shared secret signs none any more', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] };
    let isUp = false;
    await using issuer = await serve(() => (isUp ? JSON.stringify(jwks) : undefined));
    const edge = await world.startEdge({
      env: {
        BREAKWATER_EDGE_JWKS_URL: issuer.url,
        BREAKWATER_EDGE_JWT_ISSUER: 'https://id.example',
        BREAKWATER_DEV: '1',
      },
    });
    const sign = (issuedBy: string) =>
      new SignJWT({ name: 'Eve' })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .setSubject('eve')
        .setAudience('breakwater')
        .setIssuer(issuedBy)
        .setExpirationTime('5m')
        .sign(privateKey);
    const token = await sign('https://id.example');
    const early = await refusal(edge.port, { token });
    expect(early).toMatchObject({ status: 503, body: { error: 'unavailable' } });
    expect(Number(early.headers['retry-after'])).toBeGreaterThan(0);
    isUp = true;
    await using client = await open(edge.port, { token });
    expect(client.of('welcome')[0]).toMatchObject({ user: 'eve', name: 'Eve' });
    expect(await refusal(edge.port, { token: await tokenFor() })).toMatchObject({ status: 401 });
    expect(await refusal(edge.port, { token: await sign('https://other.example') })).toMatchObject({
      status: 401,
    });
    const guest = await fetch(`http://127.0.0.1:${edge.port}/v1/guest`, {
      method: 'POST',
      body: '{"name":"x"}',
      headers: { 'content-type': 'application/json' },
    });
    expect(guest.status).toBe(404);
  });
});

describe('an idle connection', () => {
  it('keeps nothing of its handshake alive', async () => {
    const edge = await world.startEdge({ env: { BREAKWATER_EDGE_MAX_CONNECTIONS_PER_USER: '1000' } });
    const token = await tokenFor();
    const before = queryObjects(ServerResponse, { format: 'count' }) as unknown as number;
    const clients = [];
    for (let count = 0; count < 100; count++) clients.push(await open(edge.port, { token }));
    const after = queryObjects(ServerResponse, { format: 'count' }) as unknown as number;
    expect(after - before).toBeLessThan(20);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  it('ends when its client half-closes (fault 14)', async () => {
    const edge = await world.startEdge();
    await using raw = await openRaw(edge.port, await tokenFor());
    raw.tcp.end();
    await raw.ended();
    await eventually(async () => (await edge.metric('breakwater_edge_connections')) === 0);
  });
});

describe('a traced send', () => {
  it('hands its trace on to chat, and the record brings it back', async () => {
    await using collector = await serve(() => '{}');
    const edge = await world.startEdge({
      env: { BREAKWATER_OTLP_ENDPOINT: collector.url, BREAKWATER_TRACE_SAMPLE_RATIO: '1' },
    });
    await using client = await edge.open();
    await client.request('room.joined', { t: 'room.join', room: 'traced' });
    world.chat.traces.length = 0;
    await client.request('room.sent', { t: 'room.send', room: 'traced', msg: 'abcd-00000000-1', text: 'x' });
    expect(world.chat.traces).toEqual([expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)]);
    await eventually(() => client.texts('traced').length === 1);
  });
});

describe('presence of very many members', () => {
  it('is told in several messages, and nobody is left out', async () => {
    const edge = await world.startEdge({
      env: { BREAKWATER_INSTANCE: 'crowded', BREAKWATER_EDGE_FRAMES_PER_SECOND: '10000' },
    });
    const joined = new Set<string>();
    const note = (news: EdgePresence) => {
      if (news.kind === 'delta')
        for (const { room, session } of news.joined) joined.add(`${room} ${session}`);
    };
    const clients = await Promise.all(Array.from({ length: 21 }, (_, index) => edge.open(`user-${index}`)));
    await Promise.all(
      clients.map(async (client) => {
        for (let room = 0; room < 100; room++) {
          await client.request('room.joined', { t: 'room.join', room: `crowd-${room}` });
        }
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    world.bus.subscribe(world.subjects.edgePresence(edgeId('crowded')), {}, (message) =>
      note(edgePresence(message.json())),
    );
    await world.bus.flush();
    const options = { decode: reply(edgeSyncReply), timeoutMs: 5_000 };
    const whole = await world.bus.request(world.subjects.edgeSync(edgeId('crowded')), {}, options);
    expect(whole.members.length).toBeLessThan(2_100);
    for (const { room, session } of whole.members) joined.add(`${room} ${session}`);
    await eventually(() => joined.size === 2_100);
    for (const client of clients) await client[Symbol.asyncDispose]();
  }, 60_000);
});
