import { expect, test } from 'vitest';
import { type BufferRule, BufferScaler, type ScaledProcess, type ScaleView } from './autoscaler.ts';

const RULE: BufferRule = {
  freeSlots: 10,
  minReplicas: 1,
  maxReplicas: 8,
  hysteresisSlots: 2,
  stableMs: 1_000,
  settleMs: 500,
  movesGames: false,
};

function processOf(pod: string, games: number, more: Partial<ScaledProcess> = {}): ScaledProcess {
  return { pod, games, maxGames: 10, isDraining: false, cordonedBy: undefined, isRetired: false, ...more };
}

function viewOf(
  nowMs: number,
  processes: readonly ScaledProcess[],
  more: Partial<ScaleView> = {},
): ScaleView {
  return { nowMs, replicas: processes.length, isSettled: true, processes, ...more };
}

const quiet = { replicas: undefined, cordon: [], uncordon: [], retire: [] };

test('missing places are asked for at once, up to the most pods', () => {
  const scaler = new BufferScaler(RULE);
  expect(scaler.decide(viewOf(0, [processOf('a', 9)]))).toMatchObject({ replicas: 2, freeSlots: 1 });
  const many = { ...RULE, freeSlots: 45 };
  expect(new BufferScaler(many).decide(viewOf(0, [processOf('a', 9)])).replicas).toBe(6);
  expect(new BufferScaler({ ...many, maxReplicas: 3 }).decide(viewOf(0, [processOf('a', 9)])).replicas).toBe(
    3,
  );
});

test('pods that were asked for and are not heard yet count, so that nothing is asked for twice', () => {
  const scaler = new BufferScaler(RULE);
  expect(scaler.decide(viewOf(0, [processOf('a', 9)], { replicas: 2 }))).toMatchObject({
    ...quiet,
    freeSlots: 11,
  });
});

test('a draining process has no free places', () => {
  const processes = [processOf('a', 0, { isDraining: true }), processOf('b', 5)];
  expect(new BufferScaler(RULE).decide(viewOf(0, processes, { replicas: 1 }))).toMatchObject({
    replicas: 2,
    freeSlots: 5,
  });
});

test('without any process known, one is asked for', () => {
  expect(new BufferScaler(RULE).decide(viewOf(0, [], { replicas: 0 })).replicas).toBe(1);
});

test('the emptiest process is cordoned when there were too many places for long enough, and no sooner', () => {
  const scaler = new BufferScaler(RULE);
  const processes = [processOf('a', 4), processOf('b', 1), processOf('c', 2)];
  expect(scaler.decide(viewOf(0, processes))).toMatchObject(quiet);
  expect(scaler.decide(viewOf(999, processes))).toMatchObject(quiet);
  expect(scaler.decide(viewOf(1_000, processes))).toMatchObject({ ...quiet, cordon: ['b'] });
});

test('a moment with too few places begins the waiting anew', () => {
  const scaler = new BufferScaler(RULE);
  const [a, b] = [processOf('a', 0), processOf('b', 0)];
  const rule = viewOf(0, [a, b, processOf('c', 0)]);
  scaler.decide(rule);
  scaler.decide({ ...rule, nowMs: 600, processes: [a, processOf('b', 7), processOf('c', 9)] });
  expect(scaler.decide({ ...rule, nowMs: 1_100 })).toMatchObject(quiet);
  expect(scaler.decide({ ...rule, nowMs: 2_100 }).cordon).toEqual(['a']);
});

test('nothing is taken away while the Deployment is on its way somewhere', () => {
  const scaler = new BufferScaler(RULE);
  const processes = ['a', 'b', 'c', 'd'].map((pod) => processOf(pod, 0));
  for (const nowMs of [0, 2_000, 4_000])
    expect(scaler.decide(viewOf(nowMs, processes, { isSettled: false }))).toMatchObject(quiet);
});

