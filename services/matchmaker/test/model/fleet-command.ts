/** What can happen to matchmakers and simulation processes. */

import type { Direction } from '@breakwater/testkit';
import fc from 'fast-check';
import type { Tuning } from './limits.ts';

export const SIMS = 3;
export const MATCHMAKERS = 2;

/** A simulation process, or a matchmaker. */
export type Who = `sim-${number}` | `mm-${number}`;

export type Command =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'create'; readonly key: number; readonly matchmaker: number }
  | { readonly kind: 'find' | 'quick'; readonly game: number; readonly matchmaker: number }
  | { readonly kind: 'move'; readonly game: number; readonly matchmaker: number; readonly to: number }
  | { readonly kind: 'seat' | 'end' | 'giveUp'; readonly game: number }
  | { readonly kind: 'crash' | 'leave'; readonly sim: number }
  /** Ticks are slow for so long. */
  | { readonly kind: 'slow' | 'slowLoads'; readonly sim: number; readonly ms: number }
  | { readonly kind: 'loseHeartbeats'; readonly sim: number; readonly count: number }
  | { readonly kind: 'killMatchmaker' | 'stopMatchmaker'; readonly matchmaker: number }
  | { readonly kind: 'pause'; readonly who: Who; readonly ms: number }
  /** Nothing passes in this direction for so long; then it arrives, late. */
  | { readonly kind: 'hold'; readonly who: Who; readonly direction: Direction; readonly ms: number }
  | { readonly kind: 'cut'; readonly who: Who }
  | { readonly kind: 'pauseServer' | 'restartServer'; readonly ms: number }
  /** The next writes of the registry, or of the leader's key, are stored or not, and nobody learns which. */
  | { readonly kind: 'doubt'; readonly bucket: 'games' | 'leader'; readonly isStored: boolean }
  /** A copy of an earlier request to a process arrives. */
  | { readonly kind: 'lateCopy'; readonly back: number };

export type CommandKind = Command['kind'];

/** Commands of these kinds are left out of a run unless its subset of faults names them. */
export const FAULTS = [
  'giveUp',
  'crash',
  'leave',
  'slow',
  'slowLoads',
  'loseHeartbeats',
  'killMatchmaker',
  'stopMatchmaker',
  'pause',
  'hold',
  'cut',
  'pauseServer',
  'restartServer',
  'doubt',
  'lateCopy',
] as const satisfies readonly CommandKind[];
export type Fault = (typeof FAULTS)[number];

export interface Plan {
  readonly seed: number;
  readonly games: number;
  readonly tuning: Tuning;
  readonly faults: readonly Fault[];
  readonly commands: readonly Command[];
}

const isFault = (kind: CommandKind): kind is Fault => FAULTS.some((fault) => fault === kind);

export function commandsOf({ commands, faults }: Plan): Command[] {
  return commands.filter(({ kind }) => !isFault(kind) || faults.includes(kind));
}

/** The plan as a list that can be read, one command a line. */
export function describePlan(plan: Plan): string {
  const { seed, games, tuning } = plan;
  const lines = commandsOf(plan).map(({ kind, ...more }) => `  ${kind} ${JSON.stringify(more)}`);
  return [`seed ${seed}, ${games} games, ${JSON.stringify(tuning)}`, ...lines].join('\n');
}

const sim = fc.nat({ max: SIMS - 1 });
const matchmaker = fc.nat({ max: MATCHMAKERS - 1 });
const game = fc.nat({ max: 9 });
const who: fc.Arbitrary<Who> = fc.oneof(
  sim.map((index): Who => `sim-${index}`),
  matchmaker.map((index): Who => `mm-${index}`),
);
const ms = fc.oneof(fc.integer({ min: 20, max: 600 }), fc.integer({ min: 600, max: 3_500 }));
const kind = <K extends CommandKind>(name: K) => fc.constant(name);
const either = <K extends CommandKind>(...names: K[]) => fc.constantFrom(...names);

/** Weights by how often a thing has to happen for the rest to be interesting. */
const COMMANDS: readonly fc.WeightedArbitrary<Command>[] = [
  { weight: 8, arbitrary: fc.record({ kind: kind('wait'), ms: fc.integer({ min: 5, max: 400 }) }) },
  { weight: 6, arbitrary: fc.record({ kind: kind('wait'), ms: fc.integer({ min: 400, max: 2_500 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('create'), key: fc.nat({ max: 3 }), matchmaker }) },
  { weight: 3, arbitrary: fc.record({ kind: either('find', 'find', 'quick'), game, matchmaker }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('move'), game, matchmaker, to: fc.nat({ max: SIMS }) }) },
  { weight: 3, arbitrary: fc.record({ kind: either('seat', 'seat', 'seat', 'end'), game }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('giveUp'), game }) },
  { weight: 4, arbitrary: fc.record({ kind: either('crash', 'leave'), sim }) },
  { weight: 2, arbitrary: fc.record({ kind: either('slow', 'slowLoads'), sim, ms }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('loseHeartbeats'), sim, count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: either('killMatchmaker', 'stopMatchmaker'), matchmaker }) },
  { weight: 6, arbitrary: fc.record({ kind: kind('pause'), who, ms }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: kind('hold'), who, direction: fc.constantFrom('up', 'down'), ms }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind('cut'), who }) },
  { weight: 2, arbitrary: fc.record({ kind: either('pauseServer', 'restartServer'), ms }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('doubt'),
      bucket: fc.constantFrom('games', 'leader'),
      isStored: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind('lateCopy'), back: fc.nat({ max: 5 }) }) },
];

/** Some runs are slow to pin games again, so that the cap can be seen; the others are not held up by it. */
const tuning: fc.Arbitrary<Tuning> = fc
  .record({
    policy: fc.constantFrom('packed', 'spread'),
    rebalance: fc.boolean(),
    isCapped: fc.integer({ min: 0, max: 2 }).map((dice) => dice === 0),
  })
  .map(({ isCapped, ...rest }) => ({
    ...rest,
    repinsPerSecond: isCapped ? 1 : 100,
    maxRepins: isCapped ? 1 : 16,
  }));

export function plans(maxCommands: number): fc.Arbitrary<Plan> {
  return fc
    .record({
      seed: fc.integer(),
      games: fc.integer({ min: 1, max: 6 }),
      tuning,
      faults: fc.subarray([...FAULTS]),
      commands: fc.array(fc.oneof(...COMMANDS), { minLength: 1, maxLength: maxCommands, size: 'max' }),
    })
    .map((plan) => ({ ...plan, [fc.toStringMethod]: () => describePlan(plan) }));
}
