import { parseArgs } from 'node:util';
import { CommandError, messageOf } from '../command.ts';

export interface StartOptions {
  /** Port of the page; the edges have the ones after it. */
  port: number;
  edges: number;
  simulations: number;
  /** Players that play by themselves. */
  bots: number;
  /** Folder for the store, the secret and the built page; undefined is the checkout's own. */
  data: string | undefined;
}

export const START_HELP = `Usage: npm start -- [options]    (or: breakwater start [options])

Runs nats-server, chat, matchmaker, simulation, edge and web on this machine, until Ctrl-C.
Needs Node 20 or newer and npm; a nats-server is found or fetched.

  --port N         port of the page; the edges have the ports after it (8080)
  --bots N         players that play by themselves (0)
  --edges N        edge processes (2)
  --simulations N  simulation processes (2)
  --data DIR       folder for messages, games and the development secret (.breakwater)

Settings are environment variables, BREAKWATER_*: see docs/config.md. Each service gets its own.
With BREAKWATER_NATS_URL no nats-server is started.`;

const OPTIONS = {
  port: { type: 'string' },
  bots: { type: 'string' },
  edges: { type: 'string' },
  simulations: { type: 'string' },
  data: { type: 'string' },
} as const;

/** @throws CommandError for an option that is unknown or out of its range */
export function parseStartOptions(args: readonly string[], env: NodeJS.ProcessEnv): StartOptions {
  const given = parse(args);
  return {
    port: wholeNumber('--port', given.port ?? env.BREAKWATER_WEB_PORT ?? '8080', 1, 65_000),
    bots: wholeNumber('--bots', given.bots ?? '0', 0, 10_000),
    edges: wholeNumber('--edges', given.edges ?? '2', 1, 32),
    simulations: wholeNumber('--simulations', given.simulations ?? '2', 1, 32),
    data: given.data,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new CommandError(`${messageOf(error)}. "npm start -- --help" lists the options.`);
  }
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new CommandError(`${name} is "${text}" and must be a whole number from ${min} to ${max}.`);
}
