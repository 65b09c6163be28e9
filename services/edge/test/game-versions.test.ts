import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestClient } from './client.ts';
import { ScriptedGame, textOf } from './scripted-game.ts';
import { isGameFrame } from './shown-game.ts';
import { PARTITIONS, type TestEdge, World } from './world.ts';

let world: World;
let edge: TestEdge;

beforeAll(async () => {
  world = await World.start();
  await ScriptedGame.createStreams(world.bus, PARTITIONS);
  edge = await world.startEdge();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const newer = '{"tables":[],"schemaVersion":2}';

/** What a client is told of one game, in words, without the slices. */
const told = (client: TestClient) =>
  client.all
    .filter((frame) => (isGameFrame(frame) ? frame.kind !== 'slice' : frame.t.startsWith('game.')))
    .map((frame) =>
      'shared' in frame ? `${frame.kind} ${textOf(frame.shared)}` : 't' in frame ? frame.t : '',
    );

const join = (client: TestClient, game: ScriptedGame, number: number) =>
  client.request('game.joined', { t: 'game.join', game: game.id, join: number });

async function migrate(game: ScriptedGame): Promise<void> {
  await game.vanish();
  game.epoch += 1;
  game.schema = newer;
  await game.own();
  await game.step({ shared: 'all anew', isWhole: true });
}

describe('a game that goes on in a new version', () => {
  it('is sent whole, behind its schema, to everybody who is in it, and never as a delta', async () => {
    const game = new ScriptedGame(world.bus, PARTITIONS, 'renewed');
    await game.own();
    await game.step({ shared: 'one' });
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    await join(ann, game, 1);
    await join(bea, game, 2);
    await game.step({ shared: 'two' });
    await migrate(game);
    for (const client of [ann, bea])
      await eventually(() => expect(told(client).at(-1)).toMatch(/^state all anew/));
    await game.step({ shared: 'three' });
    for (const client of [ann, bea]) {
      await eventually(() => expect(told(client).at(-1)).toMatch(/three$/));
      expect(told(client).slice(-5, -1)).toEqual([
        'delta two',
        'game.owner',
        'game.schema',
        'state all anew',
      ]);
      expect(told(client)).not.toContain('delta all anew');
    }
    const frame = ann.all.find((each) => !isGameFrame(each) && each.t === 'game.schema');
    expect(frame).toMatchObject({ game: 'renewed', schema: { schemaVersion: 2 } });
  });

  it('is not shown from an answer that was on its way before, and a join meanwhile gets the new one', async () => {
    const game = new ScriptedGame(world.bus, PARTITIONS, 'crossed');
    await game.own();
    await game.step({ shared: 'one' });
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    await join(ann, game, 1);
    // The old owner's answer was captured, and arrives after the new one's first record.
    game.beforeAnswer = async () => {
      game.beforeAnswer = async () => undefined;
      await migrate(game);
      await eventually(() => expect(told(ann)).toContain('game.owner'));
    };
    await join(bea, game, 2);
    for (const client of [ann, bea]) {
      await eventually(() => expect(told(client).at(-1)).toMatch(/^state all anew/));
      const words = told(client);
      expect(words.at(-2)).toBe('game.schema');
      expect(words).not.toContain('delta all anew');
    }
    expect(told(bea)).not.toContain('state one');
  });
});
