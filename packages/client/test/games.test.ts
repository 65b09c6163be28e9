import { eventually, startProxy } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { connect, type Game, type RowsOf } from '../src/index.ts';
import { Backend, type counting } from './backend.ts';
import { ScriptedEdge } from './scripted-edge.ts';

type Rows = RowsOf<typeof counting>;
const quick = { reconnect: { firstDelayMs: 20 }, times: { commandResendMs: 50 }, token: () => 'good' };

function total(game: Game<Rows>): number {
  return game.replica.table('sums').rows.get(game.pid ?? 0)?.total ?? 0;
}

/** Commits every few milliseconds, as an owner does. */
function ticking(backend: Backend, name: string): Disposable {
  const timer = setInterval(() => backend.game(name).commit(), 5);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

test('a command is applied when the state says so; private and shared parts arrive together', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using client = await connect({ urls: [edge.url], ...quick });
  const game = await client.games.quickMatch<Rows>('counting');
  expect(game).toMatchObject({ status: 'live', pod: 'sim-1', epoch: 1, ack: 0, tickHz: 20 });
  const seen: [number, number][] = [];
  game.on('delta', () =>
    seen.push([total(game), game.replica.table('secrets').rows.get(game.pid!)?.last ?? 0]),
  );
  using _ = ticking(backend, game.id);
  const { n, applied } = game.command('add', { amount: 5 });
  await applied;
  expect([n, game.ack, game.pendingCommands]).toEqual([1, 1, 0]);
  await game.command('add', { amount: 7 }).applied;
  expect(total(game)).toBe(12);
  expect(seen.filter(([sum, last]) => (sum === 5 && last !== 5) || (sum === 12 && last !== 7))).toEqual([]);
});

test('a rejected command says why, and the ones after it go on', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using client = await connect({ urls: [edge.url], ...quick });
  const game = await client.games.join<Rows>('g1');
  using _ = ticking(backend, 'g1');
  const rejects: unknown[] = [];
  game.on('reject', (reject) => rejects.push(reject));
  const sent = [13, 1, 99, 2].map((amount) => game.command('add', { amount }).applied);
  await expect(sent[0]).rejects.toMatchObject({ code: 'command_rejected', reason: 'unlucky', n: 1 });
  await expect(sent[2]).rejects.toMatchObject({ reason: 'command_failed', n: 3 });
  await Promise.all([sent[1], sent[3]]);
  expect(total(game)).toBe(3);
  expect(rejects).toEqual([
    { n: 1, reason: 'unlucky' },
    { n: 3, reason: 'command_failed' },
  ]);
});

test('commands sent over cuts are applied exactly once and in order', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using proxy = await startProxy(edge.port);
  await using client = await connect({ urls: [`http://127.0.0.1:${proxy.port}`], ...quick });
  const game = await client.games.join<Rows>('g1');
  using _ = ticking(backend, 'g1');
  const applied: Promise<void>[] = [];
  for (let index = 1; index <= 60; index++) {
    applied.push(game.command('add', { amount: 1 }).applied);
    if (index % 20 === 10) proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  await Promise.all(applied);
  expect(total(game)).toBe(60);
  expect(game.ack).toBe(60);
  expect(edge.sockets.length).toBeGreaterThan(2);
  const joins = edge.sockets
    .flatMap(({ received }) => received)
    .flatMap((f) => (f.t === 'game.join' ? [f] : []));
  expect(joins.map(({ join }) => join)).toEqual(joins.map(({ join }) => join).toSorted((a, b) => a - b));
  expect(new Set(joins.map(({ join }) => join)).size).toBe(joins.length);
  expect(joins.slice(1).every(({ shown }) => shown !== undefined)).toBe(true);
});

test('commands that were lost between edge and owner are sent again', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using client = await connect({ urls: [edge.url], ...quick });
  const game = await client.games.join<Rows>('g1');
  using _ = ticking(backend, 'g1');
  backend.game('g1').isDeaf = true;
  const applied = [1, 2, 3].map((amount) => game.command('add', { amount }).applied);
  await eventually(() => edge.socket.count('game.command') >= 6);
  backend.game('g1').isDeaf = false;
  await Promise.all(applied);
  expect(total(game)).toBe(6);
});

