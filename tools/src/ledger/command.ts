import { parseArgs } from 'node:util';
import { type Command, CommandError, messageOf } from '../command.ts';
import { natsUrlFrom } from '../nats-url.ts';
import { checkLedger } from './check-installation.ts';
import { describeLedgerReport } from './report.ts';

const HELP = `Usage: breakwater ledger check [DIR…] [options]

Reads every user's ledger of XP and the logs of all games, and decides whether each award was counted exactly once.
docs/checker.md has the rules. It reads only, and may run while games go on. A DIR has copies of the logs, as
"breakwater bots --record DIR --nats URL" makes them: for awards whose records are purged by now.

  --nats URL        nats://[user:password@]host:port, several with commas (BREAKWATER_NATS_URL, or that of the
                    running "npm start", or nats://127.0.0.1:4222); the user "operator" may do all of this.
                    BREAKWATER_NATS_USER and BREAKWATER_NATS_PASSWORD when the URL has none
  --partitions N    partitions of the installation (default: what it says itself)
  --games DIR       folder of the game types (games)
  --json            print the report as one JSON object

Exit code: 0 every rule holds, 1 a rule is broken, 2 it could not be decided.`;

const OPTIONS = {
  nats: { type: 'string' },
  partitions: { type: 'string' },
  games: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const UNDECIDED = 2;

async function run(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      strict: true,
      allowPositionals: true,
    });
    const [verb, ...archives] = positionals;
    if (verb !== 'check') throw new CommandError('Say what to do: "breakwater ledger check".');
    const report = await checkLedger({
      nats: await natsUrlFrom(values.nats, process.env),
      partitions: partitionsOf(values.partitions),
      games: values.games,
      archives,
    });
    console.log(values.json ? JSON.stringify(report) : describeLedgerReport(report));
    return report.ok ? 0 : 1;
  } catch (error) {
    console.error(error instanceof CommandError ? error.message : `cannot check: ${messageOf(error)}`);
    return UNDECIDED;
  }
}

function partitionsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new CommandError(`--partitions is "${text}" and must be a whole number.`);
}

export const ledgerCommand: Command = { help: HELP, run };
