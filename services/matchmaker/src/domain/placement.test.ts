import type { SimStatus } from '@breakwater/bus';
import { expect, test } from 'vitest';
import type { SimProcess } from './liveness.ts';
import { isHostable, type PlacementPolicy, placesFor } from './placement.ts';

function process(pod: string, more: Partial<SimStatus> = {}, handedOut = 0): SimProcess {
  const types = [{ type: 'world', schemaVersion: 1, maxPlayers: 100 }];
  const rest = { incarnation: 'i', n: 1, games: 0, maxGames: 10, load: 0, tickP99Ms: 0, digest: 0 };
  const flags = { isDraining: false, isLeaving: false };
  return {
    status: { pod, types, ...rest, ...flags, changed: [], ...more },
    handedOut,
    isCordoned: false,
    isToEmpty: false,
  };
}

function pods(policy: PlacementPolicy, processes: SimProcess[], wanted = { type: 'world' }): string[] {
  return placesFor(wanted, processes, { policy, maxLoad: 0.9 }).map(({ pod }) => pod);
}

test('packed fills the busiest that has room, spread takes the emptiest', () => {
  const processes = [
    process('a', { games: 3 }),
    process('b', { games: 7 }),
    process('c', { games: 10 }),
    process('d'),
  ];
  expect(pods('packed', processes)).toEqual(['b', 'a', 'd']);
  expect(pods('spread', processes)).toEqual(['d', 'a', 'b']);
});

test('a cordoned process gets no game', () => {
  const cordoned = { ...process('b', { games: 7 }), isCordoned: true };
  expect(pods('packed', [process('a'), cordoned])).toEqual(['a']);
});

test('equals are ordered by name, so that replicas choose alike', () => {
  expect(pods('packed', [process('b'), process('a')])).toEqual(['a', 'b']);
  expect(pods('spread', [process('b'), process('a')])).toEqual(['a', 'b']);
});

test('draining, leaving and full processes are no candidates', () => {
  const processes = [
    process('draining', { isDraining: true }),
    process('leaving', { isLeaving: true }),
    process('handed', { maxGames: 2, games: 1 }, 1),
  ];
  expect(pods('packed', processes)).toEqual([]);
  expect(isHostable({ type: 'world' }, processes)).toBe(true);
});

test('a busy process comes after all that are not, whatever the policy', () => {
  const processes = [process('busy', { load: 0.95, games: 5 }), process('idle', { games: 1 })];
  expect(pods('packed', processes)).toEqual(['idle', 'busy']);
  expect(pods('spread', processes)).toEqual(['idle', 'busy']);
});

test('a new game goes to the newest version of its type, an old one only to its own', () => {
  const versioned = (pod: string, schemaVersion: number) =>
    process(pod, { types: [{ type: 'world', schemaVersion, maxPlayers: 9 }] });
  const processes = [versioned('old', 1), versioned('new', 2)];
  const rule = { policy: 'packed', maxLoad: 0.9 } as const;
  expect(placesFor({ type: 'world' }, processes, rule).map(({ schemaVersion }) => schemaVersion)).toEqual([
    2, 1,
  ]);
  expect(placesFor({ type: 'world', schemaVersion: 1 }, processes, rule)).toEqual([
    { pod: 'old', schemaVersion: 1, maxPlayers: 9 },
  ]);
  expect(isHostable({ type: 'world', schemaVersion: 3 }, processes)).toBe(false);
  expect(isHostable({ type: 'chess' }, processes)).toBe(false);
});
