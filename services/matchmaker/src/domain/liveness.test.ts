import type { SimStatus } from '@breakwater/bus';
import { expect, test } from 'vitest';
import { HeardTime } from './heard-time.ts';
import { Fleet } from './liveness.ts';

const limits = { heartbeatMs: 300, missedHeartbeats: 3, maxProcesses: 4, reconnectGraceMs: 1_500 };

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
  expect(['a', 'b', 'c', 'd', 'e'].map((pod) => fleet.heard(status(pod)))).toEqual([
    'new',
    'new',
    'new',
    'new',
    'refused',
  ]);
  expect(fleet.live()).toHaveLength(4);
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

test('when more than half of the processes vanish at once one interval more is waited for', () => {
  const fleet = newFleet();
  fleet.echo(0);
  for (const pod of ['a', 'b', 'c']) fleet.heard(status(pod));
  for (let nowMs = 300; nowMs <= 1_200; nowMs += 300) {
    fleet.heard(status('c', 'a', nowMs));
    expect(fleet.echo(nowMs)).toEqual([]);
  }
  expect(fleet.live().map(({ status: { pod } }) => pod)).toEqual(['c']);
  expect(fleet.isLive('a')).toBe(true);
  fleet.heard(status('b', 'a', 9));
  expect(fleet.echo(1_500)).toEqual(['a']);
  expect(fleet.isLive('b')).toBe(true);
});

test('one of many that vanishes is not waited for', () => {
  const fleet = newFleet();
  fleet.echo(0);
  for (const pod of ['a', 'b', 'c']) fleet.heard(status(pod));
  for (let nowMs = 300; nowMs <= 900; nowMs += 300) {
    for (const pod of ['b', 'c']) fleet.heard(status(pod, 'a', nowMs));
    expect(fleet.echo(nowMs)).toEqual([]);
  }
  expect(fleet.echo(1_200)).toEqual(['a']);
});

test('after our own connection came back nobody is silent, and no missing answer proves anything, for a while', () => {
  const fleet = newFleet();
  expect(fleet.isSettled).toBe(false);
  echoes(fleet, 0, 900);
  expect(fleet.isSettled).toBe(true);
  for (const pod of ['a', 'b', 'c']) fleet.heard(status(pod));
  fleet.reconnected();
  expect(fleet.isSettled).toBe(false);
  expect(echoes(fleet, 10_000, 11_200)).toEqual([]);
  expect(fleet.unanswered('a')).toBe(false);
  // It was heard since, and then no more.
  fleet.heard(status('c'));
  expect(echoes(fleet, 11_500, 12_100)).toEqual([]);
  expect(fleet.unanswered('c')).toBe(true);
  expect(echoes(fleet, 12_400, 12_400)).toEqual([]);
  expect(fleet.isSettled).toBe(true);
  expect(fleet.unanswered('a')).toBe(true);
  expect(echoes(fleet, 12_700, 12_700)).toEqual(['b']);
});

test('a missing answer of a process that was heard a moment ago proves nothing: it may be reconnecting', () => {
  const fleet = newFleet();
  fleet.echo(0);
  fleet.heard(status('a'));
  expect(fleet.unanswered('a')).toBe(false);
  // Its word may be a moment or a whole interval old.
  expect(fleet.echo(301)).toEqual([]);
  expect(fleet.unanswered('a')).toBe(false);
  fleet.heard(status('a', 'a', 2));
  expect(fleet.echo(600)).toEqual([]);
  expect(fleet.unanswered('a')).toBe(false);
  expect(fleet.isLive('a')).toBe(true);
  expect(fleet.echo(900)).toEqual([]);
  expect(fleet.unanswered('a')).toBe(true);
  expect(fleet.isLive('a')).toBe(false);
  expect(fleet.unanswered('never heard')).toBe(true);
});

test('whoever wants to know of all that are gone is told of each once', () => {
  const fleet = newFleet();
  const told: string[] = [];
  fleet.onAnyGone((pod) => told.push(pod));
  fleet.echo(0);
  for (const pod of ['left', 'unanswered', 'silent']) fleet.heard(status(pod));
  fleet.gone('left');
  fleet.gone('left');
  echoes(fleet, 300, 600);
  fleet.unanswered('unanswered');
  echoes(fleet, 900, 1_500);
  expect(told).toEqual(['left', 'unanswered', 'silent']);
});

test('whoever waits for an answer of a process learns that it is gone', () => {
  const fleet = newFleet();
  fleet.heard(status('a'));
  const told: string[] = [];
  fleet.onGone('a', () => told.push('first'));
  const cancel = fleet.onGone('a', () => told.push('second'));
  cancel();
  fleet.gone('a');
  fleet.gone('a');
  expect(told).toEqual(['first']);
});
