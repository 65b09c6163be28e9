import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { decodeGameRecord } from '@breakwater/bus';
import { SNAPSHOT_KIND } from './archive.ts';
import type { RecordSource, StoredRecord } from './sources.ts';

/** A copied record, and how often records of its stream had been missed until then. */
type CopiedRecord = StoredRecord & { readonly jumps: number };

/** What was copied of one game, by sequence in the streams. */
interface ArchivedGame {
  readonly records: Map<number, CopiedRecord>;
  readonly snapshots: Map<number, StoredRecord>;
}

export type ArchivedGames = ReadonlyMap<string, ArchivedGame>;

/** @throws Error when a line is none of an archive, or they hold more than `maxBytes` */
export async function readArchives(files: readonly string[], maxBytes: number): Promise<ArchivedGames> {
  const games = new Map<string, ArchivedGame>();
  let bytes = 0;
  for (const file of files) {
    for await (const text of createInterface({ input: createReadStream(file) })) {
      const { game, isSnapshot, record } = parseLine(file, text);
      bytes += record.data.length;
      if (bytes > maxBytes) throw new Error(`the archives hold more than ${maxBytes} bytes`);
      const copied = games.get(game) ?? { records: new Map(), snapshots: new Map() };
      games.set(game, copied);
      (isSnapshot ? copied.snapshots : copied.records).set(record.seq, record);
    }
  }
  return games;
}

/** `at` and `jumps` are missing in older copies. */
function parseLine(file: string, text: string) {
  const { kind, game, seq, at, jumps, data } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  if (typeof game !== 'string' || typeof seq !== 'number' || typeof data !== 'string')
    throw new Error(`${file} is no archive`);
  const record: CopiedRecord = {
    seq,
    data: Buffer.from(data, 'base64'),
    timeMs: typeof at === 'number' ? at : undefined,
    jumps: typeof jumps === 'number' ? jumps : 0,
  };
  return { game, isSnapshot: kind === SNAPSHOT_KIND, record };
}

export interface ArchiveListener {
  /** A stored record is another one than when it was copied. */
  onDifference(game: string, seq: number): void;
  /** The stored log begins behind the end of the copy: what lies between is not known. */
  onIncomplete(game: string): void;
  /** Records were purged before they were copied: they are not known. */
  onMissed(game: string): void;
}

/** The streams, and in front of them what was archived and is purged now. The first record after a hole says so. */
export function withArchive(
  source: RecordSource,
  games: ArchivedGames,
  listener: ArchiveListener,
): RecordSource {
  return {
    room: (room) => source.room(room),
    firstOfGame: (game) => source.firstOfGame(game),
    snapshots: (game) => snapshotsOf(source.snapshots(game), games.get(game)?.snapshots ?? new Map()),
    game: (game) => {
      const archived = games.get(game)?.records;
      return archived === undefined ? source.game(game) : merged(game, source.game(game), archived, listener);
    },
  };
}

/** As `withArchive`, for who can only use a log without holes: nothing before the last one, and no older snapshots. */
export function withArchiveFromLastHole(
  source: RecordSource,
  games: ArchivedGames,
  listener: ArchiveListener,
): RecordSource {
  const whole = withArchive(source, games, listener);
  return {
    ...whole,
    snapshots: (game) => source.snapshots(game),
    game: (game) => (games.has(game) ? fromLastHole(() => whole.game(game)) : source.game(game)),
  };
}

/** Holes lie where records were purged, which are few among many: the log is gone through twice. */
async function* fromLastHole(read: () => AsyncIterable<StoredRecord>): AsyncGenerator<StoredRecord> {
  let fromSeq = 0;
  for await (const { seq, isAfterHole } of read()) if (isAfterHole === true) fromSeq = seq;
  for await (const record of read()) if (record.seq >= fromSeq) yield { ...record, isAfterHole: false };
}

/** A log that is gone altogether is not made up for by its copy. */
async function* merged(
  game: string,
  stored: AsyncIterable<StoredRecord>,
  archived: ReadonlyMap<number, CopiedRecord>,
  listener: ArchiveListener,
): AsyncGenerator<StoredRecord> {
  let isFirst = true;
  for await (const record of stored) {
    const copy = archived.get(record.seq);
    const copies = isFirst ? copiesBelow(record.seq, archived) : [];
    for (const [index, copied] of copies.entries()) {
      const isAfterHole = isBehindHole(copies[index - 1], copied);
      if (isAfterHole) listener.onMissed(game);
      yield { ...copied, isAfterHole };
    }
    const isAfterHole = isFirst && isStoredBehindHole(copies.at(-1), record, copy);
    if (isAfterHole) (copy === undefined ? listener.onIncomplete : listener.onMissed)(game);
    isFirst = false;
    if (copy !== undefined && Buffer.compare(copy.data, record.data) !== 0)
      listener.onDifference(game, record.seq);
    yield isAfterHole ? { ...record, isAfterHole } : record;
  }
}

function copiesBelow(limit: number, archived: ReadonlyMap<number, CopiedRecord>): readonly CopiedRecord[] {
  return [...archived.values()].filter(({ seq }) => seq < limit).sort((a, b) => a.seq - b.seq);
}

/** The stream jumped between two copies, and the second one does not say that it follows the first. */
function isBehindHole(before: CopiedRecord | undefined, record: CopiedRecord): boolean {
  if (before === undefined || before.jumps === record.jumps) return false;
  return !follows(before, record);
}

function isStoredBehindHole(
  before: CopiedRecord | undefined,
  record: StoredRecord,
  copy: CopiedRecord | undefined,
): boolean {
  if (before === undefined) return false;
  return copy === undefined ? !follows(before, record) : isBehindHole(before, copy);
}

/** The second is the next record of the same owner. */
function follows(before: StoredRecord, record: StoredRecord): boolean {
  const [first, second] = [decodeGameRecord(before.data), decodeGameRecord(record.data)];
  if (!first.ok || !second.ok) return false;
  const { epoch, nonce, n } = first.value;
  return second.value.epoch === epoch && second.value.nonce === nonce && second.value.n === n + 1;
}

/** What was copied, and what is stored; a snapshot that is both is taken once. */
async function* snapshotsOf(
  stored: AsyncIterable<StoredRecord>,
  archived: ReadonlyMap<number, StoredRecord>,
): AsyncGenerator<StoredRecord> {
  const seqs = new Set<number>();
  const left: StoredRecord[] = [];
  for await (const record of stored) {
    seqs.add(record.seq);
    left.push(record);
  }
  for (const record of archived.values()) if (!seqs.has(record.seq)) yield record;
  yield* left;
}
