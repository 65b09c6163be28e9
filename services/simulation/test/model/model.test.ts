import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describePlan, plans } from './command.ts';
import type { Counts } from './counts.ts';
import { runInModel } from './run-plan.ts';
import { SEEDED_BUGS } from './seeded-bugs.ts';

/** `npm run test:long` */
const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const RUNS = IS_LONG ? 20_000 : 1_000;
const MAX_COMMANDS = 60;
/** In which each seeded bug has to be found. */
const BUG_RUNS = 300;
/** The runs that look for seeded bugs are the same each time. */
const BUG_SEED = 7;

/** Where a failed run is to be repeated. */
function again(): { seed?: number; path?: string } {
  const { BREAKWATER_TEST_SEED: seed, BREAKWATER_TEST_PATH: path } = process.env;
  return seed === undefined ? {} : { seed: Number(seed), ...(path !== undefined && { path }) };
}

describe('a game in the model', { timeout: IS_LONG ? 7_200_000 : 600_000 }, () => {
  it('keeps every promise under any list of commands and faults', async () => {
    const sum: Counts = { takeovers: 0, moves: 0, doubts: 0, snapshots: 0, purges: 0, awards: 0 };
    const add = (counts: Counts) => {
      for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += counts[key];
    };
    const property = fc.asyncProperty(plans(MAX_COMMANDS), async (plan) => {
      expect(await runInModel(plan, {}, add), describePlan(plan)).toEqual([]);
    });
    await fc.assert(property, { numRuns: RUNS, ...again() });
    if (IS_LONG) console.log(sum);
    // Runs in which nothing happens keep every promise; a single one that is repeated proves what it has to.
    if (again().seed === undefined)
      for (const [what, count] of Object.entries(sum)) expect(count, what).toBeGreaterThan(0);
  });
});

describe('the runs find that', { timeout: 600_000 }, () => {
  it.each(Object.entries(SEEDED_BUGS))('%s', async (_name, seam) => {
    let found: readonly string[] = [];
    const property = fc.asyncProperty(plans(MAX_COMMANDS), async (plan) => {
      found = await runInModel(plan, seam);
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
