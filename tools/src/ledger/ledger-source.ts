import { decodeGameRecord, gameId, gameStreamName, type STREAM_OWNERS, subjectsFor } from '@breakwater/bus';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { Installation } from '../check-logs/installation.ts';
import type { StoredLedgerRecord } from './check-ledger.ts';

type Family = keyof typeof STREAM_OWNERS;

/** The ledgers of an installation, and which games have a log. */
export class LedgerSource {
  readonly #installation: Installation;

  constructor(installation: Installation) {
    this.#installation = installation;
  }

  /** Games that have records. */
  async games(): Promise<string[]> {
    const { jsm, partitions } = this.#installation;
    const games: string[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const info = await jsm.streams.info(streamOf('GAMES', partition), { subjects_filter: '>' });
      for (const subject of Object.keys(info.state.subjects ?? {})) games.push(subject.split('.')[2] ?? '');
    }
    return games.sort();
  }

  /** Its log has an `end` now, or is gone. */
  async hasEnded(game: string): Promise<boolean> {
    const { jsm, partitions } = this.#installation;
    const id = gameId(game);
    const tail = await jsm.streams.getMessage(gameStreamName(id, partitions), {
      last_by_subj: subjectsFor(partitions).gameLog(id),
    });
    if (tail === null) return true;
    const decoded = decodeGameRecord(tail.data);
    return decoded.ok && decoded.value.kind === 'end';
  }

  /** All records of all users, those of one user by rising sequence, up to the ends as they are when asked. */
  async *records(): AsyncGenerator<StoredLedgerRecord> {
    for (let partition = 0; partition < this.#installation.partitions; partition++)
      yield* this.#recordsOf(streamOf('LEDGER', partition));
  }

  async *#recordsOf(stream: string): AsyncGenerator<StoredLedgerRecord> {
    const { jsm, nc } = this.#installation;
    const { state } = await jsm.streams.info(stream);
    if (state.messages === 0) return;
    const consumer = await jetstream(nc).consumers.get(stream, { deliver_policy: DeliverPolicy.All });
    const messages = await consumer.consume({ max_messages: 1_000 });
    try {
      for await (const { subject, seq, data } of messages) {
        yield { user: subject.split('.')[2] ?? '', seq, data };
        if (seq >= state.last_seq) return;
      }
    } finally {
      await messages.close();
      await consumer.delete().catch(() => false);
    }
  }
}

const streamOf = (family: Family, partition: number): string => `${family}_${partition}`;
