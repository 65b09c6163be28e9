import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../memory-world.ts';
import { commandsOf, describePlan, type Plan, plans } from './command.ts';
import { faultsOf } from './evidence.ts';
import { RealStage } from './real-stage.ts';
import { RealWorld } from './real-world.ts';
import { runInModel } from './run-plan.ts';

/** `npm run test:long` */
const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const RUNS = IS_LONG ? 50 : 2;
const MAX_COMMANDS = IS_LONG ? 60 : 30;

/** The model is only worth something if the real thing, under the same commands, keeps the same promises. */
describe('the same commands, in the model and on a real server', {
  timeout: IS_LONG ? 3_600_000 : 300_000,
}, () => {
  let stage: RealStage;
  beforeAll(async () => {
    stage = await RealStage.start();
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  async function runForReal(plan: Plan): Promise<string[]> {
    const world = await RealWorld.begin(stage, random(plan.seed));
    for (const command of commandsOf(plan)) await world.perform(command);
    await world.settle();
    const evidence = world.evidence();
    expect(evidence.records.length).toBeGreaterThan(2);
    return [...world.violations, ...faultsOf(evidence)];
  }

  it('keep every promise', async () => {
    const property = fc.asyncProperty(plans(MAX_COMMANDS), async (plan) => {
      expect(await runInModel(plan), `in the model: ${describePlan(plan)}`).toEqual([]);
      expect(await runForReal(plan), `on a real server: ${describePlan(plan)}`).toEqual([]);
    });
    // A real run is no function of its seed, so there is nothing to shrink.
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
  });
});
