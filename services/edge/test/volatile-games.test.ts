import { livePosition } from '@breakwater/bus';
import { eventually, type FaultProxy, startProxy } from '@breakwater/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestClient } from './client.ts';
import { ScriptedGame, ScriptedMatch, textOf } from './scripted-game.ts';
import { isGameFrame, joinGame } from './shown-game.ts';
import { PARTITIONS, type TestEdge, World } from './world.ts';

let world: World;
let edge: TestEdge;
let link: FaultProxy;
let cutEdge: TestEdge;
let game: ScriptedGame;
let games = 0;

beforeAll(async () => {
  world = await World.start();
  await ScriptedGame.createStreams(world.bus, PARTITIONS);
  new ScriptedMatch(world.bus, PARTITIONS).onFind = async () => undefined;
  link = await startProxy(world.nats.url);
  const env = { BREAKWATER_EDGE_TAIL_CHECK_MS: '600000' };
  edge = await world.startEdge({ env });
  cutEdge = await world.startEdge({ natsUrl: link.url, env });
});

beforeEach(async () => {
  games += 1;
  game = new ScriptedGame(world.bus, PARTITIONS, `volatile-${games}`, { isVolatile: true });
  await game.own();
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await link?.close();
});

const join = (client: TestClient, more: Record<string, unknown> = {}) => joinGame(client, game, more);

/** What a client is told of the game, in words. */
const told = (client: TestClient): string[] =>
  client.all
    .filter((frame) => isGameFrame(frame) || ('game' in frame && frame.game === game.id))
    .map((frame) => {
      if (!isGameFrame(frame)) return frame.t === 'error' ? frame.code : frame.t;
      return `${frame.kind} ${textOf('shared' in frame ? frame.shared : frame.slice)}`;
    });

/** What a client shows. Unlike a client of a stranger it trusts in no exception: every delta has to follow. */
function shown(client: TestClient): string[] {
  let steps: string[] = [];
  let seq = 0;
  let epoch = 0;
  for (const frame of client.gameFrames) {
    if (frame.kind === 'slice') continue;
    expect(frame.epoch, 'nothing of an older owner').toBeGreaterThanOrEqual(epoch);
    expect(frame.seq, 'nothing older').toBeGreaterThanOrEqual(seq);
    if (frame.kind === 'delta') expect(frame.prev, `no hole before ${frame.seq}`).toBe(seq);
    if (frame.kind === 'state') steps = textOf(frame.shared).split('|');
    else steps.push(textOf(frame.shared));
    ({ seq, epoch } = frame);
  }
  return steps.filter((step) => step !== '');
}

const showsAll = (client: TestClient) =>
  eventually(() => expect(shown(client)).toEqual(game.steps), {
    message: 'the client to show the whole game',
    timeoutMs: 15_000,
  });
const isTold = (client: TestClient, word: string) => eventually(() => expect(told(client)).toContain(word));

