import { expect, test } from 'vitest';
import { connect } from '../src/index.ts';
import { Backend } from './backend.ts';
import { ScriptedEdge } from './scripted-edge.ts';

const quick = { reconnect: { firstDelayMs: 20, maxDelayMs: 40 }, token: () => 'good' };

test('a join of a game that no process takes is repeated for a while, and then says why it failed', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  let isRefused = true;
  edge.script = (frame, socket) => {
    if (frame.t !== 'game.join' || !isRefused) return false;
    edge.refuse(socket, frame.id, 'no_capacity');
    return true;
  };
  await using client = await connect({ urls: [edge.url], ...quick, times: { requestTimeoutMs: 500 } });
  await expect(client.games.join('g1')).rejects.toMatchObject({
    name: 'ServerError',
    code: 'no_capacity',
    retryable: true,
  });
  expect(edge.socket.count('game.join')).toBeGreaterThan(1);
  expect(client.games.joined).toEqual([]);
  isRefused = false;
  expect((await client.games.join('g1')).status).toBe('live');
});

test('a join that nobody answers times out', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  edge.script = (frame) => frame.t === 'game.join';
  await using client = await connect({ urls: [edge.url], ...quick, times: { requestTimeoutMs: 300 } });
  await expect(client.games.join('g1')).rejects.toMatchObject({ name: 'TimeoutError', code: 'timeout' });
});

test('a join that is outdated is sent again with higher numbers until one counts', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  const joins: number[] = [];
  edge.script = (frame, socket) => {
    if (frame.t !== 'game.join') return false;
    joins.push(frame.join);
    if (frame.join > joins[0]! + 5_000) return false;
    socket.send({ t: 'error', id: frame.id, code: 'join_outdated', message: 'outdated' });
    return true;
  };
  await using client = await connect({ urls: [edge.url], ...quick });
  const game = await client.games.join('g1');
  expect(game.status).toBe('live');
  expect(joins.length).toBeGreaterThan(2);
  expect(joins).toEqual(joins.toSorted((a, b) => a - b));
});
