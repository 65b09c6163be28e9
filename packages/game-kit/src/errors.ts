/** Why bytes or a schema could not be read. */
export type ReplicaErrorCode =
  /** The bytes end in the middle of a value. */
  | 'truncated'
  /** A number, text or mask is outside what the schema allows. */
  | 'malformed'
  /** A table that the schema does not hold, or that does not belong in this part. */
  | 'unknown_table'
  /** A change to a row that is not there, or an insertion of one that is: state and delta do not belong together. */
  | 'mismatch'
  /** The schema itself is not one. */
  | 'schema';

/** Bytes or a schema that are not what they claim to be. Nothing was applied. */
export class ReplicaError extends Error {
  readonly code: ReplicaErrorCode;

  constructor(code: ReplicaErrorCode, message: string) {
    super(message);
    this.name = 'ReplicaError';
    this.code = code;
  }
}

export type GameErrorCode =
  /** A value outside the column's domain. */
  | 'bad_value'
  /** A row, table, column or player that does not exist. */
  | 'not_found'
  /** A limit of the game type was reached (rows of a table, bytes of the state). */
  | 'too_large'
  /** The definition or an option does not make sense. */
  | 'bad_definition'
  /** A call that the instance cannot answer in its present state. */
  | 'misuse';

/** A mistake of the game's code or of its caller. Inside a command it undoes the command. */
export class GameError extends Error {
  readonly code: GameErrorCode;

  constructor(code: GameErrorCode, message: string) {
    super(message);
    this.name = 'GameError';
    this.code = code;
  }
}

/** Thrown by `ctx.reject`: the command is undone and its sender is told the reason. */
export class CommandRejected extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.name = 'CommandRejected';
    this.reason = reason;
  }
}
