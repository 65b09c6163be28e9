import {
  gameId,
  gameStreamName,
  roomId,
  roomStreamName,
  type Subject,
  type Subjects,
  snapshotStreamName,
  subjectsFor,
} from '@breakwater/bus';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { type Installation, type InstallationOptions, openInstallation } from './installation.ts';
import type { RecordSource, StoredRecord } from './sources.ts';

/** Reads rooms, games and snapshots from the streams of an installation. */
export class NatsSource implements RecordSource, AsyncDisposable {
  readonly #installation: Installation;
  readonly #subjects: Subjects;

  /** @param installation closed with the source */
  constructor(installation: Installation) {
    this.#installation = installation;
    this.#subjects = subjectsFor(installation.partitions);
  }

  /** @throws Error when there is no server, or no installation on it */
  static async open(options: InstallationOptions): Promise<NatsSource> {
    return new NatsSource(await openInstallation(options));
  }

  room(room: string): AsyncIterable<StoredRecord> {
    const id = roomId(room);
    return this.#read(roomStreamName(id, this.#installation.partitions), this.#subjects.roomLog(id));
  }

  game(game: string): AsyncIterable<StoredRecord> {
    const id = gameId(game);
    return this.#read(gameStreamName(id, this.#installation.partitions), this.#subjects.gameLog(id));
  }

  /** The newest record of a game, or undefined. */
  async lastOfGame(game: string): Promise<StoredRecord | undefined> {
    const id = gameId(game);
    const { jsm, partitions } = this.#installation;
    const last_by_subj = this.#subjects.gameLog(id);
    const last = await jsm.streams.getMessage(gameStreamName(id, partitions), { last_by_subj });
    return last === null ? undefined : { seq: last.seq, data: last.data, timeMs: last.time.getTime() };
  }

  async firstOfGame(game: string): Promise<number | undefined> {
    for await (const { seq } of this.game(game)) return seq;
    return undefined;
  }

  snapshots(game: string): AsyncIterable<StoredRecord> {
    const id = gameId(game);
    return this.#read(
      snapshotStreamName(id, this.#installation.partitions),
      this.#subjects.gameSnapshots(id),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#installation.nc.close();
  }

  async *#read(stream: string, subject: Subject): AsyncGenerator<StoredRecord> {
    const { jsm, nc } = this.#installation;
    const last = await jsm.streams.getMessage(stream, { last_by_subj: subject });
    if (last === null) return;
    const consumer = await jetstream(nc).consumers.get(stream, {
      filter_subjects: subject,
      deliver_policy: DeliverPolicy.All,
    });
    const messages = await consumer.consume({ max_messages: 1_000 });
    try {
      for await (const message of messages) {
        yield { seq: message.seq, data: message.data, timeMs: message.time.getTime() };
        if (message.seq >= last.seq) return;
      }
    } finally {
      await messages.close();
      await consumer.delete().catch(() => false);
    }
  }
}
