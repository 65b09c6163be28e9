import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pacer } from './pacer.ts';

test('never more than the burst and the rate allow goes out in any span, in order, and all of it in the end', () => {
  const rule = { framesPerSecond: 50, burst: 20 };
  const steps = fc.array(fc.tuple(fc.nat(8), fc.nat(100)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (script) => {
      let nowMs = 0;
      let count = 0;
      const pacer = new Pacer(rule, nowMs);
      const out: { text: string; atMs: number }[] = [];
      const flush = () => out.push(...pacer.take(nowMs).map((text) => ({ text, atMs: nowMs })));
      for (const [frames, waitMs] of script) {
        for (let index = 0; index < frames; index++) expect(pacer.push(String(count++))).toBe(true);
        flush();
        nowMs += waitMs;
      }
      while (pacer.waiting > 0) {
        nowMs += pacer.delayMs;
        flush();
      }
      expect(out.map(({ text }) => text)).toEqual(Array.from({ length: count }, (_, index) => String(index)));
      out.forEach((first, from) => {
        const inSpan = out.slice(from).filter(({ atMs }) => atMs <= first.atMs + 1_000).length;
        expect(inSpan).toBeLessThanOrEqual(rule.burst + rule.framesPerSecond + 1);
      });
    }),
    { numRuns: 50 },
  );
});

test('what waits is bounded', () => {
  const pacer = new Pacer({ framesPerSecond: 1, burst: 1 }, 0);
  while (pacer.push('x'));
  expect(pacer.waiting).toBe(2_000);
});
