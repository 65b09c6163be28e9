import type { SimGames, SimStatus } from '@breakwater/bus';
import { FakeClock } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { HeardTime } from './heard-time.ts';
import { Fleet } from './liveness.ts';
import { PodHints } from './pod-hints.ts';

const HEARTBEAT_MS = 300;
const LIMITS = { heartbeatMs: HEARTBEAT_MS, missedHeartbeats: 3, maxProcesses: 9, reconnectGraceMs: 1_500 };
const HERE: SimGames = { games: [] };

function status(pod: string, n: number): SimStatus {
  const rest = { incarnation: 'i', games: 0, maxGames: 9, load: 0, tickP99Ms: 0, digest: 0, changed: [] };
  return { pod, n, types: [], ...rest, isDraining: false, isLeaving: false };
}

/** A process that was heard just now, and what those who ask for it are told in turn. */
function hintsWith(...answers: (SimGames | 'gone' | 'silent')[]) {
  const clock = new FakeClock();
  const fleet = new Fleet(LIMITS, new HeardTime(HEARTBEAT_MS));
  const told: string[] = [];
  let asked = 0;
  const hints = new PodHints({
    fleet,
    sims: { list: async () => answers[Math.min(asked++, answers.length - 1)]! },
    time: clock,
    heartbeatMs: HEARTBEAT_MS,
    onGone: (pod) => told.push(`${pod} is gone`),
    onOutcome: (outcome) => told.push(outcome),
    onError: (error) => {
      throw error;
    },
  });
  let n = 0;
  const beat = async (isHeard: boolean) => {
    n += 1;
    if (isHeard) fleet.heard(status('sim-a', n));
    fleet.echo(clock.monotonicMs());
    await clock.advanceAsync(HEARTBEAT_MS);
  };
  fleet.echo(clock.monotonicMs());
  fleet.heard(status('sim-a', 0));
  return { hints, fleet, told, beat, asked: () => asked };
}

test('a hint about a process that was heard a moment ago is looked into again, until its silence counts', async () => {
  const { hints, fleet, told, beat, asked } = hintsWith('gone');
  hints.check(['sim-a']);
  await beat(false);
  expect({ told, isLive: fleet.isLive('sim-a') }).toEqual({ told: [], isLive: true });
  await beat(false);
  await beat(false);
  expect(told).toEqual(['sim-a is gone', 'gone']);
  expect(fleet.isLive('sim-a')).toBe(false);
  expect(asked()).toBeLessThanOrEqual(4);
});

test('a process that was on its way back to NATS answers the second time, and stays', async () => {
  const { hints, fleet, told, beat } = hintsWith('gone', HERE);
  hints.check(['sim-a']);
  await beat(false);
  await beat(true);
  expect(told).toEqual(['answered']);
  expect(fleet.isLive('sim-a')).toBe(true);
});

test('a hint is dropped after some tries when the process goes on being heard', async () => {
  const { hints, fleet, told, beat, asked } = hintsWith('gone');
  hints.check(['sim-a', 'sim-a', 'sim-unknown']);
  for (let n = 0; n < 10; n++) await beat(true);
  expect(told).toEqual(['away']);
  expect(asked()).toBe(4);
  expect(fleet.isLive('sim-a')).toBe(true);
});
