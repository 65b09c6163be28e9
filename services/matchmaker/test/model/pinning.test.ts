import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FATES, type Fate, PinningWorld } from './pinning-world.ts';

/** `npm run test:long` */
const RUNS = process.env.BREAKWATER_TEST_LONG === undefined ? 300 : 6_000;

type Command =
  | { readonly kind: 'ensure' | 'hear' | 'crash'; readonly matchmaker: number }
  | { readonly kind: 'killOwner' }
  | { readonly kind: 'fate'; readonly fate: Fate }
  | { readonly kind: 'wait'; readonly ms: number };

const matchmaker = fc.nat({ max: 1 });
const commands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('ensure' as const, 'hear' as const), matchmaker }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), matchmaker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('killOwner' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('fate' as const), fate: fc.constantFrom(...FATES) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 500 }) }),
  },
);

function perform(world: PinningWorld, command: Command): void {
  if (command.kind === 'ensure') void world.ensureHosted(command.matchmaker);
  else if (command.kind === 'hear') world.hear(command.matchmaker);
  else if (command.kind === 'crash') world.crash(command.matchmaker);
  else if (command.kind === 'killOwner') world.killOwner();
  else if (command.kind === 'fate') world.fates.push(command.fate);
}

/** Nothing is lost any more: one matchmaker hears everybody, and the game must find its process. */
async function settle(world: PinningWorld): Promise<void> {
  world.fates.length = 0;
  await world.pass(3_000);
  for (let attempt = 0; attempt < 3; attempt++) {
    world.hear(0);
    const hosted = world.ensureHosted(0);
    await world.pass(3_000);
    if ((await hosted)?.pod === world.owner && world.owner !== undefined) return;
  }
  throw new Error('the game is not hosted');
}

it('two matchmakers never run ahead of the log, and always find the game a process', {
  timeout: 120_000,
}, async () => {
  const property = fc.asyncProperty(fc.array(commands, { maxLength: 30, size: 'max' }), async (list) => {
    const world = new PinningWorld();
    world.hear(0);
    for (const command of list) {
      perform(world, command);
      await world.pass(command.kind === 'wait' ? command.ms : 1);
    }
    await settle(world);
    expect(world.violations).toEqual([]);
    expect(world.registered).toMatchObject({ epoch: world.claim, pod: world.owner, state: 'running' });
  });
  await fc.assert(property, { numRuns: RUNS });
});

it('is safe when, L1a: requests get lost, and no hand-out may use an epoch up', async () => {
  const world = new PinningWorld(1);
  world.hear(0);
  world.fates.push('lost', 'lost', 'lost');
  void world.ensureHosted(0);
  await world.pass(2_000);
  expect(world.handedOut).toEqual([1, 1, 1]);
  expect(world.registered.epoch).toBe(0);
  void world.ensureHosted(0);
  await world.pass(2_000);
  expect([world.registered.epoch, world.claim]).toEqual([1, 1]);
});

it('is safe when, L1a2: a refusal that names no epoch comes after a claim, and the registry forgets nothing', async () => {
  const world = new PinningWorld(1);
  world.hear(0);
  void world.ensureHosted(0);
  await world.pass(1_000);
  world.killOwner();
  world.hear(0);
  world.fates.push('no_capacity', 'no_capacity');
  void world.ensureHosted(0);
  await world.pass(2_000);
  expect(world.handedOut).toEqual([1, 2, 2, 2]);
  expect([world.registered.epoch, world.claim]).toEqual([2, 2]);
});
