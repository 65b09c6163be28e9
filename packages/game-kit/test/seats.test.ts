import { LIMITS } from '@breakwater/protocol';
import { describe, expect, it } from 'vitest';
import { createInstance, hydrate } from '../src/index.ts';
import { sample } from './sample-game.ts';

const start = (seats?: number) =>
  createInstance(sample, seats === undefined ? { seed: 1 } : { seed: 1, seats });
const ann = (join: number, name = 'Ann') => ({ user: 'ann', name, join });

/** `seatGraceMs` of the sample is 200 ms at 20 ticks a second. */
const GRACE_TICKS = 4;

describe('joining', () => {
  it('gives each user a number that is never used again', () => {
    const game = start();
    expect(game.join(ann(1))).toEqual({ kind: 'joined', pid: 1, ack: 0 });
    expect(game.join({ user: 'bob', name: 'Bob', join: 1 })).toEqual({ kind: 'joined', pid: 2, ack: 0 });
    game.leave(2, 1);
    expect(game.join({ user: 'bob', name: 'Bob', join: 2 })).toEqual({ kind: 'joined', pid: 3, ack: 0 });
  });

  it('answers a late copy of the newest join as before, and ignores an older one', () => {
    const game = start();
    game.join(ann(5));
    game.command(1, 1, 'move', { dx: 1, dy: 0 });
    game.encodeDelta();
    const hash = game.hash();
    expect(game.join(ann(5, 'Other'))).toEqual({ kind: 'joined', pid: 1, ack: 1 });
    expect(game.join(ann(4))).toEqual({ kind: 'stale' });
    expect(game.hash()).toBe(hash);
  });

  it('keeps seat and command numbers for a newer session, which replaces the older', () => {
    const game = start();
    game.join(ann(1));
    game.command(1, 1, 'move', { dx: 1, dy: 0 });
    expect(game.join(ann(2, 'Anna'))).toEqual({ kind: 'joined', pid: 1, ack: 1 });
    expect(game.tables.$players.get(1, 'name')).toBe('Anna');
    expect([game.joinOf(1), game.tables.$seats.get(1, 'join')]).toEqual([2, 2]);
    expect(game.disconnected(1, 1)).toBe(false);
    expect(game.leave(1, 1)).toBe(false);
    expect(game.players).toMatchObject({ seated: 1, connected: 1 });
    expect(game.disconnected(1, 2)).toBe(true);
    expect(game.players).toMatchObject({ seated: 1, connected: 0 });
  });

  it('does not bring back a user who left, by a late copy of an old join', () => {
    const game = start();
    game.join(ann(7));
    game.leave(1, 7);
    expect(game.join(ann(7))).toEqual({ kind: 'stale' });
    expect(game.join(ann(6))).toEqual({ kind: 'stale' });
    const copy = hydrate(sample, game.encodeState(), { seed: 1 });
    expect(copy.join(ann(7))).toEqual({ kind: 'stale' });
    expect(copy.join(ann(8))).toEqual({ kind: 'joined', pid: 2, ack: 0 });
  });

  it('remembers only so many of those who left', () => {
    const game = start();
    for (let i = 1; i <= 100; i++) {
      const joined = game.join({ user: `u${i}`, name: 'x', join: i });
      if (joined.kind === 'joined') game.leave(joined.pid, i);
    }
    expect(game.tables.$departed.size).toBeLessThanOrEqual(sample.maxPlayers * 4);
    expect(game.join({ user: 'u100', name: 'x', join: 100 })).toEqual({ kind: 'stale' });
  });

  it('says when all seats are taken, also with fewer seats than the type has', () => {
    const game = start(1);
    expect(game.players).toEqual({ seated: 0, connected: 0, seats: 1 });
    game.join(ann(1));
    expect(game.join({ user: 'bob', name: 'Bob', join: 1 })).toEqual({ kind: 'full' });
    const copy = hydrate(sample, game.encodeState(), { seed: 1 });
    expect(copy.join({ user: 'bob', name: 'Bob', join: 1 })).toEqual({ kind: 'full' });
    game.leave(1, 1);
    expect(game.join({ user: 'bob', name: 'Bob', join: 2 })).toMatchObject({ kind: 'joined' });
  });

  it('has room for the longest name that the protocol lets through, in any script', () => {
    for (const letter of ['x', 'é', '王', '😀']) {
      const name = letter.repeat(LIMITS.maxNameLength / letter.length);
      expect(start().join(ann(1, name))).toMatchObject({ kind: 'joined' });
    }
  });

  it('may be refused by the game, which takes no seat and no number', () => {
    const game = start();
    expect(game.join(ann(1, 'nobody'))).toEqual({ kind: 'rejected', reason: 'name_taken' });
    expect(game.join(ann(2, 'thrower'))).toEqual({ kind: 'failed' });
    expect(game.tables.players.size).toBe(0);
    expect(game.join(ann(3))).toEqual({ kind: 'joined', pid: 1, ack: 0 });
  });

  it.each([
    [{ user: '', name: 'x', join: 1 }],
    [{ user: 'u'.repeat(65), name: 'x', join: 1 }],
    [{ user: 'u', name: '\ud800', join: 1 }],
    [{ user: 'u', name: 'n'.repeat(97), join: 1 }],
    [{ user: 'u', name: 'x', join: 1.5 }],
    [{ user: 'u', name: 'x', join: Number.NaN }],
    [{ user: 'u', name: 'x', join: 2 ** 53 }],
  ])('refuses %j', (request) => {
    expect(start().join(request)).toEqual({ kind: 'rejected', reason: 'bad_join' });
  });
});

