import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningService, startBareService } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { app } from '../src/app.ts';
import { schema } from '../src/config.ts';

let edge: Server;
let web: RunningService;
let page: string;
let address: string;
const seen: IncomingMessage[] = [];
const sockets = new WebSocketServer({ noServer: true });

/** An edge as far as the page's server can tell: a request with a body, a socket that talks first, refusals. */
function startEdge(): Server {
  const server = createServer(async (request, response) => {
    seen.push(request);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '3' });
    response.end(JSON.stringify({ got: Buffer.concat(chunks).toString() }));
  });
  server.on('upgrade', (request, socket, head) => {
    seen.push(request);
    if (request.url?.includes('refuse') === true) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.send('welcome');
      ws.on('message', (data, isBinary) =>
        String(data) === 'bye' ? ws.close(4403, 'gone') : ws.send(data, { binary: isBinary }),
      );
    });
  });
  return server.listen(0, '127.0.0.1');
}

beforeAll(async () => {
  page = mkdtempSync(join(tmpdir(), 'breakwater-page-'));
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>page</title>');
  edge = startEdge();
  await once(edge, 'listening');
  const env = {
    BREAKWATER_HTTP_PORT: '0',
    BREAKWATER_WEB_HOST: '127.0.0.1',
    BREAKWATER_WEB_PORT: '0',
    BREAKWATER_WEB_PAGE: page,
    BREAKWATER_WEB_FORWARD_TO: `http://127.0.0.1:${(edge.address() as AddressInfo).port}`,
    BREAKWATER_WEB_MAX_FORWARDED_SOCKETS: '3',
    BREAKWATER_LOG_LEVEL: 'silent',
  };
  web = await startBareService({ name: 'web', schema, app, env });
  address = `127.0.0.1:${web.announced.port}`;
});

afterAll(async () => {
  await web?.shutdown({ drain: false });
  edge?.close();
  edge?.closeAllConnections();
  rmSync(page, { recursive: true, force: true });
});

async function open(path: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  const ws = new WebSocket(`ws://${address}${path}`, ['breakwater.v1', 'other'], { headers });
  await once(ws, 'open');
  return ws;
}

async function refusalOf(path: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  const ws = new WebSocket(`ws://${address}${path}`, { headers });
  ws.on('error', () => undefined);
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
  response.resume();
  return response.statusCode;
}

test('the page is told to talk to its own address', async () => {
  const answer = await fetch(`http://${address}/config.json`);
  expect(await answer.json()).toEqual({ edges: [] });
  expect(answer.headers.get('content-security-policy')).toMatch(/connect-src 'self' *;/);
});

test('a request goes on with its body and comes back as the edge answered it', async () => {
  const answer = await fetch(`http://${address}/v1/ticket?a=b`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer abc' },
    body: '{"x":1}',
  });
  expect(answer.status).toBe(429);
  expect(answer.headers.get('retry-after')).toBe('3');
  expect(await answer.json()).toEqual({ got: '{"x":1}' });
  const request = seen.at(-1);
  expect(request?.url).toBe('/v1/ticket?a=b');
  expect(request?.headers).toMatchObject({ authorization: 'Bearer abc', 'x-forwarded-for': '127.0.0.1' });
});

test('a socket is passed on with its subprotocol, its frames and its close code', async () => {
  const ws = new WebSocket(`ws://${address}/v1/ws`, ['breakwater.v1', 'other']);
  const [welcome] = await once(ws, 'message');
  expect(String(welcome)).toBe('welcome');
  expect(ws.protocol).toBe('breakwater.v1');
  const big = Buffer.alloc(300_000, 7);
  ws.send(big);
  const [echo, isBinary] = (await once(ws, 'message')) as [Buffer, boolean];
  expect(isBinary).toBe(true);
  expect(echo.equals(big)).toBe(true);
  ws.send('bye');
  const [code, reason] = await once(ws, 'close');
  expect([code, String(reason)]).toEqual([4403, 'gone']);
});

test('an upgrade that the edge refuses is refused with its status', async () => {
  expect(await refusalOf('/v1/ws?refuse')).toBe(401);
});

test("the page's own origin passes and is not told to the edge; every other one is refused here", async () => {
  const ws = await open('/v1/ws', { origin: `http://${address}` });
  expect(seen.at(-1)?.headers.origin).toBeUndefined();
  ws.terminate();
  const before = seen.length;
  expect(await refusalOf('/v1/ws', { origin: 'http://evil.example' })).toBe(403);
  expect(await refusalOf('/v1/ws', { origin: 'null' })).toBe(403);
  const posted = await fetch(`http://${address}/v1/guest`, {
    method: 'POST',
    headers: { origin: 'http://evil.example' },
  });
  expect(posted.status).toBe(403);
  expect(seen.length).toBe(before);
});

test('sockets above the limit are told to come back, and one that ended makes room', async () => {
  // Sockets of the tests before may still count: each is opened as soon as there is room.
  const open3: WebSocket[] = [];
  while (open3.length < 3) open3.push(await eventually(() => open('/v1/ws')));
  expect(await refusalOf('/v1/ws')).toBe(503);
  open3[0]?.terminate();
  const again = await eventually(() => open('/v1/ws'));
  for (const ws of [...open3, again]) ws.terminate();
});

test('an edge that dies ends the sockets that went through to it', async () => {
  const ws = await eventually(() => open('/v1/ws'));
  for (const server of sockets.clients) server.terminate();
  const [code] = await once(ws, 'close');
  expect(code).toBe(1006);
});

test('paths outside of the edges stay with the page, for sockets too', async () => {
  expect((await fetch(`http://${address}/`)).status).toBe(200);
  const ws = new WebSocket(`ws://${address}/other`);
  const [error] = (await once(ws, 'error')) as [Error];
  expect(error.message).toMatch(/socket hang up|ECONNRESET/);
});

test('with no edge to reach a request is answered 502, a socket too', async () => {
  const env = {
    BREAKWATER_HTTP_PORT: '0',
    BREAKWATER_WEB_HOST: '127.0.0.1',
    BREAKWATER_WEB_PORT: '0',
    BREAKWATER_WEB_PAGE: page,
    BREAKWATER_WEB_FORWARD_TO: 'http://127.0.0.1:1',
    BREAKWATER_LOG_LEVEL: 'silent',
  };
  await using lonely = await startBareService({ name: 'web', schema, app, env });
  const url = `127.0.0.1:${lonely.announced.port}`;
  expect((await fetch(`http://${url}/v1/ticket`, { method: 'POST' })).status).toBe(502);
  const ws = new WebSocket(`ws://${url}/v1/ws`);
  ws.on('error', () => undefined);
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(502);
});
