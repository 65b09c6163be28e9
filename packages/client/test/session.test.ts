import { eventually, startProxy } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { WebSocket as WsSocket } from 'ws';
import { connect, createClient, type WebSocketConstructor } from '../src/index.ts';
import { Backend } from './backend.ts';
import { ScriptedEdge } from './scripted-edge.ts';

const quick = { reconnect: { firstDelayMs: 20 }, token: () => 'good' };

async function deadUrl(): Promise<string> {
  await using gone = await ScriptedEdge.start();
  return gone.url;
}

test('a client says who it is, where it is connected, and how long the way is', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [`${edge.url}/`], ...quick });
  expect(client).toMatchObject({
    state: 'connected',
    user: 'ann',
    name: 'Ann',
    edge: 'edge-1',
    url: edge.url,
  });
  await eventually(() => client.roundTripMs !== undefined);
  expect(Math.abs(client.serverTimeMs() - Date.now())).toBeLessThan(1_000);
  expect(edge.socket.ws.protocol).toBe('breakwater.v1');
});

test('the token can travel as a subprotocol, and any WebSocket of the standard kind will do', async () => {
  await using edge = await ScriptedEdge.start();
  const WebSocket: WebSocketConstructor = WsSocket;
  await using client = await connect({
    urls: [edge.url],
    token: 'good',
    handshake: 'subprotocol',
    WebSocket,
  });
  expect(client.state).toBe('connected');
  expect(edge.ticketRequests).toBe(0);
});

test('an edge that is gone is left for the other one', async () => {
  const backend = new Backend();
  await using one = await ScriptedEdge.start(backend, 'edge-1');
  await using two = await ScriptedEdge.start(backend, 'edge-2');
  await using client = await connect({ urls: [one.url, two.url], ...quick });
  const room = await client.rooms.join('general');
  const [first, second] = client.edge === 'edge-1' ? [one, two] : [two, one];
  await first.stop();
  backend.say('general', 'while nobody listened');
  await eventually(() => client.edge === second.name && room.isLive);
  expect(room.messages.map(({ text }) => text)).toEqual(['while nobody listened']);
});

test('a dead edge on the list does not keep a client from starting', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [await deadUrl(), edge.url], ...quick, random: () => 0.999 });
  expect(client.url).toBe(edge.url);
});

test('a refused token is fetched anew; a plain one that is refused ends the client', async () => {
  await using edge = await ScriptedEdge.start();
  const tokens = ['stale', 'good'];
  await using client = await connect({
    ...quick,
    urls: [edge.url],
    token: async () => tokens.shift() ?? 'good',
  });
  expect(client.state).toBe('connected');
  expect(edge.ticketRequests).toBe(2);
  await expect(connect({ urls: [edge.url], token: 'bad' })).rejects.toMatchObject({ code: 'unauthorized' });
  await expect(connect({ ...quick, urls: [edge.url], token: () => 'bad' })).rejects.toMatchObject({
    code: 'unauthorized',
    retryable: false,
  });
});

test('a busy edge is left alone for as long as it asks', async () => {
  await using edge = await ScriptedEdge.start();
  edge.refusal = { status: 503, code: 'busy', retryAfterMs: 1_000 };
  const started = performance.now();
  const client = createClient({ urls: [edge.url], ...quick });
  const failures: string[] = [];
  client.on('state', ({ error }) => void (error !== undefined && failures.push(error.code)));
  await eventually(() => failures.length === 1);
  edge.refusal = undefined;
  await client.ready();
  expect(performance.now() - started).toBeGreaterThan(950);
  expect(failures).toEqual(['busy']);
  expect(edge.ticketRequests).toBe(2);
  await client.close();
});

test('a refusal that no repetition can change ends the client with its code', async () => {
  await using edge = await ScriptedEdge.start();
  edge.refusal = { status: 403, code: 'origin_refused' };
  await expect(connect({ urls: [edge.url], ...quick })).rejects.toMatchObject({ code: 'origin_refused' });
});

test.each([
  [4500, 'connection_closed'],
  [4501, 'connection_closed'],
  [4529, 'connection_closed'],
  [1008, 'connection_closed'],
])('close code %i ends the client for good', async (code, error) => {
  await using edge = await ScriptedEdge.start();
  const client = await connect({ urls: [edge.url], ...quick });
  const room = await client.rooms.join('general');
  edge.script = (frame) => frame.t === 'room.send';
  const send = room.send('never answered');
  edge.close(code);
  await eventually(() => client.state === 'closed');
  expect(client.error).toMatchObject({ code: error, closeCode: code, retryable: false });
  await expect(send).rejects.toBe(client.error);
  expect(edge.sockets.length).toBe(1);
});