test('an owner change is told with both processes and the pause, and breaks nothing', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using client = await connect({ urls: [edge.url], ...quick });
  const game = await client.games.join<Rows>('g1');
  const hosted = backend.game('g1');
  const [owners, pauses, states]: [unknown[], { ms: number }[], string[]] = [[], [], []];
  game.on('owner', (owner) => owners.push(owner));
  game.on('pause', (pause) => pauses.push(pause));
  game.on('status', ({ status }) => states.push(status));
  // The pause is counted from when this one is shown.
  const shown = new Promise<void>((resolve) => game.on('delta', () => resolve()));
  hosted.commit();
  await shown;
  await new Promise((resolve) => setTimeout(resolve, 250));
  hosted.move('sim-2');
  const { applied } = game.command('add', { amount: 4 });
  using _ = ticking(backend, 'g1');
  await applied;
  expect(total(game)).toBe(4);
  expect(game).toMatchObject({ pod: 'sim-2', epoch: 2 });
  expect(owners).toEqual([{ epoch: 2, fromPod: 'sim-1', toPod: 'sim-2' }]);
  expect(pauses).toMatchObject([{ epoch: 2, fromPod: 'sim-1', toPod: 'sim-2' }]);
  expect(pauses[0]!.ms).toBeGreaterThan(200);
  expect(states).toEqual([]);
});

test('a lost delta is noticed by its predecessor and healed by full state', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using client = await connect({ urls: [edge.url], ...quick });
  const game = await client.games.join<Rows>('g1');
  const states: string[] = [];
  game.on('status', ({ status }) => states.push(status));
  const seat = edge.socket.games.get('g1')!;
  const { applied } = game.command('add', { amount: 3 });
  await eventually(() => edge.socket.count('game.command') === 1);
  seat.isLossy = true;
  backend.game('g1').commit();
  seat.isLossy = false;
  using _ = ticking(backend, 'g1');
  await applied;
  expect(total(game)).toBe(3);
  expect(states).toEqual(['rejoining', 'live']);
});

test('late frames of an old owner and late copies change nothing', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using client = await connect({ urls: [edge.url], ...quick });
  const game = await client.games.join<Rows>('g1');
  const hosted = backend.game('g1');
  const seqs: number[] = [];
  game.on('delta', ({ seq }) => seqs.push(seq));
  hosted.commit();
  hosted.move('sim-2');
  hosted.commit();
  const { parts, ...late } = {
    parts: hosted.instance.encodeDelta(),
    epoch: 1,
    seq: hosted.seq + 2,
    prev: hosted.seq,
  };
  for (const listener of hosted.feed) listener({ ...late, parts });
  for (const listener of hosted.feed) listener({ epoch: 2, seq: hosted.seq, prev: hosted.seq - 2, parts });
  hosted.commit();
  await eventually(() => game.seq === hosted.seq);
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  expect(game.status).toBe('live');
  expect(game.epoch).toBe(2);
});

