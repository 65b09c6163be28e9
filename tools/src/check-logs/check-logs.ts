import { type Definitions, loadDefinitions } from '../games/definitions.ts';
import { ARCHIVE_EXTENSION } from './archive.ts';
import { readArchives, withArchive } from './archived-source.ts';
import { findClientLogs, findFiles, readClientLog } from './client-log.ts';
import { NatsSource } from './nats-source.ts';
import { Findings, type Report } from './report.ts';
import { checkGame } from './rules/games.ts';
import { checkRoom } from './rules/rooms.ts';
import type { RecordSource } from './sources.ts';
import type { ClientTrace } from './trace.ts';

export interface CheckLogsOptions {
  /** Folders with client logs (and archives of streams), or files. */
  readonly paths: readonly string[];
  /** Where the streams are: `nats://host:port`, several with commas. */
  readonly nats: string;
  /** Default: what the installation says. */
  readonly partitions?: number | undefined;
  /** Folder of the game types; default the checkout's. */
  readonly games?: string | undefined;
  /** What was stored later than this before a client's end need not have reached it, ms. Default 3 000. */
  readonly tailMs?: number | undefined;
  /** Longest gap that a player who is connected may see while a game changes its owner, ms. Default 30 000. */
  readonly maxGapMs?: number | undefined;
  /** A longer gap that breaks no rule is told as a warning, ms. Default 5 000. */
  readonly warnGapMs?: number | undefined;
  /** How much of what it showed a volatile game may undo, ms. Default 1 000, as it is the simulation's. */
  readonly volatileLossMs?: number | undefined;
  /** Violations that are told of each rule. Default 20. */
  readonly maxViolations?: number | undefined;
  /** Lines of one client log. Default 20 million. */
  readonly maxLines?: number | undefined;
  /** Records of archives, bytes. Default 1 GiB. */
  readonly maxArchiveBytes?: number | undefined;
}

const DEFAULTS = {
  tailMs: 3_000,
  maxGapMs: 30_000,
  warnGapMs: 5_000,
  volatileLossMs: 1_000,
  maxViolations: 20,
  maxLines: 20_000_000,
  maxArchiveBytes: 2 ** 30,
} as const;
const MAX_LINE_LENGTH = 65_536;

/**
 * Compares client logs with the streams.
 *
 * @throws ClientLogError for a log that cannot be read; Error when the streams cannot be
 */
export async function checkLogs(options: CheckLogsOptions): Promise<Report> {
  const limits = { maxLines: options.maxLines ?? DEFAULTS.maxLines, maxLineLength: MAX_LINE_LENGTH };
  const clients: ClientTrace[] = [];
  for (const file of findClientLogs(options.paths)) clients.push(await readClientLog(file, limits));
  const archives = findFiles(options.paths, ARCHIVE_EXTENSION);
  const archived = await readArchives(archives, options.maxArchiveBytes ?? DEFAULTS.maxArchiveBytes);
  const findings = new Findings(options.maxViolations ?? DEFAULTS.maxViolations);
  await using streams = await NatsSource.open(options);
  const source = withArchive(streams, archived, {
    onDifference: (game, seq) =>
      findings.violated('replay', `game ${game}`, `record ${seq} is another one than when it was archived`),
    onMissed: oncePerGame(() =>
      findings.skipped('archives of games whose records were purged before they were copied'),
    ),
    onIncomplete: oncePerGame(() => findings.skipped('archives of games that end before the log begins')),
  });
  return await checkTraces(clients, source, await loadDefinitions(options.games), options, findings);
}

/** A log is read more than once. */
function oncePerGame(tell: () => void): (game: string) => void {
  const told = new Set<string>();
  return (game) => {
    if (told.has(game)) return;
    told.add(game);
    tell();
  };
}

/** As `checkLogs`, for traces and records from anywhere. */
export async function checkTraces(
  clients: readonly ClientTrace[],
  source: RecordSource,
  definitions: Definitions,
  options: Pick<CheckLogsOptions, 'tailMs' | 'maxGapMs' | 'warnGapMs' | 'volatileLossMs'>,
  findings: Findings,
): Promise<Report> {
  findings.checked('clients', clients.length);
  const roomOptions = { tailMs: options.tailMs ?? DEFAULTS.tailMs };
  const gameOptions = {
    ...roomOptions,
    maxGapMs: options.maxGapMs ?? DEFAULTS.maxGapMs,
    warnGapMs: options.warnGapMs ?? DEFAULTS.warnGapMs,
    volatileLossMs: options.volatileLossMs ?? DEFAULTS.volatileLossMs,
  };
  for (const room of new Set(clients.flatMap(({ rooms }) => [...rooms.keys()]))) {
    findings.checked('rooms');
    await checkRoom(room, source.room(room), clients, roomOptions, findings);
  }
  for (const game of new Set(clients.flatMap(({ games }) => [...games.keys()]))) {
    findings.checked('games');
    await checkGame(game, source, clients, definitions, gameOptions, findings);
  }
  return findings.report();
}
