import { projectRoot } from '@breakwater/testkit';
import type { Command } from '../command.ts';
import { runProgram } from '../run-program.ts';

const HELP = `Usage: breakwater bench [NAME …] [--json]

Runs the benchmarks of bench/; without a name all of them, and writes docs/performance.md.

  fanout   CPU of a delivery in a room of 500, against a ws loop and Socket.IO
  idle     memory of an idle connection, with 5,000 of them
  tick     CPU of one tick of the World with 100 players and 500 objects
  volatile the same World committed and volatile: CPU, and the time to a subscriber
  commit   from append to feed, 500 games at 20 ticks a second
  replay   what a new owner reads of a log, at once and message by message
  failover what players see of killed, moved and drained games, 20 times each

  --json   the figures as one JSON object on the last line`;

export const benchCommand: Command = {
  help: HELP,
  run: (args) => runProgram('node', [`${projectRoot}/bench/src/main.ts`, ...args]),
};