describe('a seat', () => {
  it('is kept for its grace and freed afterwards, on the same tick after hydration', () => {
    const live = start();
    live.join(ann(1));
    live.disconnected(1, 1);
    live.encodeDelta();
    const copy = hydrate(sample, live.encodeState(), { seed: 1 });
    for (const game of [live, copy]) {
      for (let i = 1; i < GRACE_TICKS; i++) game.step();
      expect(game.players.seated).toBe(1);
      game.step();
      expect(game.players.seated).toBe(0);
      expect(game.isEmpty).toBe(true);
      expect(game.tables.players.size).toBe(0);
    }
    expect(copy.hash()).toBe(live.hash());
  });

  it('is kept for good when the player comes back in time', () => {
    const game = start();
    game.join(ann(1));
    game.disconnected(1, 1);
    game.step();
    expect(game.reconnected(1, 1)).toBe(true);
    for (let i = 0; i < 20; i++) game.step();
    expect(game.players).toMatchObject({ seated: 1, connected: 1 });
  });

  it('takes the rows its player owns along, and the player is told', () => {
    const game = start();
    game.join(ann(1));
    game.join({ user: 'bob', name: 'Bob', join: 1 });
    game.command(1, 1, 'draw', {});
    game.command(2, 1, 'draw', {});
    game.encodeDelta();
    game.leave(1, 1);
    expect(Array.from(game.tables.hands, (row) => row.owner)).toEqual([2]);
    expect(game.encodeDelta().slices.map((slice) => slice.pid)).toEqual([1]);
    expect(game.encodeState().slices.map((slice) => slice.pid)).toEqual([2]);
  });

  it('cannot own rows when nobody sits in it', () => {
    const game = start();
    expect(() => game.tables.hands.insert({ owner: 1, card: 1 })).toThrow(/seated player/);
  });

  it('counts idle ticks from the moment the last connected player went', () => {
    const game = start();
    for (let i = 0; i < 3; i++) game.step();
    expect(game.idleTicks).toBe(3);
    game.join(ann(1));
    game.step();
    expect(game.idleTicks).toBe(0);
    game.disconnected(1, 1);
    for (let i = 0; i < 2; i++) game.step();
    expect(game.idleTicks).toBe(2);
    expect(hydrate(sample, game.encodeState(), { seed: 1 }).idleTicks).toBe(2);
  });
});

describe('the numbers of commands', () => {
  it('are applied one after the other, each once', () => {
    const game = start();
    game.join(ann(1));
    expect(game.command(1, 2, 'move', { dx: 1, dy: 0 })).toBe('gap');
    expect(game.command(1, 0, 'move', { dx: 1, dy: 0 })).toBe('duplicate');
    expect(game.command(1, 1, 'move', { dx: 1, dy: 0 })).toBe('applied');
    expect(game.command(1, 1, 'move', { dx: 1, dy: 0 })).toBe('duplicate');
    expect(game.command(1, 2, 'move', { dx: 1, dy: 0 })).toBe('applied');
    expect(game.command(9, 1, 'move', { dx: 1, dy: 0 })).toBe('unknown_player');
    expect(game.tables.players.get(1, 'x')).toBe(2);
    expect(game.seatOf('ann')).toEqual({ pid: 1, join: 1, ack: 2 });
  });
});
