import { commandsOf, type Plan } from './command.ts';
import { faultsOf } from './evidence.ts';
import { ModelWorld } from './model-world.ts';
import type { Seam } from './seeded-bugs.ts';

/** Everything that was wrong in one run of a plan in the model. */
export async function runInModel(plan: Plan, seam: Seam = {}): Promise<string[]> {
  const world = new ModelWorld(plan, seam);
  await world.begin();
  for (const command of commandsOf(plan)) await world.perform(command);
  await world.settle();
  return [...world.violations, ...faultsOf(world.evidence())];
}