describe('a volatile game', () => {
  it('is shown by its live deltas, at positions that rise, and its log shows nothing', async () => {
    await game.step({ shared: 'before' });
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    const joined = await join(ann);
    await join(bea);
    await game.step({ shared: 'one', slices: { 1: 'for ann', 3: 'for nobody here' } });
    await game.step({ shared: 'two' });
    await showsAll(ann);
    await showsAll(bea);
    const place = { epoch: 1, seq: livePosition(1, 1), pod: 'pod-1' };
    expect(joined).toMatchObject({ pid: 1, ack: 4, volatile: true, ...place });
    expect(told(ann)).toEqual(['game.joined', 'state before', 'slice for ann', 'delta one', 'delta two']);
    expect(told(bea)).toEqual(['game.joined', 'state before', 'delta one', 'delta two']);
    expect(ann.gameFrames.map(({ seq }) => seq)).toEqual([1, 2, 2, 3].map((n) => livePosition(1, n)));
    expect(JSON.stringify(ann.all)).not.toContain('server only');
  });

  it('loses nothing that is published while the owner answers, neither the first who joins nor the next', async () => {
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    for (const client of [ann, bea]) {
      let answers = 0;
      game.beforeAnswer = async () => {
        answers += 1;
        await game.step({ shared: `${client === ann ? 'ann' : 'bea'} ${answers}`, slices: { 1: 'secret' } });
      };
      await join(client);
      await showsAll(client);
    }
    game.beforeAnswer = async () => undefined;
    await game.step({ shared: 'after' });
    for (const client of [ann, bea]) await showsAll(client);
    expect(game.steps).toEqual(['ann 1', 'ann 2', 'bea 1', 'after']);
    expect(told(bea)).toEqual(['game.joined', 'state ann 1|ann 2', 'delta bea 1', 'delta after']);
  });

  it('with a hole is shown in full to everybody at once, and goes on', async () => {
    await using ann = await edge.open('ann');
    await using eye = await edge.open('eye');
    await join(ann);
    await join(eye, { spectate: true });
    await game.step({ shared: 'one' });
    await game.loseStep({ shared: 'lost' });
    const syncs = await edge.metric('breakwater_edge_game_syncs_total');
    await game.step({ shared: 'three' });
    for (const client of [ann, eye]) await showsAll(client);
    expect((await edge.metric('breakwater_edge_game_syncs_total')) - syncs).toBe(1);
    await game.step({ shared: 'four' });
    for (const client of [ann, eye]) await showsAll(client);
    expect(told(ann).slice(-2)).toEqual(['state one|lost|three', 'delta four']);
    expect(told(ann)).not.toContain('not_joined');
  });

  it('whose last deltas were lost with the connection to NATS is shown in full once that is back', async () => {
    await using ann = await cutEdge.open('ann');
    await join(ann);
    await game.step({ shared: 'one' });
    await showsAll(ann);
    link.refuse();
    link.cut();
    for (const shared of ['two', 'three']) await game.step({ shared });
    link.resume();
    await showsAll(ann);
    expect(told(ann).at(-1)).toBe('state one|two|three');
  });

  it('is shown in full once after the connection to NATS was lost, whether or not deltas go on', async () => {
    for (const shared of ['quiet', 'busy']) {
      await using ann = await cutEdge.open(shared);
      await join(ann);
      await game.step({ shared: `${shared} before` });
      await showsAll(ann);
      const states = () => ann.gameFrames.filter(({ kind }) => kind === 'state').length;
      const before = states();
      link.refuse();
      link.cut();
      await game.step({ shared: `${shared} lost` });
      link.resume();
      await eventually(
        async () => {
          if (shared === 'busy') await game.step({ shared: 'going on' });
          expect(states()).toBeGreaterThan(before);
        },
        { timeoutMs: 15_000 },
      );
      for (const more of ['and', 'after']) await game.step({ shared: more });
      await showsAll(ann);
      expect(states() - before, shared).toBe(1);
    }
  });

  it('tells its players when it ends', async () => {
    await using ann = await edge.open('ann');
    await join(ann);
    await game.step({ shared: 'last' });
    await showsAll(ann);
    await game.end('over');
    await isTold(ann, 'game.ended');
    expect(ann.of('game.ended')[0]).toMatchObject({ game: game.id, reason: 'over' });
  });
});

