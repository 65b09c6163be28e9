import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Replicas, rendezvous } from './replicas.ts';

const OPTIONS = { self: 'a', heartbeatMs: 1_000, missedHeartbeats: 3, warmUpMs: 4_000 };
const beat = (replica: string, warm = true, gone = false) => ({ replica, warm, gone });

describe('the replicas of chat', () => {
  test('losing a replica moves only the rooms that it had', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,8}$/), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(names, fc.nat(), (replicas, pick) => {
        const lost = replicas[pick % replicas.length]!;
        const rest = replicas.filter((name) => name !== lost);
        for (let n = 0; n < 50; n++) {
          const before = rendezvous(`room-${n}`, replicas)!;
          const after = rendezvous(`room-${n}`, rest);
          if (before !== lost) expect(after).toBe(before);
          expect(rendezvous(`room-${n}`, replicas.toReversed())).toBe(before);
        }
      }),
    );
  });

  test('rooms are shared out evenly enough', () => {
    const counts = new Map<string, number>();
    for (let n = 0; n < 3_000; n++) {
      const one = rendezvous(`room-${n}`, ['chat-7d9f-abcde', 'chat-7d9f-fghij', 'chat-7d9f-klmno'])!;
      counts.set(one, (counts.get(one) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(200);
  });

  test('a replica speaks for rooms when it is warm, and no more when it fell silent or said goodbye', () => {
    const replicas = new Replicas(OPTIONS, 0);
    replicas.heard(beat('a', false), 0);
    expect(replicas.responsible('r')).toBeUndefined();
    replicas.heard(beat('b'), 100);
    expect(replicas.responsible('r')).toBe('b');
    replicas.heard(beat('a', false), 3_000);
    replicas.tick(3_100);
    expect(replicas.responsible('r')).toBe('b');
    replicas.tick(3_101);
    expect(replicas.responsible('r')).toBeUndefined();
    replicas.heard(beat('c'), 3_200);
    replicas.heard(beat('c', true, true), 3_300);
    expect(replicas.responsible('r')).toBeUndefined();
  });

  test('a replica that does not hear itself blames nobody, and is warm again only after a while', () => {
    const replicas = new Replicas(OPTIONS, 0);
    for (let ms = 0; ms <= 5_000; ms += 1_000) {
      replicas.heard(beat('a', replicas.isWarm(ms)), ms);
      replicas.heard(beat('b'), ms);
      expect(replicas.tick(ms)).toBe(false);
    }
    expect(replicas.live).toHaveLength(2);
    expect(replicas.tick(60_000)).toBe(false);
    expect(replicas.isLinked(60_000)).toBe(false);
    expect(replicas.live).toEqual(['b']);
    replicas.heard(beat('a', false), 60_500);
    expect(replicas.tick(60_600)).toBe(true);
    expect(replicas.live).toEqual(['b']);
    expect(replicas.isWarm(60_600)).toBe(false);
    for (let ms = 61_000; ms <= 64_600; ms += 600) replicas.heard(beat('a', false), ms);
    expect(replicas.isWarm(64_600)).toBe(true);
  });
});
