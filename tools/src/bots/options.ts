import { parseArgs } from 'node:util';
import { isId } from '@breakwater/protocol';
import { CommandError, messageOf } from '../command.ts';

export const BOTS_HELP = `Usage: breakwater bots [options]

Players that play the World, or talk, through the client SDK, until Ctrl-C. One line a second says how it goes.

  --url URL[,URL]     edges (http://127.0.0.1:8081)
  --players N         bots (20)
  --games N           make N games and share the bots among them (0: any game with a free seat)
  --game ID           join this game
  --no-play           join no game
  --chat ROOM         join this room and talk
  --rate N            messages a second of each bot there, on average (0.1)
  --secret TEXT       sign tokens with the edges' secret (BREAKWATER_EDGE_JWT_SECRET)
  --token-file FILE   take tokens from a file, one a line
                      (neither: guest tokens, which edges give in development mode)
  --record DIR        write a log of each client, for "breakwater check"
  --nats URL          with --record: copy the logs of the games as well, before they are purged
  --starts N          new bots a second (50)
  --every N           seconds between two lines (1)
  --seconds N         end after so long (0: at Ctrl-C)`;

const OPTIONS = {
  url: { type: 'string', default: 'http://127.0.0.1:8081' },
  players: { type: 'string', default: '20' },
  games: { type: 'string', default: '0' },
  game: { type: 'string' },
  'no-play': { type: 'boolean', default: false },
  chat: { type: 'string' },
  rate: { type: 'string', default: '0.1' },
  secret: { type: 'string' },
  'token-file': { type: 'string' },
  record: { type: 'string' },
  nats: { type: 'string' },
  starts: { type: 'string', default: '50' },
  every: { type: 'string', default: '1' },
  seconds: { type: 'string', default: '0' },
} as const;

export interface BotsOptions {
  readonly urls: readonly string[];
  readonly players: number;
  readonly games: number;
  readonly game: string | undefined;
  readonly isPlaying: boolean;
  readonly chatRoom: string | undefined;
  readonly ratePerSecond: number;
  readonly secret: string | undefined;
  readonly tokenFile: string | undefined;
  readonly record: string | undefined;
  readonly nats: string | undefined;
  readonly startsPerSecond: number;
  readonly everyMs: number;
  readonly lifeMs: number;
}

/** @throws CommandError for an option that is unknown or out of its range */
export function parseBotsOptions(args: readonly string[], env: NodeJS.ProcessEnv): BotsOptions {
  const given = parse(args);
  const tokenFile = given['token-file'];
  return {
    urls: urlsOf(given.url),
    players: number('--players', given.players, 1, 10_000),
    games: number('--games', given.games, 0, 1_000),
    game: idOf('--game', given.game),
    isPlaying: !given['no-play'],
    chatRoom: idOf('--chat', given.chat),
    ratePerSecond: number('--rate', given.rate, 0, 1_000, true),
    secret: given.secret ?? (tokenFile === undefined ? env.BREAKWATER_EDGE_JWT_SECRET : undefined),
    tokenFile,
    record: given.record,
    nats: given.record === undefined ? undefined : given.nats,
    startsPerSecond: number('--starts', given.starts, 0.1, 10_000, true),
    everyMs: number('--every', given.every, 0.1, 86_400, true) * 1_000,
    lifeMs: number('--seconds', given.seconds, 0, 86_400, true) * 1_000,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new CommandError(`${messageOf(error)}. "breakwater bots --help" lists the options.`);
  }
}

function urlsOf(text: string): string[] {
  const urls = text.split(',').map((url) => url.trim());
  for (const url of urls)
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      throw new CommandError(
        `--url is "${text}" and must be like http://127.0.0.1:8081, several with commas.`,
      );
  return urls;
}

function idOf(name: string, text: string | undefined): string | undefined {
  if (text === undefined || isId(text)) return text;
  throw new CommandError(`${name} must be 1 to 64 characters of A-Z a-z 0-9 _ -.`);
}

function number(name: string, text: string, min: number, max: number, isDecimal = false): number {
  const value = (isDecimal ? /^\d{1,9}(\.\d{1,9})?$/ : /^\d{1,9}$/).test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  const kind = isDecimal ? 'number' : 'whole number';
  throw new CommandError(`${name} is "${text}" and must be a ${kind} from ${min} to ${max}.`);
}
