import { ARCHIVE_EXTENSION } from '../check-logs/archive.ts';
import { readArchives, withArchiveFromLastHole } from '../check-logs/archived-source.ts';
import { findFiles } from '../check-logs/client-log.ts';
import { openInstallation } from '../check-logs/installation.ts';
import { NatsSource } from '../check-logs/nats-source.ts';
import { loadDefinitions } from '../games/definitions.ts';
import { LedgerCheck } from './check-ledger.ts';
import { type GameAwards, readGameAwards } from './game-awards.ts';
import { LedgerSource } from './ledger-source.ts';
import { LedgerFindings, type LedgerReport } from './report.ts';

export interface CheckLedgerOptions {
  /** Where the streams are: `nats://host:port`, several with commas. */
  readonly nats: string;
  /** Default: what the installation says. */
  readonly partitions?: number | undefined;
  /** Folder of the game types; default the checkout's. */
  readonly games?: string | undefined;
  /** Copies of logs, or folders with some, for awards whose records are purged by now. Default none. */
  readonly archives?: readonly string[] | undefined;
  /** Records of archives, bytes. Default 1 GiB. */
  readonly maxArchiveBytes?: number | undefined;
  /** Violations that are told of each rule. Default 20. */
  readonly maxViolations?: number | undefined;
}

const MAX_VIOLATIONS = 20;
const MAX_ARCHIVE_BYTES = 2 ** 30;

/**
 * Compares the ledgers of all users with the logs of all games, while both go on.
 *
 * @throws Error when the streams or an archive cannot be read
 */
export async function checkLedger(options: CheckLedgerOptions): Promise<LedgerReport> {
  const findings = new LedgerFindings(options.maxViolations ?? MAX_VIOLATIONS);
  const definitions = await loadDefinitions(options.games);
  const installation = await openInstallation({ ...options, name: 'breakwater-ledger' });
  await using logs = new NatsSource(installation);
  const source = new LedgerSource(installation);
  const archives = findFiles(options.archives ?? [], ARCHIVE_EXTENSION);
  const archived = await readArchives(archives, options.maxArchiveBytes ?? MAX_ARCHIVE_BYTES);
  const records = withArchiveFromLastHole(logs, archived, {
    onDifference: () => findings.skipped('records that are others than when they were copied (see "check")'),
    onMissed: () => findings.skipped('copies of games whose records were purged before they were copied'),
    onIncomplete: () => findings.skipped('copies of games that end before the log begins'),
  });
  const games = new Map<string, GameAwards>();
  for (const game of await source.games()) {
    const awards = await readGameAwards(game, records, definitions);
    if (typeof awards === 'string') findings.skipped(awards);
    else games.set(game, awards);
    if (typeof awards === 'object' && awards.isCut)
      findings.skipped('games of which only what follows a snapshot fits (see "games replay")');
  }
  findings.checked('games', games.size);
  // The logs were read first: what had left an outbox by then is in the ledgers by now.
  const check = new LedgerCheck(games, (game) => source.hasEnded(game), findings);
  for await (const record of source.records()) await check.take(record);
  check.finish();
  return findings.report();
}
