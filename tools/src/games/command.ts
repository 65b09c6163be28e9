import { parseArgs } from 'node:util';
import { type Command, CommandError, messageOf } from '../command.ts';
import { natsUrlFrom } from '../nats-url.ts';
import { listenForStop } from '../start/signals.ts';
import { type Definitions, loadDefinitions } from './definitions.ts';
import { describeInspection } from './describe-inspection.ts';
import { inspectGame } from './inspect.ts';
import { describeList, listGames } from './list.ts';
import { Operator } from './operator.ts';
import { recordGame } from './recording.ts';
import { describeReplay, replayLog } from './replay-log.ts';
import { whyNotReplayed } from './volatile.ts';
import { WatchServer } from './watch-server.ts';

const HELP = `Usage: breakwater games list [--all]           which games there are, and where
       breakwater games move GAME [--to POD]   move a game to another process, players connected
       breakwater games inspect GAME           its claims, snapshots and newest records
       breakwater games replay GAME            replay its log and compare every hash
       breakwater games watch GAME             play it in the browser from its log, forward and back

  --nats URL    nats://[user:password@]host:port, several with commas (BREAKWATER_NATS_URL, or that of the
                running "npm start", or nats://127.0.0.1:4222); the user "operator" may do all of this.
                BREAKWATER_NATS_USER and BREAKWATER_NATS_PASSWORD when the URL has none
  --to POD      move: the process that shall have it (the best other one)
  --all         list: ended and failed games too
  --records N   inspect: how many of the newest records (20)
  --port N      watch: where the page is served, on 127.0.0.1 (a free one)
  --games DIR   folder of the game types (games)
  --json        print one JSON object

Exit code: 0; 1 refused, not there, (move) on another process than POD, or (replay) a record that does not fit; 2 replay could not be decided.`;

const OPTIONS = {
  nats: { type: 'string' },
  to: { type: 'string' },
  all: { type: 'boolean', default: false },
  records: { type: 'string', default: '20' },
  port: { type: 'string', default: '0' },
  games: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const MAX_RECORDS = 10_000;
const UNDECIDED = 2;

interface Request {
  readonly operator: Operator;
  readonly game: string;
  readonly values: ReturnType<typeof parse>['values'];
}

/** What is printed, for people and for programs, and the exit code. */
interface Answer {
  readonly text: string;
  readonly json: object;
  readonly code?: number;
}

async function list({ operator, values }: Request): Promise<Answer> {
  const games = await listGames(operator, values.all);
  return { text: describeList(games), json: games };
}

async function move({ operator, game, values }: Request): Promise<Answer> {
  const { to } = values;
  const moved = await operator.move(game, to);
  const text = `${moved.game} is on ${moved.pod} now, at epoch ${moved.epoch}.`;
  if (to === undefined || moved.pod === to) return { text, json: moved };
  return { text: `${to} did not take the game over: ${text}`, json: moved, code: 1 };
}

async function inspect({ operator, game, values }: Request): Promise<Answer> {
  const count = wholeNumber('--records', values.records, 1, MAX_RECORDS);
  const entry = await operator.game(game);
  const inspection = await inspectGame(game, entry, operator.records, await types(values.games), count);
  if (entry === undefined && inspection.log.records === 0)
    throw new CommandError(`There is no game ${game}.`);
  return { text: describeInspection(inspection), json: inspection };
}

async function replay({ operator, game, values }: Request): Promise<Answer> {
  await operator.game(game);
  const why = await whyNotReplayed(game, operator.records);
  if (why !== undefined) return { text: why, json: { game, ok: false, problems: [why] }, code: UNDECIDED };
  const report = await replayLog(game, operator.records, await types(values.games));
  const code = report.ok ? 0 : report.runs.length === 0 ? UNDECIDED : 1;
  return { text: describeReplay(report), json: report, code };
}

async function watch({ operator, game, values }: Request): Promise<Answer> {
  const port = wholeNumber('--port', values.port, 0, 65_535);
  await operator.game(game);
  const why = await whyNotReplayed(game, operator.records);
  if (why !== undefined) throw new CommandError(why);
  const recording = await recordGame(game, operator.records, await types(values.games));
  await using server = await WatchServer.start(recording, port);
  console.log(`${recording.frames.length} records to watch at ${server.url} (Ctrl-C ends)`);
  await new Promise<void>((resolve) => listenForStop(() => resolve()));
  return { text: 'ended', json: { ended: true } };
}

const VERBS: ReadonlyMap<string, { readonly hasGame: boolean; run(request: Request): Promise<Answer> }> =
  new Map([
    ['list', { hasGame: false, run: list }],
    ['move', { hasGame: true, run: move }],
    ['inspect', { hasGame: true, run: inspect }],
    ['replay', { hasGame: true, run: replay }],
    ['watch', { hasGame: true, run: watch }],
  ]);

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  const [name = '', game = '', ...rest] = positionals;
  const verb = VERBS.get(name);
  if (verb === undefined)
    throw new CommandError(
      `Say what to do: ${[...VERBS.keys()].join(', ')}. "breakwater games --help" says more.`,
    );
  if (verb.hasGame && game === '') throw new CommandError(`Which game? "breakwater games list" lists them.`);
  if (rest.length > 0 || (!verb.hasGame && game !== ''))
    throw new CommandError('There is an argument too many.');
  await using operator = await Operator.open(await natsUrlFrom(values.nats, process.env));
  const answer = await verb.run({ operator, game, values });
  console.log(values.json ? JSON.stringify(answer.json) : answer.text);
  return answer.code ?? 0;
}

async function types(folder: string | undefined): Promise<Definitions> {
  try {
    return await loadDefinitions(folder);
  } catch (error) {
    throw new CommandError(`The game types cannot be loaded: ${messageOf(error)}.`);
  }
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new CommandError(`${name} is "${text}" and must be a whole number from ${min} to ${max}.`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });
  } catch (error) {
    throw new CommandError(`${messageOf(error)}. "breakwater games --help" lists the options.`);
  }
}

export const gamesCommand: Command = { help: HELP, run };