test('a client that moves to another edge stays in the game without a gap', async () => {
  const backend = new Backend();
  await using one = await ScriptedEdge.start(backend, 'edge-1');
  await using two = await ScriptedEdge.start(backend, 'edge-2');
  await using client = await connect({ urls: [one.url, two.url], ...quick });
  const from = client.edge === 'edge-1' ? one : two;
  const game = await client.games.join<Rows>('g1');
  const states: string[] = [];
  game.on('status', ({ status }) => states.push(status));
  using _ = ticking(backend, 'g1');
  const moved = client.events('moved').next();
  from.socket.send({ t: 'move', inMs: 10 });
  const applied: Promise<void>[] = [];
  for (let index = 0; index < 40; index++) {
    applied.push(game.command('add', { amount: 1 }).applied);
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  await moved;
  await Promise.all(applied);
  expect(total(game)).toBe(40);
  expect(states).toEqual([]);
  await eventually(() => from.open.length === 0);
});

test('a new edge whose answer is older than what the old one showed costs no command', async () => {
  const backend = new Backend();
  await using one = await ScriptedEdge.start(backend, 'edge-1');
  await using two = await ScriptedEdge.start(backend, 'edge-2');
  await using client = await connect({ urls: [one.url, two.url], ...quick });
  const [from, to] = client.edge === 'edge-1' ? [one, two] : [two, one];
  const game = await client.games.join<Rows>('g1');
  const states: string[] = [];
  game.on('status', ({ status }) => states.push(status));
  const hosted = backend.game('g1');
  const held: (() => void)[] = [];
  let isHeld = true;
  to.script = (frame, socket) => {
    if (frame.t !== 'game.join') return false;
    // The owner's answer is made now and arrives later.
    const send = socket.ws.send.bind(socket.ws) as (data: unknown) => void;
    socket.ws.send = (data: unknown) => void (isHeld ? held.push(() => send(data)) : send(data));
    return false;
  };
  const moved = client.events('moved').next();
  from.socket.send({ t: 'move', inMs: 0 });
  await eventually(() => held.length > 0);
  const applied = [1, 2, 3].map((amount) => game.command('add', { amount }).applied);
  await eventually(() => from.socket.count('game.command') === 3);
  hosted.commit();
  await eventually(() => game.ack === 3);
  const last = game.command('add', { amount: 4 });
  expect(last.n).toBe(4);
  isHeld = false;
  for (const deliver of held) deliver();
  using _ = ticking(backend, 'g1');
  await Promise.all([...applied, last.applied, moved]);
  expect([total(game), states]).toEqual([10, []]);
});

test('a reload continues the numbers of the commands and joins with a higher number', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  const kept = new Map<string, string>();
  const storage = {
    get: (key: string) => kept.get(key),
    set: (key: string, value: string) => void kept.set(key, value),
  };
  using _ = ticking(backend, 'g1');
  for (const expected of [1, 2, 3]) {
    await using client = await connect({ urls: [edge.url], ...quick, storage });
    const game = await client.games.join<Rows>('g1');
    const { n, applied } = game.command('add', { amount: 1 });
    await applied;
    expect([n, total(game)]).toEqual([expected, expected]);
  }
  const joins = edge.sockets
    .flatMap(({ received }) => received)
    .flatMap((f) => (f.t === 'game.join' ? [f.join] : []));
  expect(joins.length).toBe(3);
  expect(joins[1]).toBeGreaterThan(joins[0]!);
  expect(joins[2]).toBeGreaterThan(joins[1]!);
  expect(kept.size).toBe(1);
});

test('a spectator sees the shared part and cannot command', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using client = await connect({ urls: [edge.url], ...quick });
  const game = await client.games.join<Rows>('g1', { spectate: true });
  const player = backend.game('g1').instance.join({ user: 'bob', name: 'Bob', join: 1 });
  expect(player.kind).toBe('joined');
  backend.game('g1').instance.command(1, 1, 'add', { amount: 9 });
  backend.game('g1').commit();
  await eventually(() => game.replica.table('sums').rows.get(1)?.total === 9);
  expect(game.replica.table('secrets').rows.size).toBe(0);
  expect(() => game.command('add', { amount: 1 })).toThrow(expect.objectContaining({ code: 'bad_argument' }));
});

test('a game that ends rejects what it did not apply', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const game = await client.games.join<Rows>('g1');
  const ended: string[] = [];
  game.on('ended', ({ reason }) => ended.push(reason));
  const { applied } = game.command('add', { amount: 1 });
  edge.socket.send({ t: 'game.ended', game: 'g1', reason: 'time is up' });
  await expect(applied).rejects.toMatchObject({ code: 'game_ended' });
  expect([game.status, ended]).toEqual(['ended', ['time is up']]);
  expect(() => game.command('add', { amount: 1 })).toThrow(expect.objectContaining({ code: 'game_ended' }));
  expect(client.games.joined).toEqual([]);
});

test('joining a full game says so; joining one that starts is tried again', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick });
  const answers: ('game_full' | 'unavailable')[] = ['game_full', 'unavailable', 'unavailable'];
  edge.script = (frame, socket) => {
    const code = frame.t === 'game.join' ? answers.shift() : undefined;
    if (frame.t !== 'game.join' || code === undefined) return false;
    edge.refuse(socket, frame.id, code);
    return true;
  };
  await expect(client.games.join('g1')).rejects.toMatchObject({ code: 'game_full', retryable: true });
  const game = await client.games.join('g1');
  expect([game.status, answers]).toEqual(['live', []]);
});

