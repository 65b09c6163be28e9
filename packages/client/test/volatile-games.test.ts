import { createInstance } from '@breakwater/game-kit';
import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { connect, type Game, type RowsOf } from '../src/index.ts';
import { Backend, counting, HostedGame } from './backend.ts';
import { type EdgeSocket, ScriptedEdge } from './scripted-edge.ts';

type Rows = RowsOf<typeof counting>;
/** A delay that grows from an hour on: what happens at all in these tests happens at once. */
const patient = {
  reconnect: { firstDelayMs: 3_600_000 },
  times: { commandResendMs: 50 },
  token: () => 'good',
};

const total = (game: Game<Rows>): number => game.replica.table('sums').rows.get(game.pid ?? 0)?.total ?? 0;

/** Of the commands that came after the last join. */
function numbersOf({ received }: EdgeSocket): number[] {
  const joinedAt = received.findLastIndex(({ t }) => t === 'game.join');
  return received.slice(joinedAt).flatMap((frame) => (frame.t === 'game.command' ? [frame.n] : []));
}

async function joinVolatile() {
  const backend = new Backend();
  const hosted = new HostedGame(true);
  backend.games.set('g1', hosted);
  const edge = await ScriptedEdge.start(backend);
  const client = await connect({ urls: [edge.url], ...patient });
  const game = await client.games.join<Rows>('g1');
  const timer = setInterval(() => !hosted.isDeaf && hosted.commit(), 5);
  const stop = async () => {
    clearInterval(timer);
    await client.close();
    await edge.stop();
  };
  return { hosted, edge, game, [Symbol.asyncDispose]: stop };
}

/** The game as it was when `users` had joined, and the first of them had added `amounts`. */
function earlier(users: readonly string[], amounts: readonly number[]) {
  const instance = createInstance(counting, { seed: 1 });
  for (const user of users) instance.join({ user, name: user, join: 1 });
  for (const [index, amount] of amounts.entries()) instance.command(1, index + 1, 'add', { amount });
  return instance;
}

test('a game that falls back is joined again at once, and goes on with the numbers after those that were covered', async () => {
  await using world = await joinVolatile();
  const { hosted, edge, game } = world;
  const [owners, pauses, states, seqs]: [unknown[], unknown[], string[], number[]] = [[], [], [], []];
  game.on('owner', (owner) => owners.push(owner));
  game.on('pause', (pause) => pauses.push(pause));
  game.on('status', ({ status }) => states.push(status));
  game.on('state', ({ seq }) => seqs.push(seq));
  game.on('delta', ({ seq }) => seqs.push(seq));
  for (const amount of [1, 10, 100]) await game.command('add', { amount }).applied;
  expect(total(game)).toBe(111);

  hosted.isDeaf = true;
  const pending = [200, 300].map((amount) => game.command('add', { amount }).applied);
  await eventually(() => expect(numbersOf(edge.socket)).toContain(5));
  // Longer than any pause that is worth telling.
  await new Promise((resolve) => setTimeout(resolve, 250));
  edge.socket.received.length = 0;
  hosted.instance = earlier(['ann'], [1]);
  hosted.move('sim-2');
  await eventually(() => expect(states).toEqual(['rejoining', 'live']));
  expect([total(game), game.ack, game.pendingCommands]).toEqual([1, 3, 2]);

  // The owner would take whatever comes first: no other number is on its way.
  await eventually(() => expect(numbersOf(edge.socket).length).toBeGreaterThan(2));
  const last = game.command('add', { amount: 500 });
  expect(last.n).toBe(6);
  expect(new Set(numbersOf(edge.socket))).toEqual(new Set([4]));
  hosted.isDeaf = false;
  await Promise.all([...pending, last.applied]);
  expect([total(game), game.ack]).toEqual([1 + 200 + 300 + 500, 6]);
  expect(edge.socket.count('game.join')).toBe(1);
  expect(owners).toEqual([{ epoch: 2, fromPod: 'sim-1', toPod: 'sim-2' }]);
  expect(pauses).toMatchObject([{ epoch: 2, fromPod: 'sim-1', toPod: 'sim-2' }]);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  expect(game.seq).toBeGreaterThan(2 ** 33);
});

test('a seat that the fall back took is taken anew, and what was sent for the old one is lost', async () => {
  await using world = await joinVolatile();
  const { hosted, game } = world;
  await game.command('add', { amount: 7 }).applied;
  expect(game.pid).toBe(1);
  hosted.isDeaf = true;
  const { applied } = game.command('add', { amount: 8 });
  hosted.instance = earlier(['somebody'], []);
  hosted.move('sim-2');
  await expect(applied).rejects.toMatchObject({ code: 'command_lost' });
  hosted.isDeaf = false;
  expect([game.pid, total(game)]).toEqual([2, 0]);
  const { n, applied: next } = game.command('add', { amount: 9 });
  await next;
  expect([n, total(game), game.status]).toEqual([1, 9, 'live']);
});

test('many refusals are one reason to join again, and one that a join on its way answers is none', async () => {
  await using world = await joinVolatile();
  const { edge, game } = world;
  const refuse = () =>
    edge.socket.send({ t: 'error', code: 'not_joined', message: 'join first', game: 'g1' });
  const states: string[] = [];
  game.on('status', ({ status }) => states.push(status));
  edge.script = (frame) => {
    if (frame.t === 'game.join') for (let count = 0; count < 5; count++) refuse();
    return false;
  };
  for (let count = 0; count < 5; count++) refuse();
  await eventually(() => expect(states).toEqual(['rejoining', 'live']));
  await game.command('add', { amount: 1 }).applied;
  expect(edge.socket.count('game.join')).toBe(2);
});
