import { parseArgs } from 'node:util';
import { CommandError, messageOf } from '../command.ts';

export const CHAOS_HELP = `Usage: breakwater chaos [options]

Starts a Breakwater of its own on this machine, lets bots play and talk through fault proxies, kills, pauses, drains
and cuts as the seed says, waits until everything is well again, and holds what the clients saw against the streams.

  --minutes N      how long (1)
  --seed N         which faults, when and for how long (1)
  --bots N         players (200)
  --games N        games that they share (20)
  --chatters N     clients that talk (100)
  --rooms N        rooms that they share (20)
  --every S        seconds between two faults, on average (3)
  --simulations N  --edges N  --chats N  --matchmakers N    processes (3, 2, 2, 2)
  --out DIR        for timeline.txt and timeline.svg (.breakwater/chaos); what is there is replaced
  --keep           keep the clients' logs as well; of a run that failed they are kept anyway
  --json           print the result as one JSON object

Exit code: 0 every rule holds and everything recovered, 1 not so, 2 the run could not be made.`;

const OPTIONS = {
  minutes: { type: 'string', default: '1' },
  seed: { type: 'string', default: '1' },
  bots: { type: 'string', default: '200' },
  games: { type: 'string', default: '20' },
  chatters: { type: 'string', default: '100' },
  rooms: { type: 'string', default: '20' },
  every: { type: 'string', default: '3' },
  simulations: { type: 'string', default: '3' },
  edges: { type: 'string', default: '2' },
  chats: { type: 'string', default: '2' },
  matchmakers: { type: 'string', default: '2' },
  out: { type: 'string' },
  keep: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export interface ChaosOptions {
  readonly durationMs: number;
  readonly seed: number;
  readonly bots: number;
  readonly games: number;
  readonly chatters: number;
  readonly rooms: number;
  readonly everyMs: number;
  readonly size: {
    readonly simulations: number;
    readonly edges: number;
    readonly chats: number;
    readonly matchmakers: number;
  };
  readonly out: string | undefined;
  readonly isKept: boolean;
  readonly isJson: boolean;
}

/** @throws CommandError for an option that is unknown or out of its range */
export function parseChaosOptions(args: readonly string[]): ChaosOptions {
  const given = parse(args);
  return {
    durationMs: number('--minutes', given.minutes, 0.1, 1_440, true) * 60_000,
    seed: number('--seed', given.seed, 0, 999_999_999),
    bots: number('--bots', given.bots, 1, 10_000),
    games: number('--games', given.games, 1, 1_000),
    chatters: number('--chatters', given.chatters, 0, 10_000),
    rooms: number('--rooms', given.rooms, 1, 1_000),
    everyMs: number('--every', given.every, 1, 3_600, true) * 1_000,
    size: {
      simulations: number('--simulations', given.simulations, 2, 32),
      edges: number('--edges', given.edges, 1, 32),
      chats: number('--chats', given.chats, 1, 32),
      matchmakers: number('--matchmakers', given.matchmakers, 1, 32),
    },
    out: given.out,
    isKept: given.keep,
    isJson: given.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new CommandError(`${messageOf(error)}. "breakwater chaos --help" lists the options.`);
  }
}

function number(name: string, text: string, min: number, max: number, isDecimal = false): number {
  const value = (isDecimal ? /^\d{1,9}(\.\d{1,9})?$/ : /^\d{1,9}$/).test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new CommandError(
    `${name} is "${text}" and must be a ${isDecimal ? '' : 'whole '}number from ${min} to ${max}.`,
  );
}
