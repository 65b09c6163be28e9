import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { createLogOutput } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Certificate } from '../src/adapters/certificate.ts';
import { type TestEdge, tokenFor, World } from './world.ts';

const run = promisify(execFile);
let dir: string;
let world: World;
let edge: TestEdge;

const file = (name: string): string => join(dir, name);

async function makeCertificate(name: string): Promise<void> {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-x509', '-days', '2'];
  await run('openssl', ['req', ...curve, ...subject, '-keyout', file('tls.key'), '-out', file('tls.crt')]);
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'breakwater-tls-'));
  await makeCertificate('first');
  world = await World.start();
  edge = await world.startEdge({
    env: {
      BREAKWATER_EDGE_TLS_CERT_FILE: file('tls.crt'),
      BREAKWATER_EDGE_TLS_KEY_FILE: file('tls.key'),
      BREAKWATER_EDGE_CONNECTION_TIMEOUT_MS: '2000',
    },
  });
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

test('with a certificate clients connect over TLS, and talk as without', async () => {
  const token = await tokenFor({ user: 'ann' });
  const ws = new WebSocket(`wss://127.0.0.1:${edge.port}/v1/ws`, ['breakwater.v1'], {
    ca: readFileSync(file('tls.crt')),
    headers: { authorization: `Bearer ${token}` },
  });
  const [frame] = await once(ws, 'message');
  expect(JSON.parse(String(frame))).toMatchObject({ t: 'welcome', user: 'ann' });
  ws.send(JSON.stringify({ t: 'ping', id: 1 }));
  const [pong] = await once(ws, 'message');
  expect(JSON.parse(String(pong))).toMatchObject({ t: 'pong', id: 1 });
  ws.close();
  await once(ws, 'close');
});

test('a client that begins no handshake is cut off (fault 13)', async () => {
  const { connect: connectTcp } = await import('node:net');
  const socket = connectTcp(edge.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'close');
});

test('plain HTTP gets nothing', async () => {
  await expect(fetch(`http://127.0.0.1:${edge.port}/v1/ticket`, { method: 'POST' })).rejects.toThrow();
});

test('a certificate without its key is refused at the start', async () => {
  const env = { BREAKWATER_EDGE_TLS_CERT_FILE: file('tls.crt') };
  await expect(world.startEdge({ env })).rejects.toThrow(/set together or not at all/);
});

test('a certificate that is replaced serves the next connection; broken files leave the old one', async () => {
  const { log } = createLogOutput({ service: 'edge', instance: 'test', level: 'silent' });
  const files = { certFile: file('tls.crt'), keyFile: file('tls.key') };
  const certificate = new Certificate(files, log, 20);
  const server = createServer({ ...certificate.keyPair }, (socket) => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  certificate.follow(server);
  const servedName = async (): Promise<string> => {
    const port = (server.address() as { port: number }).port;
    const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const name = String(socket.getPeerCertificate().subject.CN);
    socket.destroy();
    return name;
  };
  try {
    expect(await servedName()).toBe('first');
    await makeCertificate('second');
    await eventually(async () => expect(await servedName()).toBe('second'));
    writeFileSync(file('tls.crt'), 'no certificate');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await servedName()).toBe('second');
  } finally {
    certificate.stop();
    server.close();
  }
});
