/** One record of a stream. */
export interface StoredRecord {
  readonly seq: number;
  readonly data: Uint8Array;
  /** When it was stored, Unix ms by the server's clock; copies of older versions do not say. */
  readonly timeMs?: number | undefined;
  /** What stood between it and the record before is not known: it was purged before it could be copied. */
  readonly isAfterHole?: boolean | undefined;
}

/** Where the checker reads what is stored. Records come in rising order, up to the end as it was when asked. */
export interface RecordSource {
  room(room: string): AsyncIterable<StoredRecord>;
  game(game: string): AsyncIterable<StoredRecord>;
  /** Sequence of the first record of a game that is left: it rises when its owner purges. */
  firstOfGame(game: string): Promise<number | undefined>;
  /** Snapshots of a game. */
  snapshots(game: string): AsyncIterable<StoredRecord>;
}
