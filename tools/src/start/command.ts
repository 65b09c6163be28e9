import { resolve } from 'node:path';
import { dataDir, describeExit, type SupervisorEvent } from '@breakwater/testkit';
import { type Command, CommandError, messageOf } from '../command.ts';
import { parseStartOptions, START_HELP } from './options.ts';
import { createOutput, type Output } from './output.ts';
import { prepareStack } from './prepare.ts';
import { listenForStop } from './signals.ts';
import { LocalStackRun } from './stack-run.ts';

/** All of a stop: asking, waiting, killing. */
const STOP_DEADLINE_MS = 5_000;
const IMPATIENT_STOP_DEADLINE_MS = 200;

async function run(args: readonly string[]): Promise<number> {
  const options = parseStartOptions(args, process.env);
  const output = createOutput(process.stdout, process.env);
  const prepared = await prepareStack(
    { ...options, data: resolve(options.data ?? dataDir) },
    process.env,
    output,
  );
  try {
    return await runStack(new LocalStackRun(prepared, output, (event) => report(output, event)), output);
  } finally {
    prepared.data.lock.release();
  }
}

async function runStack(stack: LocalStackRun, output: Output): Promise<number> {
  const stopped = stopOnWish(stack, output);
  try {
    await stack.start();
    output.running(stack.running());
  } catch (error) {
    // A start that was interrupted by Ctrl-C is no failure.
    if (!stack.isStopping) {
      await stack.stop(STOP_DEADLINE_MS);
      // The first line is the sentence; the log that follows it was shown as it came.
      throw new CommandError(messageOf(error).split('\n')[0] ?? '');
    }
  }
  await stopped;
  output.say('info', 'everything has ended');
  return 0;
}

/** Resolves when the stack was stopped because somebody wished so. */
function stopOnWish(stack: LocalStackRun, output: Output): Promise<void> {
  return new Promise((settle) => {
    listenForStop((isImpatient) => {
      output.say('info', isImpatient ? 'stopping at once' : 'stopping');
      void stack.stop(isImpatient ? IMPATIENT_STOP_DEADLINE_MS : STOP_DEADLINE_MS).then(settle);
    });
  });
}

function report(output: Output, event: SupervisorEvent): void {
  const { unit } = event;
  if (event.kind === 'exited') {
    output.say(
      'warn',
      `${unit.name} ended (${describeExit(event.status)}); it is restarted in ${event.retryMs} ms`,
    );
  } else if (event.kind === 'failed') {
    output.say('warn', `${unit.name} did not come back; next try in ${event.retryMs} ms`);
  } else if (event.restarts > 0) {
    output.say('info', `${unit.name} is back (process ${unit.pid})`);
  }
}

export const startCommand: Command = { help: START_HELP, run };
