/** What somebody sees of a volatile game: its state, then the deltas after it, as an edge would hand them on. */

import {
  type DeltaRecord,
  decodeGameRecord,
  decodeSnapshot,
  gameId,
  livePosition,
  type Snapshot,
  type StateReply,
} from '@breakwater/bus';
import { Replica } from '@breakwater/game-kit/replica';
import { type Sims, subjects } from './sims.ts';

export const TWITCH = { type: 'twitch', schemaVersion: 1 } as const;
/** Processes of the tests host these only if they are told so. */
export const VOLATILE_GAMES = {
  BREAKWATER_SIMULATION_GAME_FOLDERS: new URL('./volatile-games', import.meta.url).pathname,
};

/** Those that can be read, oldest first. */
export async function snapshotsOf(sims: Sims, game: string): Promise<{ seq: number; snapshot: Snapshot }[]> {
  const options = { fromSeq: 1, limit: 100, maxBytes: 10_000_000 };
  const subject = subjects.gameSnapshots(gameId(game));
  const { messages } = await sims.bus.readSubject(sims.snapshotStream(game), subject, options);
  return messages.flatMap(({ seq, data }) => {
    const decoded = decodeSnapshot(data);
    return decoded.ok ? [{ seq, snapshot: decoded.value }] : [];
  });
}

export interface Seen {
  readonly epoch: number;
  readonly n: number;
  readonly tick: number;
}

export class Viewer {
  /** Every delta that was heard, in order, of whatever epoch. */
  readonly heard: DeltaRecord[] = [];
  /** What was shown, in order: never of an epoch below one that was shown. */
  readonly seen: Seen[] = [];
  /** Deltas of an epoch below the one that is shown. */
  late = 0;
  holes = 0;
  #replica: Replica | undefined;
  #position = 0;

  /** Hears the game from now on; nothing is shown before `show`. */
  static async of(sims: Sims, game: string): Promise<Viewer> {
    const viewer = new Viewer();
    sims.bus.subscribe(subjects.gameLive(gameId(game)), {}, (message) => viewer.#hear(message.data));
    await sims.bus.flush();
    return viewer;
  }

  /** Goes on from this state, and with what was heard after it meanwhile. */
  show(reply: StateReply): this {
    const { epoch, liveN, tick, schema, parts } = reply;
    if (liveN === undefined) throw new Error('the game is not volatile');
    const replica = new Replica(JSON.parse(schema));
    replica.applyState(parts.shared);
    this.#replica = replica;
    this.#position = livePosition(epoch, liveN);
    this.seen.push({ epoch, n: liveN, tick });
    for (const delta of this.heard) this.#take(delta);
    return this;
  }

  get last(): Seen {
    return this.seen.at(-1) ?? { epoch: 0, n: 0, tick: 0 };
  }

  /** The game's own counter of its ticks. */
  get ticks(): number {
    return Number(this.row('clock', 1)?.ticks ?? 0);
  }

  row(table: string, id: number): Readonly<Record<string, unknown>> | undefined {
    return this.#replica?.table(table).rows.get(id);
  }

  #hear(bytes: Uint8Array): void {
    const decoded = decodeGameRecord(Uint8Array.from(bytes));
    if (!decoded.ok) throw decoded.error;
    if (decoded.value.kind !== 'delta') throw new Error(`a ${decoded.value.kind} is no delta`);
    this.heard.push(decoded.value);
    if (decoded.value.epoch < this.last.epoch) this.late += 1;
    this.#take(decoded.value);
  }

  #take({ epoch, n, tick, parts }: DeltaRecord): void {
    if (this.#replica === undefined) return;
    const position = livePosition(epoch, n);
    if (position <= this.#position) return;
    if (epoch > this.last.epoch) {
      // Of another owner: nothing can be shown of it before its state.
      this.#replica = undefined;
      return;
    }
    if (position !== this.#position + 1) {
      this.holes += 1;
      this.#replica = undefined;
      return;
    }
    this.#replica.applyDelta(parts.shared);
    this.#position = position;
    this.seen.push({ epoch, n, tick });
  }
}
