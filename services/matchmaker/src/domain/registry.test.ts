import type { GameEntry, HostedGame } from '@breakwater/bus';
import { expect, test } from 'vitest';
import {
  freeSeats,
  infoOf,
  newEntry,
  withEnd,
  withEpoch,
  withHost,
  withReport,
  withSeat,
} from './registry.ts';

const NOW = 1_000_000;
const place = { pod: 'a', schemaVersion: 1, maxPlayers: 3 };
const fresh = newEntry({ game: 'g1234', type: 'world', user: 'ann' }, place, 5, NOW);
const line: HostedGame = {
  game: 'g1234',
  epoch: 2,
  type: 'world',
  schemaVersion: 1,
  players: 1,
  state: 'running',
};
const claim = (pod: string, epoch: number, node?: string) => ({ pod, epoch, schemaVersion: 1, node });
const seat = (entry: GameEntry, user: string, players?: number) =>
  withSeat(entry, { user, holdMs: 1_000, unixMs: NOW, heardPlayers: players });

test('a report of a newer claim is taken over, one of an older owner is not', () => {
  const running = withReport(fresh, { pod: 'b', node: undefined }, line, NOW + 1)!;
  expect(running).toMatchObject({ pod: 'b', epoch: 2, players: 1, state: 'running', changedAt: NOW + 1 });
  expect(withReport(running, { pod: 'a', node: undefined }, { ...line, epoch: 1 }, NOW)).toBeUndefined();
  expect(withReport(running, { pod: 'b', node: undefined }, line, NOW + 9)).toBeUndefined();
});

test('what has ended stays ended, whoever reports or claims', () => {
  const ended = withEnd(fresh, 'ended', 'won', NOW)!;
  expect(withReport(ended, { pod: 'b', node: undefined }, { ...line, epoch: 9 }, NOW)).toBeUndefined();
  expect(withHost(ended, claim('b', 9), NOW)).toBeUndefined();
  expect(withEnd(ended, 'failed', 'x', NOW)).toBeUndefined();
  expect(seat(ended, 'ann')).toBeUndefined();
});

test('seats are sold once, players and held seats together never exceed the limit', () => {
  const one = seat(fresh, 'ann')!;
  const two = seat(one, 'bob')!;
  expect(freeSeats(two, undefined, NOW)).toBe(1);
  expect(freeSeats(two, 1, NOW)).toBe(0);
  expect(seat(two, 'cid', 1)).toBeUndefined();
  expect(seat(seat(two, 'cid')!, 'dan')).toBeUndefined();
});

test('a held seat is freed by time, and used up by its player', () => {
  const two = seat(seat(fresh, 'ann')!, 'bob')!;
  expect(freeSeats(two, undefined, NOW + 1_000)).toBe(3);
  const joined = withReport(two, { pod: 'a', node: undefined }, { ...line, joined: ['ann'] }, NOW)!;
  expect(joined.seats.map(({ user }) => user)).toEqual(['bob']);
  expect(freeSeats(joined, undefined, NOW)).toBe(1);
});

test('a claim moves the host forward only', () => {
  const hosted = withHost(fresh, claim('b', 3), NOW)!;
  expect(hosted).toMatchObject({ pod: 'b', epoch: 3, state: 'running' });
  expect(withHost(hosted, claim('c', 2), NOW)).toBeUndefined();
  expect(withHost(hosted, claim('b', 3), NOW)).toBeUndefined();
  expect(withEpoch(hosted, 3, NOW)).toBeUndefined();
  expect(withEpoch(hosted, 7, NOW)).toMatchObject({ epoch: 7, pod: 'b' });
});

test('the node and the version follow the process that hosts the game', () => {
  const first = withHost(fresh, { ...claim('b', 1, 'north'), schemaVersion: 2 }, NOW)!;
  expect(first).toMatchObject({ pod: 'b', node: 'north', schemaVersion: 2 });
  expect(infoOf(first)).toMatchObject({ pod: 'b', node: 'north' });
  const moved = withReport(first, { pod: 'c', node: undefined }, { ...line, schemaVersion: 3 }, NOW)!;
  expect(moved).toMatchObject({ pod: 'c', schemaVersion: 3 });
  expect('node' in moved).toBe(false);
});