test('an expired token (4401) is fetched anew and the client comes back', async () => {
  await using edge = await ScriptedEdge.start();
  let fetched = 0;
  await using client = await connect({
    ...quick,
    urls: [edge.url],
    token: () => {
      fetched++;
      return 'good';
    },
  });
  edge.close(4401);
  await eventually(() => edge.sockets.length === 2 && client.state === 'connected');
  expect(fetched).toBe(2);
});

test('a token is refreshed on the open socket before it ends', async () => {
  await using edge = await ScriptedEdge.start();
  edge.tokenLifeMs = 2_000;
  await using client = await connect({ urls: [edge.url], ...quick });
  await eventually(() => edge.socket.count('auth') === 1);
  expect(edge.socket.received.find((frame) => frame.t === 'auth')).toMatchObject({ token: 'good' });
  expect(client.state).toBe('connected');
  expect(edge.sockets.length).toBe(1);
});

test('an edge that goes silent is noticed, given up and replaced', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using proxy = await startProxy(edge.port);
  const times = { pingIntervalMs: 50, pongTimeoutMs: 100 };
  await using client = await connect({ urls: [`http://127.0.0.1:${proxy.port}`], ...quick, times });
  const room = await client.rooms.join('general');
  proxy.halfOpen();
  await eventually(() => client.state === 'reconnecting');
  backend.say('general', 'into the void');
  proxy.resume();
  await eventually(() => client.state === 'connected' && room.isLive);
  expect(room.messages.map(({ text }) => text)).toEqual(['into the void']);
});

