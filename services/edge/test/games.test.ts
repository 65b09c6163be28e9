import { ReplyError } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestClient } from './client.ts';
import { ScriptedGame, ScriptedMatch, textOf } from './scripted-game.ts';
import { joinGame, shown, showsAll } from './shown-game.ts';
import { PARTITIONS, type TestEdge, World } from './world.ts';

let world: World;
let edge: TestEdge;
let match: ScriptedMatch;
let game: ScriptedGame;
let games = 0;

beforeAll(async () => {
  world = await World.start();
  await ScriptedGame.createStreams(world.bus, PARTITIONS);
  match = new ScriptedMatch(world.bus, PARTITIONS);
  edge = await world.startEdge({
    env: { BREAKWATER_EDGE_TAIL_CHECK_MS: '600000', BREAKWATER_EDGE_GAME_JOIN_MS: '4000' },
  });
});

beforeEach(() => {
  games += 1;
  game = new ScriptedGame(world.bus, PARTITIONS, `game-${games}`);
});

afterAll(() => world?.[Symbol.asyncDispose]());

const join = (client: TestClient, more: Record<string, unknown> = {}) => joinGame(client, game, more);

describe('joining a game', () => {
  it('answers with the schema, then full state, then every delta with the private part before it', async () => {
    await game.own();
    await game.step({ shared: 'setup' });
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    const joined = await join(ann);
    await join(bea);
    expect(joined).toMatchObject({
      game: game.id,
      pid: 1,
      ack: 4,
      epoch: 1,
      pod: 'pod-1',
      schema: { tables: [] },
    });
    await game.step({ shared: 'one', slices: { 1: 'for ann', 3: 'for nobody here' } });
    await game.step({ shared: 'two' });
    await showsAll(ann, game);
    await showsAll(bea, game);
    const of = (client: TestClient) =>
      client.gameFrames.map((frame) => [
        frame.kind,
        'slice' in frame ? textOf(frame.slice) : textOf(frame.shared),
      ]);
    expect(of(ann)).toEqual([
      ['state', 'private 1'],
      ['slice', 'for ann'],
      ['delta', 'one'],
      ['delta', 'two'],
    ]);
    expect(of(bea)).toEqual([
      ['state', 'private 2'],
      ['delta', 'one'],
      ['delta', 'two'],
    ]);
    const [state, slice, delta] = ann.gameFrames;
    expect(new Set(ann.gameFrames.map((frame) => frame.handle))).toEqual(new Set([joined.handle]));
    expect(slice?.seq).toBe(delta?.seq);
    expect(state?.seq).toBe(joined.seq);
    expect(JSON.stringify(ann.all)).not.toContain('server only');
  });

  it('loses nothing that is appended while the owner answers', async () => {
    await game.own();
    await game.step({ shared: 'setup' });
    await using ann = await edge.open('ann');
    game.beforeAnswer = async () => {
      await game.step({ shared: 'between 1', slices: { 1: 'secret' } });
      await game.step({ shared: 'between 2' });
    };
    await join(ann);
    game.beforeAnswer = async () => undefined;
    await game.step({ shared: 'after' });
    await showsAll(ann, game);
    expect(ann.gameFrames.map((frame) => frame.kind)).toEqual(['state', 'slice', 'delta', 'delta', 'delta']);
  });

  it('has the game hosted when nobody answers for it', async () => {
    match.onFind = async () => game.own();
    await using ann = await edge.open('ann');
    await join(ann);
    expect(match.found).toContain(game.id);
    await game.step({ shared: 'awake' });
    await showsAll(ann, game);
  });

  it('says what the matchmaker and the owner say', async () => {
    match.onFind = async () => {
      throw new ReplyError('game_ended', 'it is over');
    };
    await using ann = await edge.open('ann');
    expect(await ann.ask({ t: 'game.join', game: game.id, join: 1 })).toMatchObject({
      code: 'game_ended',
      game: game.id,
    });
    await game.own();
    game.refuseJoins = 'game_full';
    expect(await ann.ask({ t: 'game.join', game: game.id, join: 2 })).toMatchObject({ code: 'game_full' });
    match.onFind = async () => undefined;
    await game.vanish();
    expect(await ann.ask({ t: 'game.join', game: game.id, join: 3 })).toMatchObject({ code: 'unavailable' });
    expect(await edge.metric('breakwater_edge_joins_total', 'kind="game",outcome="failed"')).toBe(3);
  });

  it('asks again when the process that had the game hears it and stands still', async () => {
    await game.own();
    game.isMute = true;
    await using ann = await edge.open('ann');
    const joined = join(ann);
    await eventually(() => expect(game.inputs).toHaveLength(1));
    game.isMute = false;
    expect((await joined).pid).toBe(1);
    await game.step({ shared: 'one' });
    await showsAll(ann, game);
    expect(game.inputs[1]).toEqual(game.inputs[0]);
    expect([ann.of('game.joined').length, ann.of('error')]).toEqual([1, []]);
  });

  it('is limited for one connection, and idempotent', async () => {
    await game.own();
    await using ann = await edge.open('ann');
    await join(ann);
    await join(ann);
    await game.step({ shared: 'once' });
    await showsAll(ann, game);
    expect(ann.gameFrames.filter((frame) => frame.kind === 'delta')).toHaveLength(1);
    match.onFind = async (id) => {
      const other = new ScriptedGame(world.bus, PARTITIONS, id);
      await other.own();
    };
    for (let count = 0; count < 7; count++) {
      await ann.request('game.joined', { t: 'game.join', game: `more-${count}`, join: 1 });
    }
    expect(await ann.ask({ t: 'game.join', game: 'more-7', join: 1 })).toMatchObject({
      code: 'too_many_joined',
    });
  });

  it('shows nothing older than what the client was shown before', async () => {
    await game.own();
    await game.step({ shared: 'one' });
    await using ann = await edge.open('ann');
    const shownSeq = game.lastSeq + 1;
    const joined = join(ann, { shown: [1, shownSeq] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(ann.gameFrames).toEqual([]);
    await game.step({ shared: 'two' });
    await joined;
    await eventually(() => ann.gameFrames.length > 0);
    expect(ann.gameFrames[0]).toMatchObject({ kind: 'state', seq: game.lastSeq });
  });

  it('without a seat gives the shared part alone, and takes no commands', async () => {
    await game.own();
    await using eye = await edge.open('eye');
    const joined = await join(eye, { spectate: true });
    expect(joined.pid).toBeUndefined();
    await game.step({ shared: 'one', slices: { 1: 'private' } });
    await showsAll(eye, game);
    expect(
      JSON.stringify(eye.gameFrames.map((frame) => ('slice' in frame ? textOf(frame.slice) : ''))),
    ).not.toContain('private');
    eye.send({ t: 'game.command', game: game.id, n: 1, name: 'hit' });
    await eventually(() => eye.of('error').length === 1);
    expect(eye.of('error')[0]).toMatchObject({ code: 'forbidden', game: game.id });
  });
});

describe('commands and goodbyes', () => {
  const kinds = () => game.inputs.map((input) => input.kind);

  it('reach the owner in order, with the seat that the edge knows', async () => {
    await game.own();
    await using ann = await edge.open('ann');
    ann.send({ t: 'game.command', game: game.id, n: 1, name: 'early' });
    await eventually(() => ann.of('error').length === 1);
    expect(ann.of('error')[0]).toMatchObject({ code: 'not_joined' });
    const joined = await join(ann);
    for (let n = 1; n <= 20; n++)
      ann.send({ t: 'game.command', game: game.id, n, name: 'steer', args: { x: n } });
    await eventually(() => game.inputs.length === 21);
    const commands = game.inputs.slice(1);
    expect(commands).toEqual(
      Array.from({ length: 20 }, (_, index) => ({
        kind: 'command',
        pid: 1,
        join: joined.join,
        n: index + 1,
        name: 'steer',
        args: { x: index + 1 },
      })),
    );
  });

  it('tell a leave from a socket that fell', async () => {
    await game.own();
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    await join(ann);
    const { join: beasJoin } = await join(bea);
    await ann.request('ok', { t: 'game.leave', game: game.id });
    bea.ws.terminate();
    await eventually(() => kinds().includes('dropped'));
    expect(game.inputs.filter((input) => input.kind === 'leave')).toMatchObject([{ pid: 1 }]);
    expect(game.inputs.find((input) => input.kind === 'dropped')).toEqual({
      kind: 'dropped',
      pid: 2,
      join: beasJoin,
    });
    await game.step({ shared: 'nobody sees this' });
    await ann.request('pong', { t: 'ping' });
    expect(shown(ann)).toEqual([]);
  });

  it('repeat to a new owner whose socket fell', async () => {
    await game.own();
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    await join(ann);
    await join(bea);
    await game.vanish();
    bea.ws.terminate();
    await eventually(async () => (await edge.metric('breakwater_edge_connections')) === 1);
    game.inputs.length = 0;
    game.epoch = 2;
    await game.own();
    await eventually(() => game.inputs.some((input) => input.kind === 'dropped' && input.pid === 2));
  });
});

describe('the matchmaker', () => {
  it('is asked for lists, creations and quick matches', async () => {
    await using ann = await edge.open('ann');
    expect(await ann.request('game.list', { t: 'game.list' })).toMatchObject({ games: [{ game: 'g' }] });
    expect(
      await ann.request('game.created', { t: 'game.create', key: 'k1', type: 'test', options: { size: 3 } }),
    ).toMatchObject({ isNew: true, info: { game: 'k1' } });
    expect(await ann.request('game.created', { t: 'game.quick', key: 'k2', type: 'test' })).toMatchObject({
      isNew: false,
    });
  });
});
