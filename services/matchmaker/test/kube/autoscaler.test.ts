import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ScaledWorld } from './scaled-world.ts';

const arbitraryRule = fc.record({
  freeSlots: fc.integer({ min: 1, max: 30 }),
  minReplicas: fc.integer({ min: 1, max: 3 }),
  maxReplicas: fc.integer({ min: 3, max: 9 }),
  hysteresisSlots: fc.integer({ min: 0, max: 10 }),
  stableMs: fc.constantFrom(0, 500, 3_000),
  settleMs: fc.constantFrom(600, 2_000),
  movesGames: fc.boolean(),
});
const arbitrarySteps = fc.array(
  fc.record({
    created: fc.nat(8),
    ended: fc.nat(8),
    isNewLeader: fc.boolean(),
    crashes: fc.nat(19).map((n) => n === 0),
  }),
  { maxLength: 60 },
);

test('whatever load comes: limits hold, no process with games is scaled away, and the buffer is there in the end', () => {
  fc.assert(
    fc.property(arbitraryRule, arbitrarySteps, (rule, steps) => {
      const world = new ScaledWorld(rule, 10);
      for (const step of steps) {
        if (step.isNewLeader) world.changeLeader();
        if (step.crashes) world.crashOne();
        world.load(step.created, step.ended);
        world.pass();
        expect(world.replicas).toBeGreaterThanOrEqual(rule.minReplicas);
        expect(world.replicas).toBeLessThanOrEqual(rule.maxReplicas);
      }
      for (let pass = 0; pass < 60; pass++) world.pass();
      expect(world.scaledAwayWithGames).toBe(0);
      expect(world.freeSlots >= rule.freeSlots || world.replicas === rule.maxReplicas).toBe(true);
      const settled = world.summary();
      for (let pass = 0; pass < 30; pass++) world.pass();
      expect(world.summary()).toEqual(settled);
    }),
    { numRuns: 150 },
  );
});

test('when all games have ended, only what the buffer needs is left', () => {
  fc.assert(
    fc.property(arbitraryRule, arbitrarySteps, (rule, steps) => {
      const world = new ScaledWorld(rule, 10);
      for (const { created, ended } of steps) {
        world.load(created, ended);
        world.pass();
      }
      world.endAll();
      for (let pass = 0; pass < 120; pass++) world.pass();
      const enough = Math.ceil((rule.freeSlots + rule.hysteresisSlots) / 10);
      expect(world.replicas).toBeLessThanOrEqual(
        Math.max(rule.minReplicas, Math.min(rule.maxReplicas, enough)),
      );
    }),
    { numRuns: 100 },
  );
});
