import {
  BUCKETS,
  gameId,
  gameStreamName,
  INSTALL_PARTITIONS_KEY,
  installPartitions,
  roomId,
  roomStreamName,
  type Subject,
  type Subjects,
  snapshotStreamName,
  subjectsFor,
} from '@breakwater/bus';
import { decode } from '@breakwater/protocol';
import { DeliverPolicy, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { RecordSource, StoredRecord } from './sources.ts';

export interface NatsSourceOptions {
  /** `nats://[user:password@]host:port`, several with commas. */
  readonly url: string;
  /** Partitions of the installation. Default: what it says itself. */
  readonly partitions?: number | undefined;
  /** Deadline of one request, ms. */
  readonly timeoutMs: number;
}

/** Reads rooms, games and snapshots from the streams of an installation. */
export class NatsSource implements RecordSource, AsyncDisposable {
  readonly #nc: NatsConnection;
  readonly #jsm: JetStreamManager;
  readonly #partitions: number;
  readonly #subjects: Subjects;

  private constructor(nc: NatsConnection, jsm: JetStreamManager, partitions: number) {
    this.#nc = nc;
    this.#jsm = jsm;
    this.#partitions = partitions;
    this.#subjects = subjectsFor(partitions);
  }

  /** @throws Error when there is no server, or no installation on it */
  static async open(options: NatsSourceOptions): Promise<NatsSource> {
    const nc = await connect({
      ...serversOf(options.url),
      timeout: options.timeoutMs,
      maxReconnectAttempts: 10,
      name: 'breakwater-check',
    });
    try {
      const jsm = await jetstreamManager(nc, { timeout: options.timeoutMs });
      return new NatsSource(nc, jsm, options.partitions ?? (await installedPartitions(jsm)));
    } catch (error) {
      await nc.close();
      throw error;
    }
  }

  room(room: string): AsyncIterable<StoredRecord> {
    const id = roomId(room);
    return this.#read(roomStreamName(id, this.#partitions), this.#subjects.roomLog(id));
  }

  game(game: string): AsyncIterable<StoredRecord> {
    const id = gameId(game);
    return this.#read(gameStreamName(id, this.#partitions), this.#subjects.gameLog(id));
  }

  snapshots(game: string): AsyncIterable<StoredRecord> {
    const id = gameId(game);
    return this.#read(snapshotStreamName(id, this.#partitions), this.#subjects.gameSnapshots(id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nc.close();
  }

  async *#read(stream: string, subject: Subject): AsyncGenerator<StoredRecord> {
    const last = await this.#jsm.streams.getMessage(stream, { last_by_subj: subject });
    if (last === null) return;
    const consumer = await jetstream(this.#nc).consumers.get(stream, {
      filter_subjects: subject,
      deliver_policy: DeliverPolicy.All,
    });
    const messages = await consumer.consume({ max_messages: 1_000 });
    try {
      for await (const message of messages) {
        yield { seq: message.seq, data: message.data };
        if (message.seq >= last.seq) return;
      }
    } finally {
      await messages.close();
      await consumer.delete().catch(() => false);
    }
  }
}

function serversOf(url: string) {
  const urls = url.split(',').map((part) => new URL(part.trim()));
  const first = urls[0];
  const login =
    first === undefined || first.username === ''
      ? {}
      : { user: decodeURIComponent(first.username), pass: decodeURIComponent(first.password) };
  const tls = first?.protocol === 'tls:' ? { tls: {} } : {};
  return { servers: urls.map(({ host }) => host), ...login, ...tls };
}

async function installedPartitions(jsm: JetStreamManager): Promise<number> {
  const { name } = BUCKETS.install;
  const entry = await jsm.streams
    .getMessage(`KV_${name}`, { last_by_subj: `$KV.${name}.${INSTALL_PARTITIONS_KEY}` })
    .catch(() => null);
  const stored = entry === null ? undefined : decode(installPartitions, entry.json());
  if (stored?.ok !== true)
    throw new Error('this NATS holds no installation of Breakwater (give --partitions if it does)');
  return stored.value.partitions;
}
