import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ClientFrame, encodeClientFrame } from '@breakwater/protocol';
import { eventually, projectRoot, type Stack, startProxy, startStack } from '@breakwater/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, connect, type Room } from '../src/index.ts';
import { RawClient } from './raw-client.ts';

const run = promisify(execFile);
let stack: Stack;

beforeAll(async () => {
  const edge = { BREAKWATER_EDGE_DRAIN_SPREAD_MS: '1000', BREAKWATER_EDGE_DRAIN_GRACE_MS: '3000' };
  stack = await startStack({ edges: 3, env: { edge } });
});
afterAll(() => stack?.stop());

const as = (user: string, urls = stack.edgeUrls): Promise<Client> =>
  connect({ urls, token: () => stack.token(user) });
const texts = (room: Room): string[] => room.messages.map(({ text }) => text);
const send = ({ ws }: RawClient, frame: ClientFrame): void => ws.send(encodeClientFrame(frame));
const newRoom = async (client: Client, id: string): Promise<string> => (await client.rooms.create(id)).room;

test('a client that is cut by the proxy and returns has exactly the messages of the others, in order, none twice', async () => {
  await using proxy = await startProxy(stack.edgeUrls[0]!);
  await using talker = await as('talker', [stack.edgeUrls[1]!]);
  const id = await newRoom(talker, 'cuts');
  await using reader = await as('reader', [proxy.url]);
  const [theirs, mine] = await Promise.all([talker.rooms.join(id), reader.rooms.join(id)]);
  const states: string[] = [];
  reader.on('state', ({ state }) => states.push(state));
  const heard: string[] = [];
  mine.on('message', ({ text }) => heard.push(text));
  const expected: string[] = [];
  for (let index = 0; index < 40; index++) {
    const text = `message ${index}`;
    expected.push(text);
    await theirs.send(text);
    if (index % 8 !== 4) continue;
    await eventually(() => expect(reader.state).toBe('connected'));
    const seen = states.length;
    proxy.cut();
    await eventually(() => expect(states.length).toBeGreaterThan(seen));
  }
  await eventually(() => expect(heard.length).toBe(expected.length));
  expect(heard).toEqual(expected);
  expect(texts(mine)).toEqual(expected);
  expect(states.filter((state) => state === 'connected').length).toBe(5);
});

