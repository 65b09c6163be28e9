import { createReadStream, createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { decodeGameRecord } from '@breakwater/bus';
import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream } from '@nats-io/jetstream';
import { type Installation, type InstallationOptions, openInstallation } from './installation.ts';
import type { RecordSource, StoredRecord } from './sources.ts';

export const ARCHIVE_EXTENSION = '.archive';

export interface ArchiveOptions extends InstallationOptions {
  /** A file that does not exist yet, ending in `.archive`. */
  readonly file: string;
}

/** How long one reading of a stream lasts; a reading that a server lost is given up with it. */
const READING_MS = 5_000;
const RETRY_MS = 200;
const CLOSE_TIMEOUT_MS = 30_000;

/** Copies the logs of all games as they grow, so that what their owners purge later can still be checked. */
export class StreamArchive implements AsyncDisposable {
  readonly #installation: Installation;
  readonly #stream: WriteStream;
  readonly #copies: StreamCopy[] = [];
  #closing: Promise<void> | undefined;

  private constructor(installation: Installation, stream: WriteStream) {
    this.#installation = installation;
    this.#stream = stream;
  }

  /** @throws Error when there is no installation, or the file cannot be made */
  static async start(options: ArchiveOptions): Promise<StreamArchive> {
    // NATS may be away for longer than anybody who only asks would wait.
    const installation = await openInstallation({ ...options, maxReconnects: -1 });
    mkdirSync(dirname(options.file), { recursive: true });
    const archive = new StreamArchive(installation, createWriteStream(options.file, { flags: 'wx' }));
    for (let partition = 0; partition < installation.partitions; partition++)
      archive.#copies.push(new StreamCopy(`GAMES_${partition}`, installation, archive.#stream));
    return archive;
  }

