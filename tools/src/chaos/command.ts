import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { dataDir } from '@breakwater/testkit';
import { describeReport } from '../check-logs/report.ts';
import { type Command, messageOf } from '../command.ts';
import { describeLedgerReport } from '../ledger/report.ts';
import { CHAOS_HELP, type ChaosOptions, parseChaosOptions } from './options.ts';
import { describeOwnLoad } from './own-load.ts';
import { type ChaosResult, runChaos } from './run.ts';
import { describeTimeline } from './timeline.ts';
import { timelineSvg } from './timeline-svg.ts';

const NOT_MADE = 2;

async function run(args: readonly string[]): Promise<number> {
  const options = parseChaosOptions(args);
  const out = resolve(options.out ?? join(dataDir, 'chaos'));
  const logs = join(out, 'logs');
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const say = (line: string) => console.error(`${new Date().toISOString().slice(11, 23)} ${line}`);
  const result = await runChaos(options, logs, say).catch((error: unknown) => {
    console.error(`The run could not be made: ${messageOf(error)}`);
  });
  if (result === undefined) return NOT_MADE;
  const text = describeResult(options, result);
  writeFileSync(join(out, 'timeline.txt'), `${text}\n`);
  writeFileSync(join(out, 'timeline.svg'), timelineSvg(titleOf(options), result.timeline));
  if (result.ok && !options.isKept) rmSync(logs, { recursive: true, force: true });
  console.log(options.isJson ? JSON.stringify(result) : text);
  if (!options.isJson) console.log(`\n${out} has the timeline as text and as a picture.`);
  return result.ok ? 0 : 1;
}

function titleOf({ seed, durationMs, bots, games, chatters, rooms }: ChaosOptions): string {
  const minutes = Number((durationMs / 60_000).toFixed(1));
  return `seed ${seed}, ${minutes} min, ${bots} bots in ${games} games, ${chatters} chatters in ${rooms} rooms`;
}

/** The whole story for people. */
export function describeResult(options: ChaosOptions, result: ChaosResult): string {
  const { report, ledger, totalsAlike, timeline, ownLoad, problems, ok } = result;
  const totals = `totals of XP that an edge tells as the ledgers have them: ${totalsAlike} of ${options.bots}`;
  const ledgers = `ledgers\n${describeLedgerReport(ledger)}\n${totals}`;
  const parts = [
    titleOf(options),
    describeTimeline(timeline),
    describeReport(report),
    ledgers,
    describeOwnLoad(ownLoad),
  ];
  parts.push(...problems.map((problem) => `✗ ${problem}`));
  parts.push(ok ? '✓ everything recovered' : '✗ it did not hold');
  return parts.join('\n\n');
}

export const chaosCommand: Command = { help: CHAOS_HELP, run };
