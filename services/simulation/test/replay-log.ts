/** What a game's log says its state is, worked out apart from any owner. */

import { gameId } from '@breakwater/bus';
import type { GameDefinition, GameInstance } from '@breakwater/game-kit';
import { GameFactory } from '../src/domain/game-factory.ts';
import type { StoredRecord } from '../src/domain/ports.ts';
import { Replay } from '../src/domain/replay.ts';
import { game as lab } from './games/lab/game.ts';
import { gameRecord, type Sims, subjects } from './sims.ts';

export type LabInstance = GameInstance<NonNullable<(typeof lab)['types']>['tables']>;

/** Keeps every record of a game from the first on, also those that are purged later. */
export class Archive {
  readonly records: StoredRecord[] = [];
  readonly #sims: Sims;
  readonly #game: string;

  private constructor(sims: Sims, game: string) {
    this.#sims = sims;
    this.#game = game;
  }

  /** Before the game is hosted for the first time. */
  static async of(sims: Sims, game: string): Promise<Archive> {
    const archive = new Archive(sims, game);
    sims.bus.subscribe(subjects.gameFeed(gameId(game)), {}, (message) => {
      archive.#add({ seq: Number(message.header('Nats-Sequence')), bytes: Uint8Array.from(message.data) });
    });
    await sims.bus.flush();
    return archive;
  }

  /** Fills in what the feed lost (it is not repeated after a cut) from the stream. */
  async complete(): Promise<this> {
    const options = { fromSeq: 1, limit: 100_000, maxBytes: 100_000_000 };
    const stream = this.#sims.gameStream(this.#game);
    const page = await this.#sims.bus.readSubject(stream, subjects.gameLog(gameId(this.#game)), options);
    for (const { seq, data } of page.messages) this.#add({ seq, bytes: data });
    return this;
  }

  /** The state up to `seq`; every hash in the log is checked on the way. */
  replay(seq = Number.MAX_SAFE_INTEGER): Replay & { readonly instance: LabInstance } {
    const replay = new Replay(new GameFactory(lab as unknown as GameDefinition, () => undefined));
    for (const record of this.records) if (record.seq <= seq) replay.apply(record);
    return replay as unknown as Replay & { readonly instance: LabInstance };
  }

  kinds(): string[] {
    return this.records.map(({ bytes }) => {
      const { kind, epoch, n } = gameRecord(bytes);
      return `${kind} ${epoch}.${n}`;
    });
  }

  #add(record: StoredRecord): void {
    if (this.records.some(({ seq }) => seq === record.seq)) return;
    this.records.push(record);
    this.records.sort((a, b) => a.seq - b.seq);
  }
}
