import { expect, test } from 'vitest';
import { Peers, rankOf } from './rank.ts';

test('replicas agree on an order for each key, and share the keys', () => {
  const replicas = ['m1', 'm2', 'm3'];
  const firsts = new Map<string, number>();
  for (let n = 0; n < 300; n++) {
    const ranks = replicas.map((self) => rankOf(self, replicas, `game-${n}`));
    expect([...ranks].sort()).toEqual([0, 1, 2]);
    const first = replicas[ranks.indexOf(0)]!;
    firsts.set(first, (firsts.get(first) ?? 0) + 1);
  }
  for (const replica of replicas) expect(firsts.get(replica)).toBeGreaterThan(50);
});

test('a replica that is not heard any more is not counted', () => {
  const keys = Array.from({ length: 50 }, (_, n) => `k${n}`);
  const peers = new Peers('m1', 1_000);
  peers.heard('m2', 0);
  expect(keys.some((key) => peers.rankOf(key) === 1)).toBe(true);
  peers.heard('m1', 2_000);
  expect(keys.every((key) => peers.rankOf(key) === 0)).toBe(true);
});