  /** Waits until everything that is stored now is copied, and ends. @throws Error when that takes too long */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await Promise.all(this.#copies.map((copy) => copy.finish()));
      this.#stream.end();
      await finished(this.#stream);
    } finally {
      await this.#installation.nc.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Copies one stream, through lost connections and restarts of the server. */
class StreamCopy {
  readonly #name: string;
  readonly #installation: Installation;
  readonly #file: WriteStream;
  readonly #work: Promise<void>;
  #copiedSeq = 0;
  /** Times that records were gone before they could be copied; whose they were is not known. */
  #jumps = 0;
  /** The last sequence to copy, once that is known. */
  #untilSeq = Number.POSITIVE_INFINITY;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #reading: ConsumerMessages | undefined;

  constructor(name: string, installation: Installation, file: WriteStream) {
    this.#name = name;
    this.#installation = installation;
    this.#file = file;
    this.#work = this.#copy();
  }

  async finish(): Promise<void> {
    // Whatever happens from here on, the copying ends.
    this.#deadlineMs = performance.now() + CLOSE_TIMEOUT_MS;
    const { state } = await this.#installation.jsm.streams.info(this.#name);
    // Without messages there is nothing left to copy, whatever the last sequence was.
    this.#untilSeq = state.messages === 0 ? 0 : state.last_seq;
    this.#reading?.stop();
    await this.#work;
    if (this.#copiedSeq < this.#untilSeq) throw new Error(`${this.#name} could not be copied to its end`);
  }

  async #copy(): Promise<void> {
    const { nc } = this.#installation;
    while (!nc.isClosed() && this.#copiedSeq < this.#untilSeq && performance.now() < this.#deadlineMs) {
      try {
        await this.#read();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #read(): Promise<void> {
    const { nc } = this.#installation;
    const consumer = await jetstream(nc).consumers.get(this.#name, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#copiedSeq + 1,
    });
    this.#reading = await consumer.fetch({ max_messages: 10_000, expires: READING_MS });
    try {
      for await (const message of this.#reading) {
        if (message.seq > this.#copiedSeq) await this.#take(message);
        if (message.seq >= this.#untilSeq) break;
      }
    } finally {
      await consumer.delete().catch(() => false);
    }
  }

  async #take({ subject, seq, time, data }: JsMsg): Promise<void> {
    const game = subject.split('.')[2] ?? '';
    if (seq > this.#copiedSeq + 1) this.#jumps += 1;
    const line = JSON.stringify({
      game,
      seq,
      at: time.getTime(),
      jumps: this.#jumps,
      data: Buffer.from(data).toString('base64'),
    });
    this.#copiedSeq = seq;
    if (!this.#file.write(`${line}\n`))
      await new Promise<void>((resolve) => this.#file.once('drain', () => resolve()));
  }
}

/** A copied record, and how often records of its stream had been missed until then. */
type CopiedRecord = StoredRecord & { readonly jumps: number };

/** Records of games by sequence, from archives. */
export type ArchivedGames = ReadonlyMap<string, ReadonlyMap<number, CopiedRecord>>;

/** @throws Error when a line is none of an archive, or they hold more than `maxBytes` */
export async function readArchives(files: readonly string[], maxBytes: number): Promise<ArchivedGames> {
  const games = new Map<string, Map<number, CopiedRecord>>();
  let bytes = 0;
  for (const file of files) {
    for await (const text of createInterface({ input: createReadStream(file) })) {
      const { game, record } = parseLine(file, text);
      bytes += record.data.length;
      if (bytes > maxBytes) throw new Error(`the archives hold more than ${maxBytes} bytes`);
      const records = games.get(game) ?? new Map<number, CopiedRecord>();
      games.set(game, records.set(record.seq, record));
    }
  }
  return games;
}

/** `at` and `jumps` are missing in older copies. */
function parseLine(file: string, text: string): { game: string; record: CopiedRecord } {
  const { game, seq, at, jumps, data } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  if (typeof game !== 'string' || typeof seq !== 'number' || typeof data !== 'string')
    throw new Error(`${file} is no archive`);
  const timeMs = typeof at === 'number' ? at : undefined;
  const record = { seq, data: Buffer.from(data, 'base64'), timeMs };
  return { game, record: { ...record, jumps: typeof jumps === 'number' ? jumps : 0 } };
}

export interface ArchiveListener {
  /** A stored record is another one than when it was copied. */
  onDifference(game: string, seq: number): void;
  /** The copy ends before the stored log begins: what lies between would look like a hole, so it is not used. */
  onIncomplete(game: string): void;
  /** Records were purged before they were copied: only what follows them is used. */
  onMissed(game: string): void;
}

/** The streams, and in front of them what was archived and is purged now. */
export function withArchive(
  source: RecordSource,
  games: ArchivedGames,
  listener: ArchiveListener,
): RecordSource {
  return {
    room: (room) => source.room(room),
    firstOfGame: (game) => source.firstOfGame(game),
    snapshots: (game) => source.snapshots(game),
    game: (game) => {
      const archived = games.get(game);
      return archived === undefined ? source.game(game) : merged(game, source.game(game), archived, listener);
    },
  };
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
    if (isFirst && copy === undefined) listener.onIncomplete(game);
    else if (isFirst) yield* below(record.seq, archived, () => listener.onMissed(game));
    isFirst = false;
    if (copy !== undefined && Buffer.compare(copy.data, record.data) !== 0)
      listener.onDifference(game, record.seq);
    yield record;
  }
}

/** What was copied below a sequence, from the last place on where something may have been missed. */
function below(
  limit: number,
  archived: ReadonlyMap<number, CopiedRecord>,
  onMissed: () => void,
): readonly StoredRecord[] {
  const records = [...archived.values()].filter(({ seq }) => seq <= limit).sort((a, b) => a.seq - b.seq);
  const hole = records.findLastIndex((record, index) => isBehindHole(records[index - 1], record));
  if (hole > 0) onMissed();
  return records.slice(Math.max(0, hole)).filter(({ seq }) => seq < limit);
}

/** The stream jumped between two copies, and the second one does not say that it follows the first. */
function isBehindHole(before: CopiedRecord | undefined, record: CopiedRecord): boolean {
  if (before === undefined || before.jumps === record.jumps) return false;
  const [first, second] = [decodeGameRecord(before.data), decodeGameRecord(record.data)];
  if (!first.ok || !second.ok) return true;
  const { epoch, nonce, n } = first.value;
  return second.value.epoch !== epoch || second.value.nonce !== nonce || second.value.n !== n + 1;
}
