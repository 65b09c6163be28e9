import { FakeClock } from '@breakwater/testkit';
import { describe, expect, it } from 'vitest';
import { TickSchedule } from './schedule.ts';

const OPTIONS = { quantumMs: 4, maxCatchUpTicks: 5, turnBudgetMs: 20 };

const ignore = () => undefined;

/** A clock whose timers can be held up, as a blocked event loop does. */
function blockable() {
  const clock = new FakeClock();
  let extraMs = 0;
  return {
    clock,
    port: { monotonicMs: () => clock.monotonicMs() + extraMs, after: clock.after },
    block: (ms: number) => {
      extraMs += ms;
    },
  };
}

describe('the tick schedule', () => {
  it('ticks each game at its own rate, and none at the same moment as its neighbours', () => {
    const clock = new FakeClock();
    const schedule = new TickSchedule(clock, { ...OPTIONS, quantumMs: 1 }, ignore);
    const times: number[][] = Array.from({ length: 8 }, () => []);
    for (const ticks of times)
      schedule.add(
        50,
        (nowMs) => ticks.push(nowMs),
        () => undefined,
      );
    clock.advance(1_000);
    for (const ticks of times) expect(ticks.length).toBeGreaterThanOrEqual(19);
    const phases = times.map(([, second]) => second!).sort((a, b) => a - b);
    for (let i = 1; i < phases.length; i++) expect(phases[i]! - phases[i - 1]!).toBeGreaterThan(1);
  });

  it('lets a new game tick at once, and from then on at its rate', () => {
    const clock = new FakeClock();
    const schedule = new TickSchedule(clock, OPTIONS, ignore);
    clock.advance(1_234);
    const times = Array.from({ length: 5 }, () => {
      const ticks: number[] = [];
      const skip = () => expect.unreachable('no tick is given up');
      schedule.add(50, (nowMs) => ticks.push(nowMs - 1_234), skip);
      return ticks;
    });
    clock.advance(1_000);
    for (const [first, second, third] of times) {
      expect(first).toBeLessThanOrEqual(OPTIONS.quantumMs);
      expect(second).toBeLessThanOrEqual(50 + OPTIONS.quantumMs);
      expect(third! - second!).toBeGreaterThanOrEqual(50 - OPTIONS.quantumMs);
    }
    // The first one is on top.
    for (const ticks of times) expect(ticks.length - 1).toBeLessThanOrEqual(1_000 / 50 + 1);
  });

  it('lets it tick at once though the next tick of the others is far away', () => {
    const clock = new FakeClock();
    const schedule = new TickSchedule(clock, OPTIONS, ignore);
    schedule.add(10_000, ignore, ignore);
    clock.advance(OPTIONS.quantumMs);
    clock.advance(100);
    let ticks = 0;
    schedule.add(10_000, () => ticks++, ignore);
    clock.advance(OPTIONS.quantumMs);
    expect(ticks).toBe(1);
    expect(clock.pending).toBe(1);
  });

  it('lets all tick while new games come faster than its timer', () => {
    const clock = new FakeClock();
    const schedule = new TickSchedule(clock, OPTIONS, ignore);
    let ticks = 0;
    schedule.add(50, () => ticks++, ignore);
    for (let passedMs = 0; passedMs < 200; passedMs++) {
      schedule.add(50, ignore, ignore);
      clock.advance(1);
    }
    expect(ticks).toBeGreaterThanOrEqual(3);
  });

  it('fault 35: after a stall makes up for a few ticks and gives the rest up, saying how many', () => {
    const { clock, port, block } = blockable();
    const schedule = new TickSchedule(port, OPTIONS, ignore);
    let ticks = 0;
    let skipped = 0;
    schedule.add(
      50,
      () => ticks++,
      (count) => (skipped += count),
    );
    clock.advance(500);
    const before = ticks;
    block(2_000);
    clock.advance(100);
    const caughtUp = ticks - before;
    expect(caughtUp).toBeGreaterThan(OPTIONS.maxCatchUpTicks);
    expect(caughtUp).toBeLessThanOrEqual(OPTIONS.maxCatchUpTicks + 4);
    expect(caughtUp + skipped).toBeGreaterThanOrEqual(40);
    const then = ticks;
    clock.advance(1_000);
    expect(ticks - then).toBe(20);
  });

  it('fault 35: does not notice when the date is stepped by an hour', () => {
    const clock = new FakeClock();
    const schedule = new TickSchedule(clock, OPTIONS, ignore);
    let ticks = 0;
    schedule.add(
      50,
      () => ticks++,
      () => undefined,
    );
    clock.advance(500);
    clock.stepUnix(3_600_000);
    clock.advance(500);
    clock.stepUnix(-7_200_000);
    clock.advance(1_000);
    expect(ticks).toBeGreaterThanOrEqual(39);
    expect(ticks).toBeLessThanOrEqual(42);
  });

  it('a slow game does not keep others from their turn for longer than the budget', () => {
    const { clock, port, block } = blockable();
    const schedule = new TickSchedule(port, OPTIONS, ignore);
    const order: string[] = [];
    const slow = () => {
      order.push('slow');
      block(30);
    };
    schedule.add(50, slow, () => undefined);
    schedule.add(
      50,
      () => order.push('quick'),
      () => undefined,
    );
    clock.advance(1_000);
    expect(order.filter((name) => name === 'quick').length).toBeGreaterThan(10);
  });

  it('forgets games that were taken out, also from within their own tick', () => {
    const clock = new FakeClock();
    const schedule = new TickSchedule(clock, OPTIONS, ignore);
    let ticks = 0;
    const remove = schedule.add(
      50,
      () => (++ticks === 3 ? remove() : undefined),
      () => undefined,
    );
    clock.advance(1_000);
    expect(ticks).toBe(3);
    expect(clock.pending).toBe(0);
  });

  it('goes on with all games when one throws', () => {
    const clock = new FakeClock();
    const errors: unknown[] = [];
    const schedule = new TickSchedule(clock, OPTIONS, (error) => errors.push(error));
    let ticks = 0;
    const fail = () => {
      throw new Error('a tick threw');
    };
    schedule.add(50, fail, ignore);
    schedule.add(50, () => ticks++, ignore);
    clock.advance(1_000);
    expect(ticks).toBeGreaterThanOrEqual(19);
    expect(errors.length).toBeGreaterThanOrEqual(19);
  });

  it('stops', () => {
    const clock = new FakeClock();
    const schedule = new TickSchedule(clock, OPTIONS, ignore);
    let ticks = 0;
    schedule.add(
      50,
      () => ticks++,
      () => undefined,
    );
    schedule.stop();
    clock.advance(1_000);
    expect([ticks, clock.pending]).toEqual([0, 0]);
  });
});
