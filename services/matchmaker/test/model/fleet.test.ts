import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describePlan, plans } from './fleet-command.ts';
import { FleetWorld } from './fleet-world.ts';
import { SEEDED_BUGS } from './seeded-bugs.ts';

/** `npm run test:long` */
const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const RUNS = IS_LONG ? 20_000 : 300;
const MAX_COMMANDS = 40;
const RUN_SEED = 31;
/** In which each seeded bug has to be found. */
const BUG_RUNS = 300;
/** The runs that look for seeded bugs are the same each time. */
const BUG_SEED = 7;

/** The short runs are the same each time, the long ones are not. A failed run is repeated where it says. */
function seeded(): { seed?: number; path?: string } {
  const { BREAKWATER_TEST_SEED: seed, BREAKWATER_TEST_PATH: path } = process.env;
  if (seed === undefined) return IS_LONG ? {} : { seed: RUN_SEED };
  return { seed: Number(seed), ...(path !== undefined && { path }) };
}

describe('matchmakers and simulation processes in the model', {
  timeout: IS_LONG ? 7_200_000 : 600_000,
}, () => {
  it('keep every promise under any list of commands and faults', async () => {
    const sum = { repins: 0, moves: 0, claims: 0, gone: 0, leaders: 0 };
    const property = fc.asyncProperty(plans(MAX_COMMANDS), async (plan) => {
      const world = new FleetWorld(plan);
      expect(await world.run(), describePlan(plan)).toEqual([]);
      for (const key of ['repins', 'moves', 'claims', 'gone', 'leaders'] as const)
        sum[key] += world.rules.counts[key];
    });
    await fc.assert(property, { numRuns: RUNS, ...seeded() });
    if (IS_LONG) console.log(sum);
    for (const [what, count] of Object.entries(sum)) expect(count, what).toBeGreaterThan(0);
  });
});

describe('the runs find that', { timeout: 600_000 }, () => {
  it.each(Object.entries(SEEDED_BUGS))('%s', async (_name, seam) => {
    let found: readonly string[] = [];
    const property = fc.asyncProperty(plans(MAX_COMMANDS), async (plan) => {
      found = await new FleetWorld(plan, seam).run();
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