test('commands that nothing covers are bounded', async () => {
  await using edge = await ScriptedEdge.start();
  await using client = await connect({ urls: [edge.url], ...quick, limits: { maxPendingCommands: 3 } });
  const game = await client.games.join<Rows>('g1');
  for (let index = 0; index < 3; index++) game.command('add', { amount: 1 });
  expect(() => game.command('add', { amount: 1 })).toThrow(expect.objectContaining({ code: 'queue_full' }));
  expect(() => game.command('no spaces')).toThrow(expect.objectContaining({ code: 'bad_argument' }));
});

test('a listener on a table that throws is reported and the state goes on', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using client = await connect({ urls: [edge.url], ...quick });
  const errors: string[] = [];
  client.on('error', ({ error }) => errors.push(error.message));
  const game = await client.games.join<Rows>('g1');
  game.replica.table('sums').on({
    inserted: () => {
      throw new Error('a mistake of the page');
    },
  });
  using _ = ticking(backend, 'g1');
  await game.command('add', { amount: 1 }).applied;
  await game.command('add', { amount: 1 }).applied;
  expect(total(game)).toBe(2);
  expect(errors).toEqual(['a mistake of the page']);
});

test('a session whose seat a newer one took is told so, sends nothing more and does not take the seat back', async () => {
  const backend = new Backend();
  await using one = await ScriptedEdge.start(backend, 'edge-1');
  await using two = await ScriptedEdge.start(backend, 'edge-2');
  await using older = await connect({ urls: [one.url], ...quick });
  const lost = await older.games.join<Rows>('g1');
  using _ = ticking(backend, 'g1');
  await lost.command('add', { amount: 1 }).applied;
  backend.game('g1').isDeaf = true;
  const unknown = lost.command('add', { amount: 2 });
  const status = lost.events('status').next();
  await using newer = await connect({ urls: [two.url], ...quick });
  const game = await newer.games.join<Rows>('g1');
  expect(await status).toMatchObject({ value: { status: 'lost', error: { code: 'replaced' } } });
  await expect(unknown.applied).rejects.toMatchObject({ code: 'replaced', retryable: false });
  expect(() => lost.command('add', { amount: 4 })).toThrow(expect.objectContaining({ code: 'replaced' }));
  await eventually(() => one.socket.count('game.leave') === 1);
  backend.game('g1').isDeaf = false;
  await game.command('add', { amount: 8 }).applied;
  expect([total(game), game.status, one.socket.count('game.join')]).toEqual([9, 'live', 1]);
});

test('a player whose game falls silent joins it again by itself; a spectator waits', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  const times = { ...quick.times, gameSilenceMs: 100 };
  await using client = await connect({ urls: [edge.url], ...quick, times });
  await using watcher = await connect({ urls: [edge.url], ...quick, times });
  const watched = await watcher.games.join<Rows>('g2', { spectate: true });
  const game = await client.games.join<Rows>('g1');
  const states: string[] = [];
  game.on('status', ({ status }) => states.push(status));
  const player = edge.sockets.find((socket) => socket.games.has('g1'))!;
  await eventually(() => player.count('game.join') >= 3);
  const joins = player.received.flatMap((frame) => (frame.t === 'game.join' ? [frame.join] : []));
  expect(joins).toEqual([...new Set(joins)].toSorted((a, b) => a - b));
  expect(states.slice(0, 2)).toEqual(['rejoining', 'live']);
  using _ = ticking(backend, 'g1');
  await game.command('add', { amount: 3 }).applied;
  expect([total(game), game.status, watched.status]).toEqual([3, 'live', 'live']);
  expect(edge.sockets.find((socket) => socket.games.has('g2'))!.count('game.join')).toBe(1);
});

test('a session that comes back and hears that a newer one has its seat leaves it there', async () => {
  const backend = new Backend();
  await using edge = await ScriptedEdge.start(backend);
  await using client = await connect({ urls: [edge.url], ...quick });
  const game = await client.games.join<Rows>('g1');
  let refused = 0;
  edge.script = (frame, socket) => {
    if (frame.t !== 'game.join') return false;
    refused++;
    socket.send({ t: 'error', id: frame.id, code: 'join_outdated', message: 'outdated' });
    return true;
  };
  const ended = new Promise((resolve) => {
    game.on('status', ({ status, error }) => status === 'lost' && resolve(error));
  });
  edge.socket.ws.terminate();
  expect(await ended).toMatchObject({ code: 'replaced' });
  expect([game.status, refused]).toEqual(['lost', 1]);
});
