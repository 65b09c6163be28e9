import { type Command, CommandError } from '../command.ts';
import { writeDocs } from './docs.ts';

const HELP = `Usage: npm run gen    (or: breakwater gen)

Writes what comes from the code: the settings in docs/config.md, the metrics in
docs/telemetry.md, and of the chart the users of NATS, the schema of the settings and the
dashboards. "npm run check" fails while they are out of date.`;

async function run(args: readonly string[]): Promise<number> {
  if (args.length > 0)
    throw new CommandError(`"breakwater gen" takes no arguments, but got "${args.join(' ')}".`);
  const written = await writeDocs();
  console.log(written.length === 0 ? 'Everything is up to date.' : `Wrote ${written.join(', ')}.`);
  return 0;
}

export const genCommand: Command = { help: HELP, run };
