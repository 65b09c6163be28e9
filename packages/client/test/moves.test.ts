import type { ClientFrame } from '@breakwater/protocol';
import { eventually, startProxy } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { connect } from '../src/index.ts';
import { Backend } from './backend.ts';
import { ScriptedEdge } from './scripted-edge.ts';

const quick = { reconnect: { firstDelayMs: 20 }, token: () => 'good' };

/** A frame that was kept back. */
interface Held {
  /** Does what the edge does with it. */
  answer(): void;
  /** Answers "try again". */
  refuse(): void;
}

/** Keeps back the next frame of a type. */
function holdBack(edge: ScriptedEdge, type: 'game.join' | 'room.join'): Promise<Held> {
  const held = Promise.withResolvers<Held>();
  edge.script = (frame: ClientFrame, socket) => {
    if (frame.t !== type) return false;
    edge.script = () => undefined;
    const refuse = () => edge.refuse(socket, frame.id, 'unavailable', 200);
    held.resolve({ answer: () => edge.answer(socket, frame), refuse });
    return true;
  };
  return held.promise;
}

test('a game whose join fails on the socket that is left, after that on the new one, is joined again there', async () => {
  const backend = new Backend();
  await using one = await ScriptedEdge.start(backend, 'edge-1');
  await using two = await ScriptedEdge.start(backend, 'edge-2');
  const urls = [one.url, two.url];
  await using client = await connect({ urls, ...quick, times: { gameSilenceMs: 100 } });
  const [from, to] = client.edge === 'edge-1' ? [one, two] : [two, one];
  const game = await client.games.join('g1');
  const old = holdBack(from, 'game.join');
  const fresh = holdBack(to, 'game.join');
  // The owner says nothing, so it is asked for again.
  const held = await old;
  expect(game.status).toBe('rejoining');
  from.socket.send({ t: 'move', inMs: 0 });
  (await fresh).refuse();
  held.refuse();
  await eventually(() => from.open.length === 0);
  await eventually(() => expect(game.status).toBe('live'));
});

test('a game whose join on the socket that is left is answered after that on the new one stays on the new one', async () => {
  const backend = new Backend();
  await using one = await ScriptedEdge.start(backend, 'edge-1');
  await using two = await ScriptedEdge.start(backend, 'edge-2');
  await using client = await connect({
    urls: [one.url, two.url],
    ...quick,
    times: { gameSilenceMs: 100 },
  });
  const from = client.edge === 'edge-1' ? one : two;
  const game = await client.games.join('g1');
  const held = await holdBack(from, 'game.join');
  from.socket.send({ t: 'move', inMs: 0 });
  await eventually(() => expect(game.status).toBe('live'));
  held.answer();
  await eventually(() => from.open.length === 0);
  const { applied } = game.command('add', { amount: 1 });
  await eventually(() => backend.game('g1').commit() === undefined && game.pendingCommands === 0);
  await applied;
  expect(game.status).toBe('live');
});

test('a room whose join fails on the socket that is left, after that on the new one, is joined again there', async () => {
  const backend = new Backend();
  await using one = await ScriptedEdge.start(backend, 'edge-1');
  await using two = await ScriptedEdge.start(backend, 'edge-2');
  await using client = await connect({ urls: [one.url, two.url], ...quick });
  const [from, to] = client.edge === 'edge-1' ? [one, two] : [two, one];
  const room = await client.rooms.join('general');
  const heard: string[] = [];
  room.on('message', ({ text }) => heard.push(text));
  const old = holdBack(from, 'room.join');
  const fresh = holdBack(to, 'room.join');
  // A message is missing, so the room is asked for again.
  from.socket.rooms.delete('general');
  backend.say('general', 'missed');
  from.socket.rooms.add('general');
  backend.say('general', 'seen');
  const held = await old;
  from.socket.send({ t: 'move', inMs: 0 });
  (await fresh).refuse();
  held.refuse();
  await eventually(() => from.open.length === 0);
  backend.say('general', 'last');
  await eventually(() => expect(heard).toEqual(['missed', 'seen', 'last']));
});

test('a client whose edge is silent goes to another one at once', async () => {
  const backend = new Backend();
  await using one = await ScriptedEdge.start(backend, 'edge-1');
  await using two = await ScriptedEdge.start(backend, 'edge-2');
  await using nearOne = await startProxy(one.url);
  await using nearTwo = await startProxy(two.url);
  const times = { pingIntervalMs: 100, pongTimeoutMs: 200 };
  await using client = await connect({ urls: [nearOne.url, nearTwo.url], ...quick, times });
  const [near, far] = client.edge === 'edge-1' ? [nearOne, two] : [nearTwo, one];
  near.halfOpen();
  await eventually(() => expect(client.edge).toBe(far.name));
  expect(far.open).toHaveLength(1);
});
