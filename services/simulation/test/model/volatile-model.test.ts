import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describePlan, plans } from './command.ts';
import { runVolatile } from './run-volatile.ts';
import { VOLATILE_BUGS } from './volatile-bugs.ts';

/** `npm run test:long` */
const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const RUNS = IS_LONG ? 10_000 : 150;
const MAX_COMMANDS = 60;
/** In which each seeded bug has to be found. */
const BUG_RUNS = 200;
/** The runs that look for seeded bugs are the same each time. */
const BUG_SEED = 7;

/** Where a failed run is to be repeated. */
function again(): { seed?: number; path?: string } {
  const { BREAKWATER_TEST_SEED: seed, BREAKWATER_TEST_PATH: path } = process.env;
  return seed === undefined ? {} : { seed: Number(seed), ...(path !== undefined && { path }) };
}

describe('a volatile game in the model', { timeout: IS_LONG ? 7_200_000 : 600_000 }, () => {
  it('loses no more than the promise, and goes on, under any list of commands and faults', async () => {
    const property = fc.asyncProperty(plans(MAX_COMMANDS), async (plan) => {
      expect(await runVolatile(plan), describePlan(plan)).toEqual([]);
    });
    await fc.assert(property, { numRuns: RUNS, ...again() });
  });
});

describe('the runs find that', { timeout: 600_000 }, () => {
  it.each(Object.entries(VOLATILE_BUGS))('%s', async (_name, seam) => {
    let found: readonly string[] = [];
    const property = fc.asyncProperty(plans(MAX_COMMANDS), async (plan) => {
      found = await runVolatile(plan, seam);
      return found.length === 0;
    });
    const { failed, numRuns } = await fc.check(property, {
      numRuns: BUG_RUNS,
      seed: BUG_SEED,
      endOnFailure: true,
    });
    if (IS_LONG) console.log(`after ${numRuns} runs: ${found[0]}`);
    expect(failed, `${numRuns} runs were all well`).toBe(true);
  });
});
