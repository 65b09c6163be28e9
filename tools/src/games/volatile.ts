import { decodeGameRecord, type GameRecord } from '@breakwater/bus';
import type { RecordSource, StoredRecord } from '../check-logs/sources.ts';
import { readDetails } from './details.ts';

/** A volatile game's log holds no change of its state: an empty delta only says that the game was shown. */
export function isMarker(record: GameRecord): boolean {
  if (record.kind !== 'delta') return false;
  const { shared, server, slices } = record.parts;
  return shared.length === 0 && server.length === 0 && slices.length === 0;
}

/** Whether the deltas of a game are published and not stored, as its first claim says; false where there is none. */
export async function isVolatileLog(records: AsyncIterable<StoredRecord>): Promise<boolean> {
  for await (const { data } of records) {
    const decoded = decodeGameRecord(data);
    if (!decoded.ok) return false;
    const record = decoded.value;
    if (record.kind === 'claim') return isVolatileText(record.details);
    if (!isMarker(record)) return false;
  }
  return false;
}

function isVolatileText(details: string): boolean {
  try {
    return readDetails(details).durability === 'volatile';
  } catch {
    return false;
  }
}

/** What is to be said instead of a replay of a volatile game; undefined for others. */
export async function whyNotReplayed(game: string, source: RecordSource): Promise<string | undefined> {
  if (!(await isVolatileLog(source.game(game)))) return undefined;
  return `${game} is volatile: its deltas are shown and not stored, so nothing is kept to replay ("games inspect" shows its claims and snapshots).`;
}
