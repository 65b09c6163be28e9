import type { ClientFrame } from '@breakwater/protocol';
import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { connect, type Game, type Room } from '../src/index.ts';
import { Backend } from './backend.ts';
import { type EdgeSocket, ScriptedEdge } from './scripted-edge.ts';

/** A small generator, so that a run can be had again by its seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const LOSSY = new Set<ClientFrame['t']>(['room.join', 'room.send', 'game.join', 'game.command', 'ping']);

/** Loses some requests, the answers of others, and cuts sockets in the middle of it. */
function unreliable(edge: ScriptedEdge, random: () => number) {
  return (frame: ClientFrame, socket: EdgeSocket): boolean => {
    if (!LOSSY.has(frame.t)) return false;
    const chance = random();
    if (chance < 0.06) {
      socket.ws.terminate();
      return true;
    }
    if (chance < 0.12 && frame.t === 'room.send') {
      // Stored, and the answer is lost with the socket.
      edge.backend.send(frame.room, socket.user, frame.msg, frame.text);
      socket.ws.terminate();
      return true;
    }
    return chance < 0.15 && frame.t === 'game.command';
  };
}

async function play(seed: number): Promise<void> {
  const random = seeded(seed);
  const backend = new Backend();
  await using one = await ScriptedEdge.start(backend, 'edge-1');
  await using two = await ScriptedEdge.start(backend, 'edge-2');
  const edges = [one, two];
  await using client = await connect({
    urls: edges.map(({ url }) => url),
    token: () => 'good',
    reconnect: { firstDelayMs: 5, maxDelayMs: 50 },
    times: { requestTimeoutMs: 500, commandResendMs: 50, moveTimeoutMs: 300, sendTimeoutMs: 60_000 },
    random,
  });
  const room: Room = await client.rooms.join('general');
  const game: Game = await client.games.join('g1');
  const heard: string[] = [];
  room.on('message', ({ text }) => heard.push(text));
  const shown: [number, number][] = [];
  for (const event of ['state', 'delta'] as const)
    game.on(event, ({ epoch, seq }) => shown.push([epoch, seq]));
  for (const edge of edges) edge.script = unreliable(edge, random);
  const sends: Promise<{ seq: number }>[] = [];
  const commands: Promise<void>[] = [];
  for (let step = 0; step < 150; step++) {
    const chance = random();
    if (chance < 0.3) backend.say('general', `theirs ${step}`);
    else if (chance < 0.5) sends.push(room.send(`mine ${sends.length}`));
    else if (chance < 0.75) commands.push(game.command('add', { amount: 1 }).applied);
    else if (chance < 0.78)
      edges
        .find(({ name }) => name === client.edge)
        ?.open.at(-1)
        ?.send({ t: 'move', inMs: 0 });
    else if (chance < 0.8) backend.game('g1').move(`sim-${step}`);
    else if (chance < 0.82) for (const { ws } of edges.flatMap(({ open }) => open)) ws.terminate();
    if (step % 2 === 0) backend.game('g1').commit();
    if (step % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 8));
  }
  for (const edge of edges) edge.script = () => undefined;
  const ticking = setInterval(() => backend.game('g1').commit(), 10);
  try {
    await Promise.all([...sends, ...commands]);
    const stored = backend.room('general').messages.map(({ text }) => text);
    await eventually(() => expect(heard.length).toBe(stored.length));
    expect(heard).toEqual(stored);
    expect(stored.filter((text) => text.startsWith('mine'))).toEqual(
      sends.map((_, index) => `mine ${index}`),
    );
    expect(game.replica.table('sums').rows.get(game.pid ?? 0)?.total ?? 0).toBe(commands.length);
    const ordered = shown.toSorted(([e1, s1], [e2, s2]) => e1 - e2 || s1 - s2);
    expect(shown).toEqual(ordered);
    expect(room.outgoing).toEqual([]);
  } finally {
    clearInterval(ticking);
  }
}

test.each([1, 2, 3, 4, 5, 6])(
  'seed %i: whatever is cut, lost, moved and taken over, nothing is missed, doubled or out of order',
  async (seed) => {
    await play(seed);
  },
);
