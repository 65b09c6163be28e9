/**
 * Records of a user's ledger: XP that games gave, and what keeps any award from being counted twice. Binary; integers
 * are varints.
 *
 *   ledger record  version  total  game:text  award-count (epoch n index amount)*  game-count (game:text epoch n index)*
 */

import { ByteReader, ByteWriter, DecodeError, type DecodeResult, decode } from '@breakwater/protocol';

const VERSION = 1;

/** Awards of one record, and live games that one record lists, at most. */
export const MAX_LEDGER_AWARDS = 64;
export const MAX_LEDGER_GAMES = 1_024;

/** Names an award within its game: the record that gave it, and its place among the awards of that record. */
export interface AwardPlace {
  readonly epoch: number;
  readonly n: number;
  readonly index: number;
}
export interface LedgerAward extends AwardPlace {
  /** XP, at least 1. */
  readonly amount: number;
}
/** The highest award of one game that is part of the total. */
export interface Covered extends AwardPlace {
  readonly game: string;
}
export interface LedgerRecord {
  /** XP of the user after this record. */
  readonly total: number;
  /** The game that gave the awards. */
  readonly game: string;
  /** By rising place. */
  readonly awards: readonly LedgerAward[];
  /** One entry a game, this one's last; only ended games are left out. */
  readonly covered: readonly Covered[];
}

/** An award's id: `<game>:<epoch>:<n>:<index>`. */
export const awardId = (game: string, { epoch, n, index }: AwardPlace): string =>
  `${game}:${epoch}:${n}:${index}`;

/** Below 0 when `a` was given before `b` in the same game. */
export const compareAwards = (a: AwardPlace, b: AwardPlace): number =>
  a.epoch - b.epoch || a.n - b.n || a.index - b.index;

const writer = new ByteWriter(1_024);

function writePlace({ epoch, n, index }: AwardPlace): void {
  writer.varint(epoch);
  writer.varint(n);
  writer.varint(index);
}

export function encodeLedgerRecord(record: LedgerRecord): Uint8Array {
  writer.reset();
  writer.u8(VERSION);
  writer.varint(record.total);
  writer.text(record.game);
  writer.varint(record.awards.length);
  for (const award of record.awards) {
    writePlace(award);
    writer.varint(award.amount);
  }
  writer.varint(record.covered.length);
  for (const covered of record.covered) {
    writer.text(covered.game);
    writePlace(covered);
  }
  return writer.finish();
}

/** Total over any bytes. */
export function decodeLedgerRecord(bytes: Uint8Array): DecodeResult<LedgerRecord> {
  return decode((value) => readLedgerRecord(new ByteReader(value as Uint8Array)), bytes);
}

function readLedgerRecord(reader: ByteReader): LedgerRecord {
  if (reader.u8() !== VERSION) throw new DecodeError('has a version that is not known');
  const total = reader.varint();
  const game = reader.text(64);
  const awards = Array.from({ length: readCount(reader, MAX_LEDGER_AWARDS) }, () => ({
    ...readPlace(reader),
    amount: reader.varint(),
  }));
  const covered = Array.from({ length: readCount(reader, MAX_LEDGER_GAMES) }, () => ({
    game: reader.text(64),
    ...readPlace(reader),
  }));
  reader.end();
  return { total, game, awards, covered };
}

function readCount(reader: ByteReader, max: number): number {
  const count = reader.varint();
  if (count > max || count > reader.remaining) throw new DecodeError('has more entries than it can hold');
  return count;
}

function readPlace(reader: ByteReader): AwardPlace {
  return { epoch: reader.varint(), n: reader.varint(), index: reader.varint() };
}
