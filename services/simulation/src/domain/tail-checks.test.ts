import { describe, expect, it } from 'vitest';
import { TailChecks } from './tail-checks.ts';

function owners(count: number) {
  const checked: number[] = [];
  const all = Array.from({ length: count }, (_, index) => ({
    lastSeq: 1,
    async checkTail() {
      checked.push(index);
    },
  }));
  return { all, checked };
}

const OPTIONS = { everyMs: 1_000, stallMs: 500, maxAtOnce: 3 };

describe('tail checks', () => {
  it('look only at owners that appended nothing for a while', () => {
    const checks = new TailChecks(OPTIONS);
    const { all, checked } = owners(2);
    for (let nowMs = 0; nowMs <= 1_200; nowMs += 100) {
      all[0]!.lastSeq += 1;
      checks.look(all, nowMs);
    }
    expect(checked).toEqual([1]);
  });

  it('look at every owner after a pause of the process and after messages were missed, a few at a time', async () => {
    const checks = new TailChecks(OPTIONS);
    const { all, checked } = owners(5);
    checks.look(all, 0);
    checks.look(all, 700);
    expect(checked).toEqual([0, 1, 2]);
    await Promise.resolve();
    checks.look(all, 800);
    expect(checked).toEqual([0, 1, 2, 3, 4]);
    await Promise.resolve();
    checks.checkAll(850);
    checks.look(all, 900);
    expect(checked.slice(5)).toEqual([0, 1, 2]);
  });
});
