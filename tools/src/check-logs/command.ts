import { parseArgs } from 'node:util';
import { type Command, CommandError, messageOf } from '../command.ts';
import { natsUrlFrom } from '../nats-url.ts';
import { type CheckLogsOptions, checkLogs } from './check-logs.ts';
import { ClientLogError } from './client-log.ts';
import { describeReport, type Report } from './report.ts';

const HELP = `Usage: breakwater check DIR… [options]

Reads client logs (as "breakwater bots --record DIR" writes them) and the streams, and decides whether what was
acknowledged was kept and what was shown was stored. docs/checker.md has the rules and the format of the logs.
Types, lint and format of this repository are another command: npm run check.

  --nats URL        the streams: nats://[user:password@]host:port, several with commas
                    (BREAKWATER_NATS_URL, or that of the running "npm start", or nats://127.0.0.1:4222);
                    BREAKWATER_NATS_USER and BREAKWATER_NATS_PASSWORD when the URL has none
  --partitions N    partitions of the installation (default: what it says itself)
  --games DIR       folder of the game types (games)
  --tail-ms N       what was stored so shortly before a client's end need not have reached it (3000)
  --max-gap-ms N    how long a connected player may see nothing new while a game changes its owner (30000)
  --warn-gap-ms N   a longer gap that breaks no rule is told with its client and place (5000)
  --volatile-loss-ms N
                    how much of what it showed a volatile game may undo (1000)
  --json            print the report as one JSON object

Exit code: 0 every rule holds, 1 a rule is broken, 2 it could not be decided.`;

const OPTIONS = {
  nats: { type: 'string' },
  partitions: { type: 'string' },
  games: { type: 'string' },
  'tail-ms': { type: 'string' },
  'max-gap-ms': { type: 'string' },
  'warn-gap-ms': { type: 'string' },
  'volatile-loss-ms': { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const UNDECIDED = 2;

/** A wrong option leaves it undecided as well: 1 must not mean anything but a broken rule. */
async function run(args: readonly string[]): Promise<number> {
  try {
    return await checkAndTell(args);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message);
    return UNDECIDED;
  }
}

async function checkAndTell(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  if (positionals.length === 0)
    throw new CommandError(
      'Give the folder of the client logs: "breakwater check DIR". Types and lint: "npm run check".',
    );
  const options: CheckLogsOptions = {
    paths: positionals,
    nats: await natsUrlFrom(values.nats, process.env),
    partitions: wholeNumber('--partitions', values.partitions),
    games: values.games,
    tailMs: wholeNumber('--tail-ms', values['tail-ms']),
    maxGapMs: wholeNumber('--max-gap-ms', values['max-gap-ms']),
    warnGapMs: wholeNumber('--warn-gap-ms', values['warn-gap-ms']),
    volatileLossMs: wholeNumber('--volatile-loss-ms', values['volatile-loss-ms']),
  };
  const report = await decide(options);
  if (report === undefined) return UNDECIDED;
  console.log(values.json ? JSON.stringify(report) : describeReport(report));
  return report.ok ? 0 : 1;
}

async function decide(options: CheckLogsOptions): Promise<Report | undefined> {
  try {
    return await checkLogs(options);
  } catch (error) {
    console.error(error instanceof ClientLogError ? error.message : `cannot check: ${messageOf(error)}`);
    return undefined;
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });
  } catch (error) {
    throw new CommandError(`${messageOf(error)}. "breakwater check --help" lists the options.`);
  }
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CommandError(`${name} is "${text}" and must be a whole number.`);
}

export const checkLogsCommand: Command = { help: HELP, run };
