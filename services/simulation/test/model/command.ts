/** What can happen to a game: one list of these drives the model and the real thing. */

import type { Direction } from '@breakwater/testkit';
import fc from 'fast-check';

export const PROCESSES = 3;
export const USERS: readonly string[] = ['user-0', 'user-1', 'user-2'];
export const userOf = (user: number): string => USERS[user] ?? 'nobody';

/** Commands of the game `lab`. */
export const PLAYS = ['add', 'hit', 'earn', 'draw', 'refuse', 'explode', 'breakStep', 'finish'] as const;
export type Play = (typeof PLAYS)[number];

/** How the newest snapshot is damaged. */
export const DAMAGES = ['bit', 'cut', 'future', 'gone'] as const;
export type Damage = (typeof DAMAGES)[number];

/** Who is cut off: a process, or the edge with all the players. */
export type Who = number | 'edge';

export type Command =
  | { readonly kind: 'wait'; readonly ms: number }
  /** All who play send a command now and then. */
  | { readonly kind: 'bustle'; readonly ms: number }
  /** A matchmaker hands the game out at the epoch it heard of plus one; `late` is how much too low or high that is. */
  | { readonly kind: 'host'; readonly process: number; readonly late: number }
  /** The same epoch is given to every process at once. */
  | { readonly kind: 'race' }
  | { readonly kind: 'move'; readonly from: number; readonly to: number }
  | { readonly kind: 'warm'; readonly process: number }
  | { readonly kind: 'release'; readonly process: number; readonly late: number }
  /** The process is started again after a while. */
  | { readonly kind: 'crash'; readonly process: number }
  | { readonly kind: 'pause'; readonly process: number; readonly ms: number }
  /** Nothing passes in this direction for so long; then it arrives, late. */
  | { readonly kind: 'hold'; readonly who: Who; readonly direction: Direction; readonly ms: number }
  | { readonly kind: 'cut'; readonly who: Who }
  | { readonly kind: 'pauseServer' | 'restartServer'; readonly ms: number }
  | { readonly kind: 'changeLeader'; readonly isKept: boolean }
  | { readonly kind: 'loseFeed' | 'fillStream'; readonly count: number }
  | { readonly kind: 'damage'; readonly how: Damage }
  /** The process is stopped at once and comes back with the next version of the game; only the model has two. */
  | { readonly kind: 'upgrade'; readonly process: number }
  /** The process tidies up behind games that are over; only in the model is that ever due. */
  | { readonly kind: 'sweep'; readonly process: number }
  /** `oldJoin`: a late copy of an earlier join arrives. */
  | { readonly kind: 'join' | 'oldJoin' | 'leave' | 'drop' | 'resend'; readonly user: number }
  | { readonly kind: 'play'; readonly user: number; readonly name: Play; readonly isReversed: boolean };

export type CommandKind = Command['kind'];

/** Commands of these kinds are left out of a run unless its subset of faults names them. */
export const FAULTS = [
  'race',
  'move',
  'warm',
  'release',
  'crash',
  'pause',
  'hold',
  'cut',
  'pauseServer',
  'restartServer',
  'changeLeader',
  'loseFeed',
  'fillStream',
  'damage',
  'upgrade',
  'sweep',
  'oldJoin',
  'drop',
] as const satisfies readonly CommandKind[];
export type Fault = (typeof FAULTS)[number];

export interface Plan {
  readonly seed: number;
  readonly isReplicated: boolean;
  readonly faults: readonly Fault[];
  readonly commands: readonly Command[];
}

/** What of the plan happens: commands without faults, and those whose fault is in this run's subset. */
export function commandsOf({ commands, faults }: Plan): Command[] {
  return commands.filter(({ kind }) => !isFault(kind) || faults.includes(kind));
}

const isFault = (kind: CommandKind): kind is Fault => FAULTS.some((fault) => fault === kind);

/** The plan as a list that can be read, one command a line. */
export function describePlan(plan: Plan): string {
  const lines = commandsOf(plan).map(({ kind, ...more }) => `  ${kind} ${JSON.stringify(more)}`);
  return [`${plan.isReplicated ? 'replicated' : 'single'} stream, seed ${plan.seed}`, ...lines].join('\n');
}

