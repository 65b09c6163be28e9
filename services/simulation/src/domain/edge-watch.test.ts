import { FakeClock } from '@breakwater/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { EdgeWatch } from './edge-watch.ts';

describe('the watch over edges', () => {
  let clock: FakeClock;
  let lost: string[];
  let back: string[];
  let watch: EdgeWatch;
  beforeEach(() => {
    clock = new FakeClock();
    lost = [];
    back = [];
    watch = new EdgeWatch(
      clock,
      { silentAfterMs: 9_000, maxEdges: 3 },
      {
        onLost: (edges) => void lost.push(...edges),
        onBack: (edge) => void back.push(edge),
      },
    );
    clock.every(1_000, () => watch.check());
  });

  it('loses an edge after three missed heartbeats, once', () => {
    watch.heard('a', 'one');
    watch.heard('b', 'one');
    clock.every(3_000, () => watch.heard('b', 'one'));
    clock.advance(8_000);
    expect(lost).toEqual([]);
    clock.advance(10_000);
    expect(lost).toEqual(['a']);
  });

  it('loses an edge that holds players of a game just taken over and is never heard', () => {
    watch.expect(['a', '']);
    clock.advance(9_000);
    expect(lost).toEqual(['a']);
  });

  it('loses the sessions of an edge that came back as another incarnation', () => {
    watch.heard('a', 'one');
    watch.heard('a', 'two');
    expect(lost).toEqual(['a']);
    watch.gone('a', 'one');
    expect(lost).toEqual(['a']);
    watch.gone('a', 'two');
    expect(lost).toEqual(['a', 'a']);
  });

  it('tells when an edge that fell silent is heard again, unless it is another incarnation', () => {
    watch.heard('a', 'one');
    watch.heard('b', 'one');
    clock.advance(10_000);
    expect(lost).toEqual(['a', 'b']);
    watch.heard('a', 'one');
    watch.heard('b', 'two');
    watch.heard('a', 'one');
    expect(back).toEqual(['a']);
  });

  it('blames nobody for a time in which it could not hear itself', () => {
    watch.heard('a', 'one');
    clock.every(1_000, () => watch.forgive());
    clock.advance(60_000);
    expect(lost).toEqual([]);
  });

  it('remembers no more edges than it may', () => {
    for (const edge of ['a', 'b', 'c', 'd']) watch.heard(edge, 'one');
    clock.advance(9_000);
    expect(lost).toEqual(['a', 'b', 'c']);
  });
});
