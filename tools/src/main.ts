import { type Command, CommandError, messageOf } from './command.ts';

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Every subcommand, in the order in which the help lists them. */
const COMMANDS: Readonly<Record<string, Entry>> = {
  start: {
    summary: 'run the whole of Breakwater on this machine',
    load: async () => (await import('./start/command.ts')).startCommand,
  },
  test: {
    summary: 'types, lint and every test, with a summary',
    load: async () => (await import('./verify/command.ts')).testCommand,
  },
  lint: {
    summary: 'types, lint, format and generated docs',
    load: async () => (await import('./verify/lint-command.ts')).lintCommand,
  },
  bench: {
    summary: 'measure what is claimed about speed, against peers',
    load: async () => (await import('./bench/command.ts')).benchCommand,
  },
  gen: {
    summary: 'write the generated parts of the docs',
    load: async () => (await import('./gen/command.ts')).genCommand,
  },
  bots: {
    summary: 'players that play and talk through the SDK',
    load: async () => (await import('./bots/command.ts')).botsCommand,
  },
  games: {
    summary: 'list, move, inspect and replay the games of an installation',
    load: async () => (await import('./games/command.ts')).gamesCommand,
  },
  ledger: {
    summary: 'hold the ledgers of XP against the logs of the games',
    load: async () => (await import('./ledger/command.ts')).ledgerCommand,
  },
  chaos: {
    summary: 'kill, pause, drain and cut a stack of its own under load, then check what was seen',
    load: async () => (await import('./chaos/command.ts')).chaosCommand,
  },
  check: {
    summary: 'hold client logs against the streams: acked is kept, shown is stored',
    load: async () => (await import('./check-logs/command.ts')).checkLogsCommand,
  },
};

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: breakwater <command> [options]\n\n${lines.join('\n')}\n\n"breakwater <command> --help" says more.`;
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(help());
    return name === undefined ? 1 : 0;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) throw new CommandError(`There is no command "${name}".\n\n${help()}`);
  const command = await entry.load();
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(command.help);
    return 0;
  }
  return command.run(rest);
}

// The launcher that started us holds the other end; without it nobody could stop us.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isExpected = error instanceof CommandError;
  console.error(isExpected ? error.message : error instanceof Error ? error.stack : messageOf(error));
  process.exitCode = 1;
}
// After minutes of cut sockets and killed children Node may wait for ever for a handle of its own: the command is over.
process.exit();