test('own messages survive cuts too: each is stored once, in the order of the calls', async () => {
  await using proxy = await startProxy(stack.edgeUrls[0]!);
  await using client = await as('cutter', [proxy.url]);
  const room = await client.rooms.join(await newRoom(client, 'own-cuts'));
  const sends: Promise<{ seq: number }>[] = [];
  for (let index = 0; index < 30; index++) {
    sends.push(room.send(`own ${index}`));
    if (index % 7 === 3) proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  const seqs = (await Promise.all(sends)).map(({ seq }) => seq);
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  await eventually(() => expect(texts(room).length).toBe(30));
  expect(texts(room)).toEqual(Array.from({ length: 30 }, (_, index) => `own ${index}`));
  expect(room.outgoing).toEqual([]);
});

test('the same message id twice at once through two edges is one message with one sequence', async () => {
  await using maker = await as('twin');
  const id = await newRoom(maker, 'twins');
  const room = await maker.rooms.join(id);
  const clients = await Promise.all(
    [0, 1].map((edge) => RawClient.open(stack.edgeUrls[edge]!, stack.token('twin'))),
  );
  await Promise.all(clients.map((client) => client.ask({ t: 'room.join', room: id })));
  const msg = RawClient.messageId();
  const answers = await Promise.all(
    clients.map((client) => client.ask({ t: 'room.send', room: id, msg, text: 'once' })),
  );
  const seqs = answers.map((answer) => (answer.t === 'room.sent' ? answer.seq : answer));
  expect(seqs[0]).toBe(seqs[1]);
  const again = await clients[1]!.ask({ t: 'room.send', room: id, msg, text: 'once', resend: true });
  expect(again).toMatchObject({ t: 'room.sent', seq: seqs[0] });
  const other = await clients[0]!.ask({ t: 'room.send', room: id, msg, text: 'another body', resend: true });
  expect(other).toMatchObject({ t: 'error', code: 'id_reused' });
  await eventually(() => expect(texts(room)).toEqual(['once']));
  for (const client of clients) client.close();
});

test('a token is refreshed on the open socket before it ends; one that is not is the end', async () => {
  let fetched = 0;
  await using client = await connect({
    urls: [stack.edgeUrls[0]!],
    token: () => stack.token('fresh', 'fresh', { lifetimeSeconds: fetched++ === 0 ? 3 : 60 }),
  });
  await using stale = await connect({
    urls: [stack.edgeUrls[0]!],
    token: stack.token('stale', 'stale', { lifetimeSeconds: 3 }),
  });
  const states: string[] = [];
  client.on('state', ({ state }) => states.push(state));
  await eventually(() => expect(stale.state).toBe('closed'), { timeoutMs: 8_000 });
  expect(stale.error).toMatchObject({ code: 'token_expired' });
  const room = await client.rooms.join('general');
  await room.send('still here');
  expect(fetched).toBe(2);
  expect(states).toEqual([]);
});

test('a game is played through cuts: each command once', async () => {
  await using proxy = await startProxy(stack.edgeUrls[0]!);
  await using client = await as('gamer', [proxy.url]);
  const game = await client.games.quickMatch('world');
  const applied: Promise<void>[] = [];
  for (let index = 0; index < 40; index++) {
    applied.push(game.command('steer', { dx: (index % 3) - 1, dy: 0 }).applied);
    if (index % 15 === 7) proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await Promise.all(applied);
  expect([game.ack, game.pendingCommands, game.status]).toEqual([40, 0, 'live']);
  expect(game.replica.table('$seats').rows.get(game.pid!)).toMatchObject({ ack: 40 });
});

test('of two sessions of one user on two edges only the newer plays, and the older hears why', async () => {
  await using older = await as('doubled', [stack.edgeUrls[0]!]);
  await using newer = await as('doubled', [stack.edgeUrls[1]!]);
  const { game: id } = await older.games.create('world');
  const lost = await older.games.join(id);
  await lost.command('steer', { dx: 1, dy: 0 }).applied;
  const joined = lost.events('status').next();
  const game = await newer.games.join(id);
  expect(await joined).toMatchObject({ value: { status: 'lost', error: { code: 'replaced' } } });
  expect(game.pid).toBe(lost.pid);

  // One that does not listen to that goes on without any effect, and takes no numbers away.
  const first = await RawClient.open(stack.edgeUrls[0]!, stack.token('stubborn'));
  const second = await RawClient.open(stack.edgeUrls[1]!, stack.token('stubborn'));
  const join = Date.now();
  const mine = await first.ask({ t: 'game.join', game: id, join });
  const theirs = await second.ask({ t: 'game.join', game: id, join: join + 1 });
  if (mine.t !== 'game.joined' || theirs.t !== 'game.joined') throw new Error('a session could not join');
  const seat = () => game.replica.table('players').rows.get(theirs.pid!);
  for (const n of [1, 2])
    send(first, { t: 'game.command', game: id, n, name: 'steer', args: { dx: 9, dy: 0 } });
  await first.ask({ t: 'ping' });
  send(second, { t: 'game.command', game: id, n: 1, name: 'steer', args: { dx: 0, dy: 3 } });
  await eventually(() => expect(seat()).toMatchObject({ dx: 0, dy: 3 }));
  for (const client of [first, second]) client.close();
});

test('the process that hosts a game is killed: its one player plays on, and nobody else had to come', async () => {
  await using client = await connect({
    urls: [stack.edgeUrls[0]!],
    token: () => stack.token('lonely'),
    times: { gameSilenceMs: 1_500 },
  });
  const { game: id } = await client.games.create('world');
  const game = await client.games.join(id);
  await game.command('steer', { dx: 1, dy: 1 }).applied;
  const { epoch, pid } = game;
  const host = stack.simulations.find(({ name }) => name === game.pod)!;
  await host.kill();
  const next = game.command('steer', { dx: -1, dy: 0 });
  await next.applied;
  expect(game).toMatchObject({ status: 'live', pid, ack: 2 });
  expect(game.epoch).toBeGreaterThan(epoch);
  expect(game.pod).not.toBe(host.name);
  await host.start();
});

test('the ten lines of chat.ts send a message, the twenty of world.ts play a game and earn XP', async () => {
  await using client = await as('witness');
  await using twenty = await as('twenty');
  const heard: number[] = [];
  twenty.people.on('xp', ({ total }) => heard.push(total));
  await eventually(() => expect(heard).toEqual([0]));
  const room = await client.rooms.join('general');
  const example = (name: string, ...args: string[]) =>
    run(
      process.execPath,
      [join(projectRoot, 'packages/client/examples', name), stack.edgeUrls[1]!, ...args],
      {
        timeout: 60_000,
      },
    );
  const chat = await example('chat.ts', stack.token('ten'), 'from ten lines');
  expect(chat.stdout).toMatch(/stored as \d+/);
  await eventually(() => expect(texts(room)).toContain('from ten lines'));
  const world = await example('world.ts', stack.token('twenty'));
  const xp = Number(/broke an object for ([1-9]\d*) XP/.exec(world.stdout)?.[1]);
  await eventually(() => expect(heard).toEqual([0, xp]));
  expect(await client.people.xp('twenty')).toBe(xp);
  expect(await client.people.xp()).toBe(0);
});

test('an edge that is killed is left for another, and nothing is missed', async () => {
  await using client = await as('survivor', [stack.edgeUrls[2]!, stack.edgeUrls[0]!]);
  await using talker = await as('talker', [stack.edgeUrls[1]!]);
  const id = await newRoom(talker, 'killed');
  const [room, theirs] = await Promise.all([client.rooms.join(id), talker.rooms.join(id)]);
  const before = client.url;
  const killed = stack.edges.find(({ url }) => url === before)!;
  await killed.kill();
  await theirs.send('while it was gone');
  await eventually(() => expect(client.state).toBe('connected'));
  await theirs.send('after it came back');
  await eventually(() => expect(texts(room)).toEqual(['while it was gone', 'after it came back']));
  expect(client.url).not.toBe(before);
  await killed.start();
});

test('an edge that drains moves its clients before it goes, and nobody notices', async () => {
  await using client = await as('mover', [stack.edgeUrls[0]!, stack.edgeUrls[1]!]);
  await using talker = await as('talker', [stack.edgeUrls[2]!]);
  const id = await newRoom(talker, 'drained');
  const [room, theirs] = await Promise.all([client.rooms.join(id), talker.rooms.join(id)]);
  const game = await client.games.quickMatch('world');
  const states: string[] = [];
  client.on('state', ({ state }) => states.push(state));
  game.on('status', ({ status }) => states.push(status));
  const commands: Promise<void>[] = [];
  const moved = client.events('moved').next();
  const draining = stack.edges.find(({ url }) => url === client.url)!;
  const stopped = draining.stop();
  const expected: string[] = [];
  for (let index = 0; index < 60; index++) {
    expected.push(`d${index}`);
    commands.push(game.command('steer', { dx: index % 3, dy: 1 }).applied);
    await theirs.send(`d${index}`);
  }
  await moved;
  await Promise.all(commands);
  expect(game.ack).toBe(commands.length);
  await stopped;
  await eventually(() => expect(texts(room).length).toBe(expected.length));
  expect(texts(room)).toEqual(expected);
  expect(states).toEqual([]);
  await draining.start();
});
