import { type Command, CommandError } from '../command.ts';
import { staleDocs } from '../gen/docs.ts';
import { lintStep, runSteps, type Step, summarize, typesStep } from './steps.ts';

const HELP = `Usage: npm run check    (or: breakwater lint)

Types, lint, format, and whether the generated parts of the docs are up to date. Changes nothing.
("breakwater check" is another command: it reads client logs.)`;

const docsStep: Step = {
  name: 'generated docs',
  run: async () => {
    const stale = await staleDocs();
    for (const file of stale) console.log(`${file} is out of date: run "npm run gen"`);
    return stale.length === 0;
  },
};

async function run(args: readonly string[]): Promise<number> {
  if (args.length > 0)
    throw new CommandError(`"breakwater lint" takes no arguments, but got "${args.join(' ')}".`);
  const results = await runSteps([typesStep, lintStep, docsStep], console.log);
  console.log(summarize(results));
  return results.every(({ ok }) => ok) ? 0 : 1;
}

export const lintCommand: Command = { help: HELP, run };
