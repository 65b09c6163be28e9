/**
 * Tidies up behind games that are over. What is due follows from log and registry alone, so any process can do it at any
 * time, twice as well as once: an ended game's log is cut down to its `end`, which stays for long, because it is what
 * refuses a claim; then nothing is left of it. A game without an `end` that the registry calls failed gets one first. That
 * the registry does not know a game proves nothing, as either may have been restored from a backup: such a game gets an
 * `end` only where that was asked for.
 */

import { decodeGameRecord, type GameRecord } from '@breakwater/bus';
import { isNameless } from './claim.ts';
import { type FailedGame, NAMELESS } from './end-failed.ts';
import type { ClockPort, StoredRecord } from './ports.ts';
import { sleep } from './ports.ts';

export interface RetentionOptions {
  /** An ended game's records and snapshots, but for the `end`, are kept for this time. */
  readonly endedMs: number;
  /** A game that is in no registry any more, and quiet for this time, gets an `end`. 0: never. */
  readonly forgottenMs: number;
  /** Its `end` is kept for this time. */
  readonly tombstoneMs: number;
  /** A game without an `end` whose newest record is older is looked up in the registry: it may have failed. */
  readonly quietMs: number;
  /** Between two reads of tails. */
  readonly paceMs: number;
  /** Games whose next date is remembered; the others are read again by every sweep. */
  readonly maxRemembered: number;
}

export interface DatedRecord extends StoredRecord {
  /** When it was stored, ms since 1970. */
  readonly unixMs: number;
}

/**
 * What the registry says of a game. `missing`: nothing, though it has been there for `forgottenMs`, so that nobody can
 * find the game; a registry that is younger, or away, leaves every game `open`.
 */
export type Standing =
  | { readonly kind: 'open' | 'missing' }
  | { readonly kind: 'failed'; readonly game: FailedGame };

export interface RetentionPorts {
  /** Games with records in a partition, and how many each has. */
  games(partition: number): Promise<ReadonlyMap<string, number>>;
  /** Games with snapshots in a partition. */
  snapshotted(partition: number): Promise<ReadonlySet<string>>;
  tail(game: string): Promise<DatedRecord | undefined>;
  standing(game: string): Promise<Standing>;
  /** Appends an `end` behind `tail`; nothing happens when that is not the tail any more. */
  end(game: string, tail: StoredRecord, failed: FailedGame): Promise<void>;
  /** Keeps only the record at `seq` and later ones, and no snapshot. */
  trim(game: string, seq: number): Promise<void>;
  /** Keeps nothing. */
  forget(game: string): Promise<void>;
  readonly clock: ClockPort;
  unixMs(): number;
}

export const RETENTION_ACTS = ['ended', 'trimmed', 'forgotten'] as const;
export type RetentionAct = (typeof RETENTION_ACTS)[number];

/** Games that fail in one sweep before it is given up: then it is not they. */
const MAX_ERRORS = 10;

export class Retention {
  readonly #ports: RetentionPorts;
  readonly #options: RetentionOptions;
  readonly #onAct: (act: RetentionAct, game: string) => void;
  /** When an ended game is to be looked at again, ms since 1970. */
  readonly #dueMs = new Map<string, number>();

  constructor(
    ports: RetentionPorts,
    options: RetentionOptions,
    onAct: (act: RetentionAct, game: string) => void,
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#onAct = onAct;
  }

  /**
   * Goes through one partition. A game that cannot be tidied holds up no other one.
   * @throws the first error when it is over: what is left is done later
   */
  async sweep(partition: number, signal: AbortSignal): Promise<void> {
    const ports = this.#ports;
    const listedMs = ports.unixMs();
    const games = await ports.games(partition);
    const snapshotted = await ports.snapshotted(partition);
    const errors: unknown[] = [];
    for (const [game, records] of games) {
      if (signal.aborted || errors.length > MAX_ERRORS) break;
      if (ports.unixMs() < (this.#dueMs.get(game) ?? 0)) continue;
      const hasMore = records > 1 || snapshotted.has(game);
      await this.#look(game, listedMs, hasMore).catch((error) => errors.push(error));
      await sleep(ports.clock, this.#options.paceMs);
    }
    if (errors.length > 0) throw errors[0];
  }

  async #look(game: string, listedMs: number, hasMore: boolean): Promise<void> {
    const tail = await this.#ports.tail(game);
    if (tail === undefined) return;
    // By the time of the listing: a tail that was old then was counted, a newer one is looked at next time.
    await this.#tidy(game, tail, listedMs - tail.unixMs, hasMore);
  }

  async #tidy(game: string, tail: DatedRecord, ageMs: number, hasMore: boolean): Promise<void> {
    const { endedMs, forgottenMs, tombstoneMs, quietMs } = this.#options;
    this.#dueMs.delete(game);
    const record = recordOf(tail);
    if (record?.kind !== 'end') {
      if (ageMs < quietMs) return;
      const standing = await this.#ports.standing(game);
      const isForgotten = standing.kind === 'missing' && forgottenMs > 0 && ageMs >= forgottenMs;
      const isOver = standing.kind === 'failed' || isForgotten || isNameless(record);
      if (record !== undefined && isOver) {
        await this.#ports.end(game, tail, standing.kind === 'failed' ? standing.game : NAMELESS);
        this.#onAct('ended', game);
      }
      // A tail that cannot be read refuses every claim as an `end` does, and nothing can be put behind it.
      if (record !== undefined || !isForgotten) return;
    }
    if (ageMs >= tombstoneMs) {
      await this.#ports.forget(game);
      this.#onAct('forgotten', game);
    } else if (ageMs >= endedMs) {
      if (hasMore) {
        await this.#ports.trim(game, tail.seq);
        this.#onAct('trimmed', game);
      }
      this.#remember(game, tail.unixMs + tombstoneMs);
    } else this.#remember(game, tail.unixMs + endedMs);
  }

  #remember(game: string, dueMs: number): void {
    if (this.#dueMs.size < this.#options.maxRemembered) this.#dueMs.set(game, dueMs);
  }
}

function recordOf({ bytes }: StoredRecord): GameRecord | undefined {
  const decoded = decodeGameRecord(bytes);
  return decoded.ok ? decoded.value : undefined;
}
