import type { RecordSource } from '../check-logs/sources.ts';
import { readWhole } from '../check-logs/whole-reading.ts';
import type { Definitions } from './definitions.ts';
import { firstOf, readSnapshots, type Start, startsOf, walk } from './walk.ts';

/** One replay of a log, from one of its starts to its end or its first fault. */
export interface ReplayRun {
  /** `the first claim`, or `the snapshot at record 17`. */
  readonly from: string;
  readonly fromSeq: number;
  /** Records after the start that were applied. */
  readonly records: number;
  /** Hashes that were compared and held. */
  readonly hashes: number;
  readonly lastTick: number;
  /** The first record that is not as it must be. */
  readonly fault: { readonly seq: number; readonly text: string } | undefined;
}

export interface ReplayReport {
  readonly game: string;
  /** Every record of the log could be replayed, and every hash held. */
  readonly ok: boolean;
  /** The replay from the earliest start; then, if that found a fault, those from the later ones. */
  readonly runs: readonly ReplayRun[];
  /** Snapshots and beginnings that cannot be used, and why. */
  readonly problems: readonly string[];
}

/** Replays a game's log. @throws Error when the streams cannot be read */
export function replayLog(
  game: string,
  source: RecordSource,
  definitions: Definitions,
): Promise<ReplayReport> {
  return readWhole(source, game, () => replayOnce(game, source, definitions));
}

async function replayOnce(
  game: string,
  source: RecordSource,
  definitions: Definitions,
): Promise<ReplayReport> {
  const snapshots = await readSnapshots(game, source);
  const { starts, problems } = startsOf(await firstOf(source.game(game)), snapshots, definitions);
  const runs: ReplayRun[] = [];
  for (const start of starts) {
    runs.push(await runFrom(start, game, source));
    if (runs.length === 1 && runs[0]?.fault === undefined) break;
  }
  const ok = runs[0] !== undefined && runs[0].fault === undefined;
  return { game, ok, runs, problems };
}

async function runFrom(start: Start, game: string, source: RecordSource): Promise<ReplayRun> {
  const run = { from: start.name, fromSeq: start.seq, records: 0, hashes: 0, lastTick: 0 };
  let isMet = false;
  for await (const { seq, replay, hash, fault } of walk(source.game(game), start)) {
    if (seq < start.seq) continue;
    isMet ||= seq === start.seq;
    if (!isMet) return { ...run, fault: { seq: start.seq, text: 'is not in the log' } };
    if (fault !== undefined) return { ...run, fault: { seq, text: fault } };
    run.lastTick = replay?.tick ?? 0;
    if (hash !== undefined && seq > start.seq) run.hashes += 1;
    if (seq > start.seq) run.records += 1;
  }
  return { ...run, fault: isMet ? undefined : { seq: start.seq, text: 'is not in the log' } };
}

/** The report for people. */
export function describeReplay({ game, ok, runs, problems }: ReplayReport): string {
  const lines = runs.map((run) => {
    const did = `${run.records} records, ${run.hashes} hashes held, up to tick ${run.lastTick}`;
    const fault = run.fault === undefined ? '' : `; then record ${run.fault.seq} ${run.fault.text}`;
    return `${run.fault === undefined ? '✓' : '✗'} from ${run.from}: ${did}${fault}`;
  });
  for (const problem of problems) lines.push(`  no start: ${problem}`);
  if (runs.length === 0) lines.push(`✗ game ${game} cannot be replayed`);
  else if (ok) lines.push(`✓ game ${game} replays`);
  else lines.push(`✗ game ${game}: ${verdictOf(runs)}`);
  return lines.join('\n');
}

function verdictOf(runs: readonly ReplayRun[]): string {
  const fault = runs[0]?.fault;
  const good = runs.find((run) => run.fault === undefined);
  const first = `the first record that does not fit is ${fault?.seq}`;
  return good === undefined
    ? `${first}, and no start leads to the end`
    : `${first}; ${good.from} leads to the end`;
}
