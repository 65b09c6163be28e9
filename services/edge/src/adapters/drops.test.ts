import { type GameId, gameId } from '@breakwater/bus';
import { FakeClock } from '@breakwater/testkit';
import { describe, expect, it } from 'vitest';
import { Drops } from './drops.ts';

/** Drops of one game, whose owner the edge knows by `epoch`; undefined: the game is not followed. */
function bench() {
  const clock = new FakeClock();
  const game: GameId = gameId('g');
  const said: number[] = [];
  const owner: { epoch: number | undefined } = { epoch: 1 };
  const drops = new Drops(clock, {
    tell: (_, input) => {
      if (input.kind === 'dropped') said.push(input.pid);
    },
    isOwnedAt: (_, epoch) => owner.epoch !== undefined && owner.epoch <= epoch,
  });
  drops.start();
  const sayings = (work: () => void): number[] => {
    said.length = 0;
    work();
    return [...said];
  };
  return { clock, game, drops, owner, sayings };
}

describe('the fall of a socket', () => {
  it('is told for half a minute, and to each new owner of a committed game', () => {
    const { clock, game, drops, sayings } = bench();
    expect(sayings(() => drops.add({ game, pid: 7, join: 1, epoch: undefined }))).toEqual([7]);
    expect(sayings(() => drops.onOwner(game))).toEqual([7]);
    expect(sayings(() => drops.onOwner(gameId('another')))).toEqual([]);
    expect(sayings(() => clock.advance(60_000))).toEqual([7, 7, 7, 7, 7]);
    expect(sayings(() => drops.onOwner(game))).toEqual([]);
  });

  it('is told to the one owner of a volatile game whose seat it was', () => {
    const { clock, game, drops, owner, sayings } = bench();
    expect(sayings(() => drops.add({ game, pid: 7, join: 1, epoch: 1 }))).toEqual([7]);
    expect(sayings(() => clock.advance(10_000))).toEqual([7, 7]);
    owner.epoch = 2;
    expect(sayings(() => drops.add({ game, pid: 8, join: 2, epoch: 2 }))).toEqual([8]);
    expect(sayings(() => drops.onOwner(game))).toEqual([8]);
    expect(sayings(() => clock.advance(5_000))).toEqual([8]);
  });

  it('is not told again of a volatile game that nobody follows, whose owner may change unheard', () => {
    const { clock, game, drops, owner, sayings } = bench();
    drops.add({ game, pid: 7, join: 1, epoch: 1 });
    owner.epoch = undefined;
    expect(sayings(() => clock.advance(5_000))).toEqual([]);
    owner.epoch = 1;
    expect(sayings(() => clock.advance(5_000))).toEqual([]);
  });
});