const process = fc.nat({ max: PROCESSES - 1 });
const user = fc.nat({ max: USERS.length - 1 });
const who: fc.Arbitrary<Who> = fc.oneof(process, fc.constant('edge' as const));
const direction = fc.constantFrom<Direction>('up', 'down');
const play = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Play>('add') },
  { weight: 4, arbitrary: fc.constantFrom<Play>('hit', 'earn', 'draw', 'refuse', 'explode') },
  { weight: 1, arbitrary: fc.constant<Play>('breakStep') },
);

const kind = <K extends CommandKind>(name: K) => fc.constant(name);
const either = <K extends CommandKind>(...names: K[]) => fc.constantFrom(...names);

const ms = fc.oneof(fc.integer({ min: 20, max: 300 }), fc.integer({ min: 300, max: 1_500 }));
const count = fc.integer({ min: 1, max: 6 });
/** Mostly right. */
const late = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -2, max: 1 }));

/** Weights by how often a thing has to happen for the rest to be interesting. */
const COMMANDS: readonly fc.WeightedArbitrary<Command>[] = [
  { weight: 9, arbitrary: fc.record({ kind: kind('play'), user, name: play, isReversed: fc.boolean() }) },
  { weight: 9, arbitrary: fc.record({ kind: kind('bustle'), ms: fc.integer({ min: 25, max: 300 }) }) },
  { weight: 5, arbitrary: fc.record({ kind: kind('wait'), ms: fc.integer({ min: 5, max: 120 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('wait'), ms: fc.integer({ min: 200, max: 1_500 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('join'), user }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('resend'), user }) },
  { weight: 1, arbitrary: fc.record({ kind: either('leave', 'drop', 'oldJoin'), user }) },
  { weight: 5, arbitrary: fc.record({ kind: kind('host'), process, late }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('race') }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('move'), from: process, to: process }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('warm'), process }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('release'), process, late }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('crash'), process }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('pause'), process, ms }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('hold'), who, direction, ms }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('cut'), who }) },
  { weight: 3, arbitrary: fc.record({ kind: either('pauseServer', 'restartServer'), ms }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('changeLeader'), isKept: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: either('loseFeed', 'fillStream'), count }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('upgrade'), process }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('sweep'), process }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('damage'), how: fc.constantFrom(...DAMAGES) }) },
];

/** What breaks the step arrives right before the owner gives the game up. */
const brokenAndGivenUp: fc.Arbitrary<readonly Command[]> = fc.tuple(
  fc.record({
    kind: kind('play'),
    user,
    name: fc.constant<Play>('breakStep'),
    isReversed: fc.constant(false),
  }),
  fc.record({ kind: kind('release'), process, late }),
);
const ENTRIES: readonly fc.WeightedArbitrary<readonly Command[]>[] = [
  ...COMMANDS.map(({ weight, arbitrary }) => ({ weight, arbitrary: arbitrary.map((command) => [command]) })),
  { weight: 2, arbitrary: brokenAndGivenUp },
];

/** Plans of up to `maxCommands` commands or pairs of them, some of which end the game for good on their way. */
export function plans(maxCommands: number): fc.Arbitrary<Plan> {
  const finish = fc.record({
    kind: kind('play'),
    user,
    name: fc.constant<Play>('finish'),
    isReversed: fc.constant(false),
  });
  const endless = fc.array(fc.oneof(...ENTRIES), { minLength: 1, maxLength: maxCommands, size: 'max' });
  const ending = fc.array(
    fc.oneof(...ENTRIES, { weight: 1, arbitrary: finish.map((command) => [command]) }),
    {
      minLength: 8,
      maxLength: maxCommands,
      size: 'max',
    },
  );
  return fc
    .record({
      seed: fc.integer(),
      isReplicated: fc.boolean(),
      faults: fc.subarray([...FAULTS]),
      commands: fc.oneof({ weight: 5, arbitrary: endless }, { weight: 1, arbitrary: ending }),
    })
    .map(({ commands, ...plan }) => ({ ...plan, commands: commands.flat() }))
    .map((plan) => ({ ...plan, [fc.toStringMethod]: () => describePlan(plan) }));
}
