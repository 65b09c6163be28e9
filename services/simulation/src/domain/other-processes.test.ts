import type { SimStatus } from '@breakwater/bus';
import { describe, expect, it } from 'vitest';
import { OtherProcesses } from './other-processes.ts';

const status = (pod: string, types: SimStatus['types'], more: Partial<SimStatus> = {}): SimStatus => ({
  pod,
  incarnation: 'one',
  n: 0,
  types,
  games: 0,
  maxGames: 10,
  load: 0,
  tickP99Ms: 0,
  digest: 0,
  isDraining: false,
  isLeaving: false,
  changed: [],
  ...more,
});
const world = (schemaVersion: number, migratesFrom?: number[]) => ({
  type: 'world',
  schemaVersion,
  maxPlayers: 8,
  ...(migratesFrom && { migratesFrom }),
});

describe('a version of a game type', () => {
  const heard = (...statuses: readonly SimStatus[]) => {
    const others = new OtherProcesses('own');
    for (const each of statuses) others.hear(each, 1_000);
    return others;
  };

  it('is gone when every process that has the type has it in a version that does not take it over', () => {
    expect(heard(status('b', [world(2)])).isVersionGone('world', 1, 0)).toBe(true);
    expect(heard(status('b', [world(2, [1])])).isVersionGone('world', 1, 0)).toBe(false);
    expect(heard(status('b', [world(2)]), status('c', [world(1)])).isVersionGone('world', 1, 0)).toBe(false);
  });

  it('is not taken for gone when nobody else has the type, or nobody was heard lately', () => {
    expect(heard().isVersionGone('world', 1, 0)).toBe(false);
    expect(heard(status('b', [{ ...world(2), type: 'chess' }])).isVersionGone('world', 1, 0)).toBe(false);
    expect(heard(status('b', [world(2)])).isVersionGone('world', 1, 1_001)).toBe(false);
  });

  it('is not kept by its own process, nor by one that drains or leaves as well', () => {
    const newer = status('b', [world(2)]);
    for (const gone of [{ isDraining: true }, { isLeaving: true }]) {
      const others = heard(
        newer,
        status('own', [world(1)]),
        status('c', [world(1)]),
        status('c', [world(1)], gone),
      );
      expect(others.isVersionGone('world', 1, 0)).toBe(true);
      expect(others.heardAtMs).toBe(1_000);
    }
  });
});
