import { createReadStream, createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { type ConsumerMessages, DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { type Installation, type InstallationOptions, openInstallation } from './installation.ts';
import type { RecordSource, StoredRecord } from './sources.ts';

export const ARCHIVE_EXTENSION = '.archive';

export interface ArchiveOptions extends InstallationOptions {
  /** A file that does not exist yet, ending in `.archive`. */
  readonly file: string;
}

/** Copies the logs of all games as they grow, so that what their owners purge later can still be checked. */
export class StreamArchive implements AsyncDisposable {
  readonly #installation: Installation;
  readonly #stream: WriteStream;
  readonly #messages: ConsumerMessages[] = [];
  readonly #copying: Promise<void>[] = [];
  readonly #copied = new Map<string, number>();

  private constructor(installation: Installation, stream: WriteStream) {
    this.#installation = installation;
    this.#stream = stream;
  }

  /** @throws Error when there is no installation, or the file cannot be made */
  static async start(options: ArchiveOptions): Promise<StreamArchive> {
    const installation = await openInstallation(options);
    mkdirSync(dirname(options.file), { recursive: true });
    const archive = new StreamArchive(installation, createWriteStream(options.file, { flags: 'wx' }));
    for (let partition = 0; partition < installation.partitions; partition++)
      await archive.#follow(`GAMES_${partition}`);
    return archive;
  }

  /** Waits until everything that is stored now is copied, and ends. */
  async close(): Promise<void> {
    const { jsm, nc } = this.#installation;
    for (const name of this.#copied.keys())
      await this.#untilCopied(name, (await jsm.streams.info(name)).state.last_seq);
    for (const messages of this.#messages) messages.stop();
    await Promise.all(this.#copying);
    this.#stream.end();
    await finished(this.#stream);
    await nc.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(name: string): Promise<void> {
    const { nc, jsm } = this.#installation;
    const { state } = await jsm.streams.info(name);
    this.#copied.set(name, state.messages === 0 ? state.last_seq : state.first_seq - 1);
    const consumer = await jetstream(nc).consumers.get(name, { deliver_policy: DeliverPolicy.All });
    const messages = await consumer.consume({ max_messages: 1_000 });
    this.#messages.push(messages);
    this.#copying.push(this.#copy(name, messages));
  }

  async #copy(name: string, messages: ConsumerMessages): Promise<void> {
    for await (const { subject, seq, data } of messages) {
      const game = subject.split('.')[2] ?? '';
      const line = JSON.stringify({ game, seq, data: Buffer.from(data).toString('base64') });
      if (!this.#stream.write(`${line}\n`))
        await new Promise<void>((resolve) => this.#stream.once('drain', () => resolve()));
      this.#copied.set(name, seq);
    }
  }

  async #untilCopied(name: string, lastSeq: number): Promise<void> {
    const endMs = performance.now() + (this.#installation.jsm.getOptions().timeout ?? 10_000);
    while ((this.#copied.get(name) ?? 0) < lastSeq && performance.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Records of games by sequence, from archives. */
export type ArchivedGames = ReadonlyMap<string, ReadonlyMap<number, Uint8Array>>;

/** @throws Error when a line is none of an archive, or they hold more than `maxBytes` */
export async function readArchives(files: readonly string[], maxBytes: number): Promise<ArchivedGames> {
  const games = new Map<string, Map<number, Uint8Array>>();
  let bytes = 0;
  for (const file of files) {
    for await (const text of createInterface({ input: createReadStream(file) })) {
      const { game, seq, data } = parseLine(file, text);
      bytes += data.length;
      if (bytes > maxBytes) throw new Error(`the archives hold more than ${maxBytes} bytes`);
      const records = games.get(game) ?? new Map<number, Uint8Array>();
      games.set(game, records.set(seq, data));
    }
  }
  return games;
}

function parseLine(file: string, text: string) {
  const { game, seq, data } = JSON.parse(text) as { game?: unknown; seq?: unknown; data?: unknown };
  if (typeof game !== 'string' || typeof seq !== 'number' || typeof data !== 'string')
    throw new Error(`${file} is no archive`);
  return { game, seq, data: Buffer.from(data, 'base64') };
}

/** The streams, and in front of them what was archived and is purged now. */
export function withArchive(
  source: RecordSource,
  games: ArchivedGames,
  onDifference: (game: string, seq: number) => void,
): RecordSource {
  return {
    room: (room) => source.room(room),
    snapshots: (game) => source.snapshots(game),
    game: (game) => merged(source.game(game), games.get(game) ?? new Map(), (seq) => onDifference(game, seq)),
  };
}

async function* merged(
  stored: AsyncIterable<StoredRecord>,
  archived: ReadonlyMap<number, Uint8Array>,
  onDifference: (seq: number) => void,
): AsyncGenerator<StoredRecord> {
  const older = [...archived.keys()].sort((a, b) => a - b);
  let isFirst = true;
  for await (const record of stored) {
    if (isFirst) {
      for (const seq of older) if (seq < record.seq) yield { seq, data: archived.get(seq)! };
      isFirst = false;
    }
    const copy = archived.get(record.seq);
    if (copy !== undefined && Buffer.compare(copy, record.data) !== 0) onDifference(record.seq);
    yield record;
  }
  if (isFirst) for (const seq of older) yield { seq, data: archived.get(seq)! };
}
