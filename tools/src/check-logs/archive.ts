import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import type { STREAM_OWNERS } from '@breakwater/bus';
import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream } from '@nats-io/jetstream';
import { type Installation, type InstallationOptions, openInstallation } from './installation.ts';

export const ARCHIVE_EXTENSION = '.archive';

export interface ArchiveOptions extends InstallationOptions {
  /** A file that does not exist yet, ending in `.archive`. */
  readonly file: string;
}

/** How long one reading of a stream lasts; a reading that a server lost is given up with it. */
const READING_MS = 5_000;
const RETRY_MS = 200;
const CLOSE_TIMEOUT_MS = 30_000;
/** Tells a copied snapshot from a record of a log, which has no `kind`. */
export const SNAPSHOT_KIND = 'snapshot';

type Family = Extract<keyof typeof STREAM_OWNERS, 'GAMES' | 'SNAPSHOTS'>;

/** Copies the logs and snapshots of all games as they grow: what their owners purge later can still be checked. */
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
      for (const family of ['GAMES', 'SNAPSHOTS'] as const)
        archive.#copies.push(new StreamCopy(family, partition, installation, archive.#stream));
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
  readonly #kind: typeof SNAPSHOT_KIND | undefined;
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

  constructor(family: Family, partition: number, installation: Installation, file: WriteStream) {
    this.#name = `${family}_${partition}`;
    this.#kind = family === 'SNAPSHOTS' ? SNAPSHOT_KIND : undefined;
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
      await this.#skipRemoved();
    } finally {
      await consumer.delete().catch(() => false);
    }
  }

  /** The last messages may be gone by now: without anything that is left the copy is at its end. */
  async #skipRemoved(): Promise<void> {
    if (this.#copiedSeq >= this.#untilSeq || this.#untilSeq === Number.POSITIVE_INFINITY) return;
    const from = { seq: this.#copiedSeq + 1, next_by_subj: '>' };
    const next = await this.#installation.jsm.streams.getMessage(this.#name, from);
    if (next === null) this.#copiedSeq = this.#untilSeq;
  }

  async #take({ subject, seq, time, data }: JsMsg): Promise<void> {
    const game = subject.split('.')[2] ?? '';
    if (seq > this.#copiedSeq + 1) this.#jumps += 1;
    const line = JSON.stringify({
      kind: this.#kind,
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
