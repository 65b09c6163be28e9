import type { ClientFrame } from '@breakwater/protocol';
import { eventually, startProxy } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { connect } from '../src/index.ts';
import { Backend } from './backend.ts';
import { ScriptedEdge } from './scripted-edge.ts';

const quick = { reconnect: { firstDelayMs: 20 }, token: () => 'good' };

/** Keeps back the next frame of a type: the result is a function that answers it with "try again". */
function holdBack(edge: ScriptedEdge, type: 'game.join' | 'room.join'): Promise<() => void> {
  const held = Promise.withResolvers<() => void>();
  edge.script = (frame: ClientFrame, socket) => {
    if (frame.t !== type) return false;
    edge.script = () => undefined;
    held.resolve(() => edge.refuse(socket, frame.id, 'unavailable', 200));
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
  const refuseOld = await old;
  expect(game.status).toBe('rejoining');
  from.socket.send({ t: 'move', inMs: 0 });
  (await fresh)();
  refuseOld();
  await eventually(() => from.open.length === 0);
  await eventually(() => expect(game.status).toBe('live'));
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
  const refuseOld = await old;
  from.socket.send({ t: 'move', inMs: 0 });
  (await fresh)();
  refuseOld();
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
