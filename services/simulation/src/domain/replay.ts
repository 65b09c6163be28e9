/** Applies records of a log in their order and notices when one is missing. */

import {
  type ClaimRecord,
  type DeltaRecord,
  decodeGameRecord,
  type GameRecord,
  type RecordHead,
  type Snapshot,
} from '@breakwater/bus';
import type { GameInstance } from '@breakwater/game-kit';
import { decodeDetails, type GameDetails, type GameFactory } from './game-factory.ts';
import { isSameHead, type StoredRecord } from './ports.ts';

/** Records between what was replayed and this one are gone. */
export class LogHoleError extends Error {
  override readonly name = 'LogHoleError';
}
/** A record or snapshot is there and cannot be what it should be. */
export class CorruptLogError extends Error {
  override readonly name = 'CorruptLogError';
}
/** The game was made by another version of its type. */
export class WrongVersionError extends Error {
  override readonly name = 'WrongVersionError';
}

/** What was read is not what it should be, and will not be when it is read again. */
export function isBadLog(cause: unknown): cause is LogHoleError | CorruptLogError | WrongVersionError {
  return (
    cause instanceof LogHoleError || cause instanceof CorruptLogError || cause instanceof WrongVersionError
  );
}

export class Replay {
  readonly #factory: GameFactory;
  details: GameDetails | undefined;
  /** Absent until a snapshot or the first delta. Of an older version than this process's as long as the log is. */
  instance: GameInstance | undefined;
  /** Sequence of the last record applied; 0 before the first. */
  seq = 0;
  head: RecordHead | undefined;
  /** Records that were applied since the snapshot, or since the beginning. */
  records = 0;
  /** Ticks at which the game went on after it had thrown, as far back as was read. */
  readonly restarts: number[] = [];
  ended: string | undefined;
  /** Of the newest claim or the snapshot: that of the deltas after it. */
  #version = 0;
  /** Details of the newest claim; they are the game's once a delta of that claim holds all of it. */
  #claimed: string | undefined;

  constructor(factory: GameFactory) {
    this.#factory = factory;
  }

  /** Version of the state; before there is one, of the newest claim. */
  get schemaVersion(): number {
    return this.instance?.definition.schemaVersion ?? this.#version;
  }

  /** Begins at a snapshot. @throws CorruptLogError, WrongVersionError */
  begin(snapshot: Snapshot): void {
    const factory = this.#factoryOf(snapshot.type, snapshot.schemaVersion);
    this.#version = snapshot.schemaVersion;
    const { restarts = [], ...details } = this.#detailsOf(snapshot.details);
    this.details = details;
    this.restarts.push(...restarts);
    this.instance = this.#guard(() => factory.hydrate(this.details!, snapshot.parts));
    if (this.instance.hash() !== snapshot.hash) throw new CorruptLogError('the state does not have its hash');
    this.seq = snapshot.logSeq;
    this.head = { epoch: snapshot.epoch, nonce: snapshot.nonce, n: snapshot.n };
  }

  /** @throws LogHoleError, CorruptLogError, WrongVersionError; the replay is good for nothing more then */
  apply(stored: StoredRecord): void {
    const decoded = decodeGameRecord(stored.bytes);
    if (!decoded.ok) throw new CorruptLogError(`record ${stored.seq} ${decoded.error.sentence}`);
    const record = decoded.value;
    if (!this.#follows(record)) throw new LogHoleError(`a record is missing before ${stored.seq}`);
    this.#take(record);
    this.records += 1;
    this.seq = stored.seq;
    this.head = { epoch: record.epoch, nonce: record.nonce, n: record.n };
  }

  /** The record that was applied last, read again: proof that nothing was purged beyond it. */
  isLastApplied(stored: StoredRecord | undefined): boolean {
    if (stored === undefined || stored.seq !== this.seq || this.head === undefined) return false;
    const decoded = decodeGameRecord(stored.bytes);
    return decoded.ok && isSameHead(decoded.value, this.head);
  }

  #follows(record: GameRecord): boolean {
    const isNewHosting = record.kind === 'claim' && record.n === 0;
    if (this.head === undefined) return isNewHosting && record.epoch === 1;
    if (record.epoch === this.head.epoch && record.nonce === this.head.nonce)
      return record.n === this.head.n + 1;
    return isNewHosting && record.epoch > this.head.epoch;
  }

  #take(record: GameRecord): void {
    switch (record.kind) {
      case 'claim':
        this.#takeClaim(record);
        break;
      case 'delta':
        this.#applyDelta(record);
        break;
      case 'end':
        this.ended = record.reason;
        break;
      default:
        record satisfies never;
    }
  }

  /** A claim of another version changes nothing by itself: its owner may be gone before the game was migrated. */
  #takeClaim({ type, schemaVersion, details }: ClaimRecord): void {
    const isNew = this.instance === undefined;
    if (isNew || type !== this.#factory.definition.type) this.#factoryOf(type, schemaVersion);
    if (this.details === undefined || (isNew && schemaVersion !== this.#version))
      this.details = this.#detailsOf(details);
    this.#version = schemaVersion;
    this.#claimed = details;
  }

  #applyDelta(record: DeltaRecord): void {
    const instance = this.#instanceFor(record);
    this.#guard(() => instance.applyDelta(record.parts));
    if (record.isRestart) this.restarts.push(record.tick);
    if (record.hash !== undefined && instance.hash() !== record.hash) {
      throw new CorruptLogError(
        `the state after record ${record.n} of epoch ${record.epoch} does not have its hash`,
      );
    }
  }

  /** What the delta is applied to: nothing yet, where it holds all of the game. */
  #instanceFor(record: DeltaRecord): GameInstance {
    const { instance } = this;
    if (instance === undefined || record.isWhole) return this.#beginAnew(record.isWhole === true);
    const { schemaVersion } = instance.definition;
    if (schemaVersion === this.#version) return instance;
    throw new CorruptLogError(
      `record ${record.n} of epoch ${record.epoch} is of version ${this.#version}, the state of ${schemaVersion}`,
    );
  }

  #beginAnew(isWhole: boolean): GameInstance {
    const { type } = this.#factory.definition;
    const factory = this.#factoryOf(type, this.#version);
    const claimed = this.#claimed;
    if (isWhole && claimed !== undefined) this.details = this.#detailsOf(claimed);
    this.instance = this.#guard(() => factory.empty(this.details!));
    return this.instance;
  }

  #factoryOf(type: string, schemaVersion: number): GameFactory {
    const { definition } = this.#factory;
    const factory = type === definition.type ? this.#factory.ofVersion(schemaVersion) : undefined;
    if (factory !== undefined) return factory;
    throw new WrongVersionError(
      `the game is ${type}@${schemaVersion}, this process has ${definition.type}@${definition.schemaVersion}`,
    );
  }

  #detailsOf(text: string): GameDetails {
    const details = this.#guard(() => decodeDetails(text));
    const { type, durability } = this.#factory.definition;
    const { durability: of = 'committed' } = details;
    if (of === durability) return details;
    throw new WrongVersionError(`the game is a ${of} ${type}, this process has a ${durability} one`);
  }

  #guard<T>(run: () => T): T {
    try {
      return run();
    } catch (cause) {
      throw new CorruptLogError(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}
