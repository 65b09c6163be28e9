import { createInstance, type EncodedParts } from '@breakwater/game-kit';
import { Replica } from '@breakwater/game-kit/replica';
import { describe, expect, it } from 'vitest';
import { Bot, type BotView } from '../src/bot.ts';
import { world } from '../src/index.ts';
import type { WorldRows } from '../src/view.ts';

/** Small and good enough to tell bots apart. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

/** Bots that see each delta some ticks late and whose commands arrive at once, as over a slow feed. */
function play(bots: number, ticks: number, lateTicks: number, options: object = {}) {
  const instance = createInstance(world, { seed: 3, options });
  const players = Array.from({ length: bots }, (_, i) => {
    instance.join({ user: `bot-${i}`, name: `bot ${i}`, join: 1 });
    return { pid: i + 1, bot: new Bot(i + 1, chance(i + 1)), n: 0 };
  });
  instance.encodeDelta();
  const replica = new Replica<WorldRows>(world.schema);
  replica.applyState(instance.encodeState().shared);
  const feed: EncodedParts[] = [];
  const counts = { applied: 0, rejected: 0, steers: 0 };
  for (let tick = 0; tick < ticks; tick++) {
    const view: BotView = {
      tick: replica.tick,
      players: replica.table('players').rows,
      objects: replica.table('objects').rows,
    };
    for (const player of players) {
      for (const { name, args } of player.bot.decide(view)) {
        const result = instance.command(player.pid, ++player.n, name, args);
        if (result === 'applied') counts.applied++;
        else counts.rejected++;
        if (name === 'steer') counts.steers++;
      }
    }
    instance.step();
    feed.push(instance.encodeDelta());
    if (feed.length > lateTicks) replica.applyDelta(feed.shift()!.shared);
  }
  return { instance, counts };
}

describe('a bot', () => {
  it('alone breaks an object every few seconds', () => {
    const { instance } = play(1, 1200, 0);
    expect(instance.tables.players.get(1, 'xp')).toBeGreaterThan(150);
  });

  it('plays sensibly on a feed that is late: every bot earns, few commands are in vain', () => {
    const { instance, counts } = play(30, 1200, 4);
    const earned = Array.from(instance.tables.players, (row) => row.xp);
    expect(Math.min(...earned)).toBeGreaterThan(0);
    expect(counts.rejected).toBeLessThan(counts.applied / 5);
  });

  it('says where it goes only when that changes', () => {
    const { counts } = play(10, 1200, 4);
    expect(counts.steers).toBeLessThan((10 * 1200) / 10);
  });

  it('wanders when there is nothing to hit', () => {
    const { instance } = play(1, 200, 0, { objects: 0 });
    const before = { ...place(instance.tables.players.need(1)) };
    for (let i = 0; i < 30; i++) instance.step();
    expect(place(instance.tables.players.need(1))).not.toEqual(before);
  });

  it('does nothing while it has no place on the map', () => {
    expect(new Bot(5, chance(1)).decide({ tick: 1, players: new Map(), objects: new Map() })).toEqual([]);
  });

  it('plays the same game again when chance is the same', () => {
    expect(play(5, 300, 2).instance.hash()).toBe(play(5, 300, 2).instance.hash());
  });
});

function place({ x, y }: { readonly x: number; readonly y: number }): {
  readonly x: number;
  readonly y: number;
} {
  return { x, y };
}