test('a cordoned process is retired when it was empty for long enough, and the Deployment shrinks only then', () => {
  const scaler = new BufferScaler(RULE);
  const step = (nowMs: number, b: Partial<ScaledProcess>) =>
    scaler.decide(viewOf(nowMs, [processOf('a', 0), processOf('b', 1, { cordonedBy: 'buffer', ...b })]));
  expect(step(0, {})).toMatchObject(quiet);
  expect(step(1_000, { games: 0 })).toMatchObject(quiet);
  expect(step(1_400, { games: 0 })).toMatchObject(quiet);
  expect(step(1_500, { games: 0 })).toMatchObject({ ...quiet, retire: ['b'] });
  expect(step(1_600, { games: 0, isRetired: true })).toMatchObject({ ...quiet, replicas: 1 });
  expect(step(1_700, { games: 1, isRetired: true })).toMatchObject(quiet);
});

test('cordons are lifted before new pods are asked for, the fullest process first', () => {
  const cordoned = { cordonedBy: 'buffer' } as const;
  const processes = [processOf('a', 9), processOf('b', 1, cordoned), processOf('c', 3, cordoned)];
  expect(new BufferScaler(RULE).decide(viewOf(0, processes))).toMatchObject({
    ...quiet,
    uncordon: ['c', 'b'],
  });
  const scarce = new BufferScaler({ ...RULE, freeSlots: 20 });
  expect(scarce.decide(viewOf(0, processes))).toMatchObject({ uncordon: ['c', 'b'], replicas: 4 });
});

test('what a person cordoned is neither used, nor given back, nor taken away', () => {
  const scaler = new BufferScaler(RULE);
  const processes = [processOf('a', 0), processOf('b', 0, { cordonedBy: 'person' })];
  for (const nowMs of [0, 5_000, 10_000])
    expect(scaler.decide(viewOf(nowMs, processes))).toMatchObject(quiet);
  expect(scaler.decide(viewOf(0, [processOf('a', 5), ...processes.slice(1)]))).toMatchObject({
    ...quiet,
    replicas: 3,
    freeSlots: 5,
  });
});

test('with moves, the games of a process that goes need places elsewhere', () => {
  const scaler = new BufferScaler({ ...RULE, movesGames: true });
  const processes = [processOf('a', 4), processOf('b', 4)];
  scaler.decide(viewOf(0, processes));
  expect(scaler.decide(viewOf(5_000, processes))).toMatchObject(quiet);
});

test('with moves, the next process is chosen only when the games of the one before have found their places', () => {
  const rule = { ...RULE, movesGames: true, freeSlots: 4, hysteresisSlots: 0 };
  const scaler = new BufferScaler(rule);
  const four = (first: Partial<ScaledProcess>) => [
    processOf('a', 6, first),
    ...['b', 'c', 'd'].map((pod) => processOf(pod, 5)),
  ];
  const going = four({ cordonedBy: 'buffer' });
  for (const nowMs of [0, 1_000, 2_000])
    expect(scaler.decide(viewOf(nowMs, going)), String(nowMs)).toMatchObject({ ...quiet, cordon: [] });
});

test('after a choice the surplus has to last anew', () => {
  const scaler = new BufferScaler({ ...RULE, freeSlots: 1, hysteresisSlots: 0 });
  const processes = ['a', 'b', 'c', 'd'].map((pod) => processOf(pod, 8));
  scaler.decide(viewOf(0, processes));
  const { cordon } = scaler.decide(viewOf(1_000, processes));
  expect(cordon.length).toBeGreaterThan(0);
  expect(scaler.decide(viewOf(1_100, processes)).cordon).toEqual([]);
  expect(scaler.decide(viewOf(2_100, processes)).cordon).toEqual(cordon);
});

test('a raised minimum gives cordoned processes back', () => {
  const scaler = new BufferScaler({ ...RULE, minReplicas: 2 });
  const cordoned = { cordonedBy: 'buffer' } as const;
  const processes = [processOf('a', 0), processOf('b', 0, cordoned)];
  expect(scaler.decide(viewOf(0, processes))).toMatchObject({ ...quiet, uncordon: ['b'] });
});
