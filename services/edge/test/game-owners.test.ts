import { ReplyError } from '@breakwater/service-kit';
import { eventually, type FaultProxy, startProxy } from '@breakwater/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestClient } from './client.ts';
import { ScriptedGame, ScriptedMatch } from './scripted-game.ts';
import { joinGame, shown, showsAll } from './shown-game.ts';
import { PARTITIONS, type TestEdge, World } from './world.ts';

let world: World;
let edge: TestEdge;
let link: FaultProxy;
let cutEdge: TestEdge;
let match: ScriptedMatch;
let game: ScriptedGame;
let games = 0;

beforeAll(async () => {
  world = await World.start();
  await ScriptedGame.createStreams(world.bus, PARTITIONS);
  match = new ScriptedMatch(world.bus, PARTITIONS);
  link = await startProxy(world.nats.url);
  const env = { BREAKWATER_EDGE_TAIL_CHECK_MS: '600000' };
  edge = await world.startEdge({ env });
  cutEdge = await world.startEdge({ natsUrl: link.url, env });
});

beforeEach(() => {
  games += 1;
  game = new ScriptedGame(world.bus, PARTITIONS, `game-${games}`);
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await link?.close();
});

const join = (client: TestClient, more: Record<string, unknown> = {}) => joinGame(client, game, more);

describe('a game whose process is slow', () => {
  it('is joined by its first answer, although the edge has asked again meanwhile', async () => {
    await game.own();
    let answers = 0;
    const isOver = Promise.withResolvers<void>();
    game.beforeAnswer = async () => {
      answers += 1;
      // The second one is kept for itself.
      if (answers > 1) return isOver.promise;
      await eventually(() => expect(game.inputs).toHaveLength(2));
    };
    await using ann = await edge.open('ann');
    expect((await join(ann)).pid).toBe(1);
    expect(game.inputs[1]).toEqual(game.inputs[0]);
    await game.step({ shared: 'one' });
    await showsAll(ann, game);
    isOver.resolve();
  });
});

describe('a game whose process is gone', () => {
  it('is looked for by the edge of a player, who does nothing, and not for spectators alone', async () => {
    const watching = await world.startEdge({ env: { BREAKWATER_EDGE_GAME_SILENCE_MS: '1000' } });
    await game.own();
    await using spectator = await watching.open('sam');
    await join(spectator, { spectate: true });
    await game.vanish();
    const before = match.found.length;
    await using player = await watching.open('ann');
    game.epoch += 1;
    await game.own();
    const joined = await join(player);
    await game.step({ shared: 'one' });
    await game.vanish();
    match.onFind = async () => {
      if (match.found.slice(before).length < 2) throw new ReplyError('no_capacity', 'not yet');
      game.epoch += 1;
      game.pod = 'pod-2';
      await game.own();
      await game.step({ shared: 'two' });
    };
    await eventually(() => expect(player.of('game.owner').at(-1)?.pod).toBe('pod-2'));
    await showsAll(player, game);
    await showsAll(spectator, game);
    expect(match.found.slice(before)).toEqual([game.id, game.id]);
    expect([player.of('game.joined'), spectator.of('game.joined').length]).toEqual([[joined], 1]);
    expect(await watching.metric('breakwater_edge_silent_games_total')).toBe(2);
  });

  it('is told to have failed, to those who look on as well, when the matchmaker says that it cannot go on', async () => {
    const watching = await world.startEdge({ env: { BREAKWATER_EDGE_GAME_SILENCE_MS: '1000' } });
    await game.own();
    await using player = await watching.open('ann');
    await using spectator = await watching.open('sam');
    await join(player);
    await join(spectator, { spectate: true });
    match.onFind = async () => {
      throw new ReplyError('game_failed', 'the log of the game is gone');
    };
    await game.vanish();
    for (const member of [player, spectator])
      await eventually(() =>
        expect(member.of('game.ended')).toEqual([expect.objectContaining({ reason: 'failed' })]),
      );
  });
});

describe('a game that changes hands', () => {
  it('keeps its players, who learn the owner and miss nothing', async () => {
    await game.own();
    await using ann = await edge.open('ann');
    await join(ann);
    await game.step({ shared: 'by the first' });
    await game.vanish();
    game.epoch = 2;
    game.pod = 'pod-2';
    await game.own();
    await game.step({ shared: 'by the second' });
    await showsAll(ann, game);
    expect(ann.of('game.owner')).toEqual([{ t: 'game.owner', game: game.id, epoch: 2, pod: 'pod-2' }]);
    await using bea = await edge.open('bea');
    await join(bea);
    await game.step({ shared: 'for both' });
    await showsAll(ann, game);
    await showsAll(bea, game);
  });

  it('tells its players when it ends', async () => {
    await game.own();
    await using ann = await edge.open('ann');
    await join(ann);
    await game.step({ shared: 'last' });
    await game.end('over');
    await eventually(() => ann.of('game.ended').length === 1);
    expect(ann.of('game.ended')[0]).toMatchObject({ game: game.id, reason: 'over' });
    await showsAll(ann, game);
  });
});

describe('a game feed with holes', () => {
  it('is filled from the log', async () => {
    await game.own();
    await using ann = await edge.open('ann');
    await join(ann);
    await game.step({ shared: 'one' });
    await game.unheard(async () => {
      await game.step({ shared: 'two', slices: { 1: 'private two' } });
      await game.step({ shared: 'three' });
    });
    await game.step({ shared: 'four' });
    await showsAll(ann, game);
    expect(ann.gameFrames.filter((frame) => frame.kind === 'state')).toHaveLength(1);
    expect(ann.gameFrames.filter((frame) => frame.kind === 'slice')).toHaveLength(1);
  });

  it('is filled after the link to NATS was cut', async () => {
    await game.own();
    await using ann = await cutEdge.open('ann');
    await join(ann);
    link.refuse();
    link.cut();
    for (const shared of ['one', 'two']) await game.step({ shared });
    link.resume();
    await eventually(() => expect(shown(ann)).toEqual(game.steps), { timeoutMs: 15_000 });
  });

  it('ends in full state when the log does not reach back any more', async () => {
    await game.own();
    await using ann = await edge.open('ann');
    await join(ann);
    await game.step({ shared: 'one' });
    await showsAll(ann, game);
    await game.unheard(async () => {
      for (const shared of ['two', 'three', 'four']) await game.step({ shared });
      await game.forget();
    });
    await game.step({ shared: 'five' });
    await showsAll(ann, game);
    expect(ann.gameFrames.filter((frame) => frame.kind === 'state')).toHaveLength(2);
    await game.step({ shared: 'six' });
    await showsAll(ann, game);
    expect(ann.of('error')).toEqual([]);
  });
});
