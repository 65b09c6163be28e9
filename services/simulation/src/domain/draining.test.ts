import { FakeClock } from '@breakwater/testkit';
import { describe, expect, it } from 'vitest';
import { type DrainOptions, untilHandedOver } from './draining.ts';

const OPTIONS: DrainOptions = { handOverMs: 10_000, handOverAloneMs: 0, listenMs: 1_000 };

function drain(options: Partial<DrainOptions> = {}) {
  const clock = new FakeClock();
  const state = { isEmpty: false, heardAtMs: undefined as number | undefined, isCutOff: false };
  let end: string | undefined;
  const ports = {
    clock,
    isEmpty: () => state.isEmpty,
    otherHeardAtMs: () => state.heardAtMs,
    isCutOff: () => state.isCutOff,
  };
  void untilHandedOver(ports, { ...OPTIONS, ...options }).then((result) => {
    end = result;
  });
  return { clock, state, end: () => end };
}

describe('a drain', () => {
  it('is over as soon as nothing is hosted', async () => {
    const { clock, state, end } = drain();
    state.heardAtMs = clock.monotonicMs();
    await clock.advanceAsync(500);
    expect(end()).toBeUndefined();
    state.isEmpty = true;
    await clock.advanceAsync(50);
    expect(end()).toBe('empty');
  });

  it('waits for the matchmaker while another process lives, and not longer than it may', async () => {
    const { clock, state, end } = drain();
    for (let beat = 0; beat < 19; beat++) {
      state.heardAtMs = clock.monotonicMs();
      await clock.advanceAsync(500);
    }
    expect(end()).toBeUndefined();
    state.heardAtMs = clock.monotonicMs();
    await clock.advanceAsync(600);
    expect(end()).toBe('late');
  });

  it('ends soon when nobody is heard, or later if it is told to wait for somebody', async () => {
    const alone = drain();
    const patient = drain({ handOverAloneMs: 5_000 });
    for (const { clock } of [alone, patient]) await clock.advanceAsync(1_100);
    expect([alone.end(), patient.end()]).toEqual(['alone', undefined]);
    await patient.clock.advanceAsync(4_000);
    expect(patient.end()).toBe('alone');
  });

  it('ends when all of the time is used up', async () => {
    const { clock, state, end } = drain({ handOverAloneMs: 10_000 });
    state.isCutOff = true;
    await clock.advanceAsync(100);
    expect(end()).toBe('late');
  });
});
