import { expect, it } from 'vitest';
import { VolatileWorld } from './volatile-world.ts';

const TICKS = 40;

it.each([
  { tickHz: 1, volatileLossMs: 1_000 },
  { tickHz: 2, volatileLossMs: 1_000 },
  { tickHz: 20, volatileLossMs: 50 },
  { tickHz: 20, volatileLossMs: 100 },
  { tickHz: 50, volatileLossMs: 1_000 },
])('at $tickHz ticks a second it makes every one of them with $volatileLossMs ms to lose', async (each) => {
  const { tickHz, volatileLossMs } = each;
  const world = new VolatileWorld({ tickHz, sleepAfterMs: 600_000 });
  const owner = await world.own(1, { volatileLossMs });
  let made = 0;
  for (let tick = 0; tick < TICKS; tick++) {
    if (owner.tick(world.clock.monotonicMs())) made += 1;
    await world.clock.advanceAsync(1_000 / tickHz);
  }
  expect(made).toBe(TICKS);
  expect(owner.state).toBe('running');
  owner.stop('shutdown');
});