describe('a volatile game that falls back to what was stored', () => {
  it('gives up the seats: players join again, spectators are shown the new state, nobody sees the old owner', async () => {
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    await using eye = await edge.open('eye');
    await join(ann);
    await game.step({ shared: 'kept' });
    await join(bea);
    await join(eye, { spectate: true });
    await game.step({ shared: 'lost' });
    for (const client of [ann, bea, eye]) await showsAll(client);

    const dropped = () => edge.metric('breakwater_edge_live_deltas_dropped_total', 'old_owner');
    const before = await dropped();
    await game.fallBack(['kept'], ['somebody', 'ann']);
    for (const client of [ann, bea]) await isTold(client, 'not_joined');
    // The old owner does not know yet.
    await game.say(1, 3);
    await game.say(1, 4);
    await game.step({ shared: 'anew', slices: { 1: "somebody's", 2: "ann's" } });
    await showsAll(eye);
    await eventually(async () => expect((await dropped()) - before).toBe(2));
    const afterwards = told(eye).slice(told(eye).indexOf('game.owner') + 1);
    expect(afterwards[0]).toMatch(/^state kept/);
    expect(afterwards).not.toContain('not_joined');
    for (const client of [ann, bea]) expect(told(client).slice(-2)).toEqual(['game.owner', 'not_joined']);

    bea.send({ t: 'game.command', game: game.id, n: 1, name: 'hit' });
    await eventually(() => expect(told(bea).filter((word) => word === 'not_joined')).toHaveLength(2));
    expect(game.inputs.filter(({ kind }) => kind === 'command')).toEqual([]);
    expect([(await join(ann)).pid, (await join(bea)).pid]).toEqual([2, 3]);
    await game.step({ shared: 'on', slices: { 1: "somebody's", 2: "ann's", 3: "bea's" } });
    for (const client of [ann, bea, eye]) await showsAll(client);
    expect(told(ann).slice(-3)).toEqual(['state kept|anew', "slice ann's", 'delta on']);
    expect(told(bea).slice(-3)).toEqual(['state kept|anew', "slice bea's", 'delta on']);
    expect(await edge.metric('breakwater_edge_seats_given_up_total')).toBe(2);
    expect([ann, bea, eye].map(({ closed }) => closed)).toEqual([undefined, undefined, undefined]);
  });

  it('gives them up as well when the word of the claim is lost, which it reads in the log then', async () => {
    await using ann = await edge.open('ann');
    await join(ann);
    await game.step({ shared: 'one' });
    await showsAll(ann);
    await game.unheard(() => game.fallBack([], []));
    await game.step({ shared: 'two' });
    await isTold(ann, 'not_joined');
    await isTold(ann, 'game.owner');
    expect(ann.of('game.owner')).toMatchObject([{ epoch: 2, pod: 'pod-2' }]);
    await join(ann);
    await showsAll(ann);
    expect(told(ann)).not.toContain('delta two');
  });

  it('does not seat who was answered by an owner that had lost it', async () => {
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    await join(ann);
    await game.step({ shared: 'lost' });
    game.beforeAnswer = async () => {
      game.beforeAnswer = async () => undefined;
      await game.fallBack([], ['somebody', 'else']);
      await isTold(ann, 'not_joined');
    };
    expect(await join(bea)).toMatchObject({ epoch: 2, pid: 3, seq: livePosition(2, 0) });
    await game.step({ shared: 'anew' });
    await showsAll(bea);
    expect(told(bea)).toEqual(['game.joined', 'state ', 'delta anew']);
  });

  it("is told nothing of the seats that were given up, which may be somebody else's by now", async () => {
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    await using cleo = await edge.open('cleo');
    for (const client of [ann, bea, cleo]) await join(client);
    await game.fallBack([], ['cleo', 'somebody', 'else']);
    for (const client of [ann, bea, cleo]) await isTold(client, 'not_joined');
    game.inputs.length = 0;
    await ann.request('ok', { t: 'game.leave', game: game.id });
    bea.ws.terminate();
    await eventually(async () => expect(await edge.metric('breakwater_edge_connections')).toBe(2));
    const { pid, join: number } = await join(cleo);
    cleo.ws.terminate();
    await eventually(() => expect(game.inputs.map(({ kind }) => kind)).toContain('dropped'));
    const ends = game.inputs.filter(({ kind }) => kind === 'leave' || kind === 'dropped');
    expect(ends[0]).toEqual({ kind: 'dropped', pid, join: number });
  });
});