test('a drained client opens the new socket before it closes the old, and nothing is lost or doubled', async () => {
  const backend = new Backend();
  await using one = await ScriptedEdge.start(backend, 'edge-1');
  await using two = await ScriptedEdge.start(backend, 'edge-2');
  await using client = await connect({ urls: [one.url, two.url], ...quick });
  const [from, to] = client.edge === 'edge-1' ? [one, two] : [two, one];
  const room = await client.rooms.join('general');
  const states: string[] = [];
  client.on('state', ({ state }) => states.push(state));
  const heard: string[] = [];
  room.on('message', ({ text }) => heard.push(text));
  const moved = client.events('moved').next();
  const expected: string[] = [];
  const sends: Promise<{ seq: number }>[] = [];
  from.socket.send({ t: 'move', inMs: 20 });
  for (let index = 0; index < 30; index++) {
    expected.push(`m${index}`);
    if (index % 3 === 0) sends.push(room.send(`m${index}`));
    else backend.say('general', `m${index}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(await moved).toMatchObject({ value: { fromEdge: from.name, toEdge: to.name } });
  await Promise.all(sends);
  await eventually(() => heard.length === expected.length);
  expect([...heard].sort()).toEqual([...expected].sort());
  expect(room.messages.map(({ seq }) => seq)).toEqual(
    room.messages.map(({ seq }) => seq).toSorted((a, b) => a - b),
  );
  expect(states).toEqual([]);
  await eventually(() => from.open.length === 0 && to.open.length === 1);
});

test('a request in flight is asked again after a loss if that is safe, and rejected if not', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const cuts = ['room.list', 'room.create'];
  edge.script = (frame, socket) => {
    if (frame.t !== cuts[0]) return false;
    cuts.shift();
    socket.ws.terminate();
    return true;
  };
  await expect(client.rooms.list()).resolves.toMatchObject([{ room: 'general' }]);
  await expect(client.rooms.create('mine')).rejects.toMatchObject({
    code: 'connection_lost',
    retryable: true,
  });
});

test('a request that is never answered times out, and the socket stays', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick, times: { requestTimeoutMs: 100 } });
  edge.script = (frame) => frame.t === 'room.list';
  await expect(client.rooms.list()).rejects.toMatchObject({ code: 'timeout' });
  expect(client.state).toBe('connected');
});

test('frames that are not understood are reported or skipped, and harm nothing', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const errors: string[] = [];
  client.on('error', ({ error }) => errors.push(error.name));
  for (const text of ['{"t":"from.the.future"}', 'no json', '{"t":"room.message"}', '[]'])
    edge.socket.ws.send(text);
  edge.socket.ws.send(new Uint8Array([9, 9, 9]));
  edge.socket.ws.send(new Uint8Array([2, 7, 1, 5, 3, 1]));
  await client.rooms.list();
  expect(errors).toEqual(['DecodeError', 'DecodeError', 'DecodeError', 'DecodeError']);
});

test.each([
  ['its own', { maxFramesPerSecond: 100, maxFrameBurst: 10 }, {}],
  ["the edge's", { maxFramesPerSecond: 1_000 }, { framesPerSecond: 125, frameBurst: 13 }],
])('a client that has much to say stays below %s rate', async (_whose, limits, rate) => {
  await using edge = await ScriptedEdge.start();
  edge.rate = rate;
  await using client = await connect({ urls: [edge.url], ...quick, limits });
  const times: number[] = [];
  edge.script = (frame) => {
    if (frame.t === 'room.list') times.push(performance.now());
    return false;
  };
  await Promise.all(Array.from({ length: 40 }, () => client.rooms.list()));
  expect(times.length).toBe(40);
  // The last thirty wait for their turn, ten milliseconds each; how late the first one came is not ours to say.
  expect(times.at(-1)! - times[0]!).toBeGreaterThan(100);
  expect(client.state).toBe('connected');
});

test('a frame that this edge would close the connection for is refused before it is sent', async () => {
  await using edge = await ScriptedEdge.start();
  edge.maxFrameBytes = 500;
  await using client = await connect({ urls: [edge.url], ...quick });
  const options = { options: { text: 'x'.repeat(1_000) } };
  await expect(client.games.create('counting', options)).rejects.toMatchObject({ code: 'bad_argument' });
  await expect(client.games.create('counting')).resolves.toMatchObject({ type: 'counting' });
});

test('after a refused ticket the same token is used for another one', async () => {
  await using edge = await ScriptedEdge.start();
  edge.refusal = { status: 401, code: 'ticket_refused' };
  let tokens = 0;
  const token = () => `good${'!'.repeat(tokens++)}`;
  const connecting = connect({ urls: [edge.url], ...quick, token });
  await eventually(() => edge.ticketRequests > 3);
  edge.refusal = undefined;
  await using client = await connecting;
  expect([client.state, tokens]).toEqual(['connected', 1]);
});

test('a client gives up where it was told to, and says why', async () => {
  const url = await deadUrl();
  const reconnect = { firstDelayMs: 1, maxAttempts: 3 };
  await expect(connect({ urls: [url], token: 'good', reconnect })).rejects.toMatchObject({
    code: 'connection_refused',
    retryable: true,
  });
  const times = { connectTimeoutMs: 100 };
  await expect(connect({ urls: [url], token: 'good', times })).rejects.toMatchObject({
    code: 'timeout',
    cause: { code: 'connection_refused' },
  });
  const signal = AbortSignal.abort();
  await expect(connect({ urls: [url], token: 'good', signal })).rejects.toMatchObject({
    code: 'client_closed',
  });
});

test('options that can never work are refused', () => {
  const bad = [
    { urls: [] },
    { urls: ['ftp://edge'] },
    { urls: ['http://edge?token=x'] },
    { urls: ['nonsense'] },
    { urls: ['http://edge'], limits: { maxQueued: 0 } },
    { urls: ['http://edge'], times: { pingIntervalMs: Number.NaN } },
    { urls: ['http://edge'], reconnect: { fast: 1 } },
  ];
  for (const options of bad) {
    expect(() => createClient({ token: 'good', ...options } as never)).toThrow(
      expect.objectContaining({ code: 'bad_argument' }),
    );
  }
});

test('the lobby is one watch, comes back after a loss, and ends with its last reader', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const [lobby, other] = await Promise.all([client.lobby.watch(), client.lobby.watch()]);
  expect(lobby.types).toEqual(['counting']);
  expect(edge.socket.count('lobby.watch')).toBe(1);
  const room = { room: 'general', title: 'General', kind: 'public' };
  edge.socket.send({ t: 'lobby.change', games: [], rooms: [room], goneGames: ['g1'], goneRooms: [] });
  await eventually(() => lobby.rooms.length === 1 && lobby.games.length === 0);
  edge.socket.ws.terminate();
  await eventually(() => edge.sockets.length === 2 && lobby.games.length === 1);
  expect(other.rooms).toEqual([]);
  lobby.close();
  expect(edge.socket.count('lobby.leave')).toBe(0);
  other.close();
  await eventually(() => edge.socket.count('lobby.leave') === 1);
});
