import type { SimStatus } from '@breakwater/bus';
import { expect, test } from 'vitest';
import { HeardTime } from './heard-time.ts';
import { Fleet } from './liveness.ts';

const limits = { heartbeatMs: 300, missedHeartbeats: 3, maxProcesses: 2, reconnectGraceMs: 1_500 };

const newFleet = () => new Fleet(limits, new HeardTime(limits.heartbeatMs));

function status(pod: string, incarnation = 'a', n = 1): SimStatus {
  const types = [{ type: 'world', schemaVersion: 1, maxPlayers: 4 }];
  const rest = { n, games: 0, maxGames: 10, load: 0, tickP99Ms: 0, digest: 0, changed: [] };
  return { pod, incarnation, types, isDraining: false, isLeaving: false, ...rest };
}

/** A fleet whose own heartbeat comes back every 300 ms from `fromMs` to `toMs`; returns who fell silent. */
function echoes(fleet: Fleet, fromMs: number, toMs: number): string[] {
  const gone: string[] = [];
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 300) gone.push(...fleet.echo(nowMs));
  return gone;
}

test('a process is gone after three missed heartbeats, not before', () => {
  const fleet = newFleet();
  fleet.echo(0);
  fleet.heard(status('a'));
  expect(echoes(fleet, 300, 900)).toEqual([]);
  expect(fleet.isLive('a')).toBe(true);
  expect(fleet.echo(1_200)).toEqual(['a']);
  expect(fleet.isLive('a')).toBe(false);
  expect(fleet.types()).toEqual([]);
});

test('silence does not count while our own heartbeat stays away', () => {
  const fleet = newFleet();
  fleet.echo(0);
  fleet.heard(status('a'));
  expect(fleet.echo(60_000)).toEqual([]);
  expect(fleet.isLive('a')).toBe(true);
  expect(echoes(fleet, 60_300, 60_600)).toEqual([]);
  expect(echoes(fleet, 60_900, 61_200)).toEqual(['a']);
});

test('a process that is heard again lives again, and another start of it is new', () => {
  const fleet = newFleet();
  expect(fleet.heard(status('a'))).toBe('new');
  expect(fleet.heard(status('a', 'a', 2))).toBe('known');
  expect(fleet.heard(status('a', 'a', 4))).toBe('gap');
  expect(fleet.heard(status('a', 'b', 5))).toBe('new');
  fleet.gone('a');
  expect(fleet.isLive('a')).toBe(false);
  expect(fleet.heard(status('a', 'b'))).toBe('new');
});

test('more processes than the limit are not remembered', () => {
  const fleet = newFleet();
  expect(['a', 'b', 'c'].map((pod) => fleet.heard(status(pod)))).toEqual(['new', 'new', 'refused']);
  expect(fleet.live()).toHaveLength(2);
});

test('games that were handed out count until the process reports again', () => {
  const fleet = newFleet();
  fleet.heard(status('a'));
  fleet.handOut('a');
  fleet.handOut('a');
  expect(fleet.live()[0]?.handedOut).toBe(2);
  fleet.heard(status('a'));
  expect(fleet.live()[0]?.handedOut).toBe(0);
});
