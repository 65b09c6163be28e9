import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInstance } from '../src/index.ts';
import { Replica } from '../src/replica.ts';
import { type Action, action, Driver } from './actions.ts';
import { sample } from './sample-game.ts';

const OPTIONS = { seed: 9, options: { mode: 'wild', things: 12 } } as const;
const actions = fc.array(action, { maxLength: 40 });

function play(list: readonly Action[], encodeEach: boolean): Driver {
  const driver = new Driver(createInstance(sample, OPTIONS));
  driver.play({ do: 'join', user: 9, name: 'Ann' });
  for (const next of list) {
    driver.play(next);
    if (encodeEach) driver.instance.encodeDelta();
  }
  return driver;
}

const by = (name: string, how: string): Action => ({ do: 'command', user: 9, name, args: { how } });

describe('a command that is undone', () => {
  it('leaves rows, ids, randomness and marks as if it had never run', () => {
    fc.assert(
      fc.property(
        actions,
        actions,
        fc.boolean(),
        fc.constantFrom('throw', 'reject'),
        (before, after, each, how) => {
          const wrecked = play(before, each);
          const balked = play(before, each);
          wrecked.play(by('wreck', how));
          balked.play(by('balk', how));
          expect(wrecked.instance.encodeDelta()).toEqual(balked.instance.encodeDelta());
          for (const next of after) {
            wrecked.play(next);
            balked.play(next);
          }
          expect(wrecked.instance.encodeDelta()).toEqual(balked.instance.encodeDelta());
          expect(wrecked.instance.hash()).toBe(balked.instance.hash());
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is numbered as applied, and its sender alone is told why', () => {
    const { instance } = play([], true);
    const other = instance.join({ user: 'other', name: 'Bob', join: 1 });
    expect(other).toMatchObject({ kind: 'joined', pid: 2 });
    instance.encodeDelta();
    expect(instance.command(1, 1, 'wreck', { how: 'reject' })).toEqual({ rejected: 'as_asked' });
    expect(instance.command(1, 2, 'wreck', { how: 'throw' })).toBe('failed');
    expect(instance.command(1, 2, 'move', { dx: 1, dy: 0 })).toBe('duplicate');
    expect(Array.from(instance.tables.$rejects, ({ owner, n, reason }) => [owner, n, reason])).toEqual([
      [1, 1, 'as_asked'],
      [1, 2, 'command_failed'],
    ]);
    expect(instance.encodeDelta().slices.map((slice) => slice.pid)).toEqual([1]);
  });

  it('reports a throw with its place, and a rejection not at all', () => {
    const failures: unknown[] = [];
    const instance = createInstance(sample, {
      seed: 1,
      onError: (error, where) => failures.push([String(error), where]),
    });
    instance.join({ user: 'u', name: 'Ann', join: 1 });
    instance.command(1, 1, 'wreck', { how: 'reject' });
    instance.command(1, 2, 'wreck', { how: 'throw' });
    instance.join({ user: 'v', name: 'thrower', join: 1 });
    expect(failures).toEqual([
      ['Error: as asked', { hook: 'command', name: 'wreck' }],
      ['Error: as asked', { hook: 'join', name: 'join' }],
    ]);
  });

  it('does not end the game, though it asked for that before it threw', () => {
    const { instance } = play([], true);
    instance.command(1, 1, 'wreck', { how: 'end' });
    expect(instance.ended).toBeUndefined();
  });

  it('keeps what was changed before it and not yet sent, also of rows that it removed', () => {
    const { instance } = play([], true);
    instance.command(1, 1, 'draw', {});
    instance.encodeDelta();
    const before = instance.encodeState().slices[0]!.bytes;
    instance.tables.hands.set(1, 'card', 99);
    instance.command(1, 2, 'wreck', { how: 'throw' });
    const delta = instance.encodeDelta();
    const replica = new Replica(sample.schema);
    replica.applyState(createInstance(sample, OPTIONS).encodeState().shared, before);
    replica.applyDelta(delta.shared, delta.slices[0]!.bytes);
    expect(replica.table('hands').rows.get(1)?.card).toBe(99);
  });

  it('gives back row objects that the rules still hold', () => {
    const { instance } = play([], true);
    const thing = instance.tables.things.need(3);
    instance.command(1, 1, 'wreck', { how: 'throw' });
    expect(thing.a).toBe(2);
    thing.a = 200;
    expect(instance.tables.things.get(3, 'a')).toBe(200);
  });
});
