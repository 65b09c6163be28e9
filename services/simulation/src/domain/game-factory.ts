/** Instances of one game type, made from what a log or snapshot says. */

import type { StateParts } from '@breakwater/bus';
import {
  createInstance,
  emptyInstance,
  type GameDefinition,
  GameError,
  type GameInstance,
  type HookFailure,
  hydrate,
  migrateInstance,
  stateBytes,
} from '@breakwater/game-kit';
import {
  array,
  DecodeError,
  decode,
  int,
  json,
  literal,
  loose,
  optional,
  parseJson,
  record,
} from '@breakwater/protocol';

/** What a game was created with; kept as JSON text in its claims and snapshots. */
export interface GameDetails {
  readonly options: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Ticks of the latest restarts after a throw; in snapshots only, as those in the log are marked there. */
  readonly restarts?: readonly number[];
  /** Said of volatile games only: their logs and snapshots are read by another rule. */
  readonly durability?: 'volatile';
}

const MAX_RESTARTS = 1_000;
const gameDetails = loose({
  options: record(json(), 64),
  seed: int(0, 0xffff_ffff),
  restarts: optional(array(int(0), MAX_RESTARTS)),
  durability: optional(literal('volatile')),
});

export function encodeDetails({ options, seed, restarts = [], durability }: GameDetails): string {
  return JSON.stringify({
    options,
    seed,
    ...(restarts.length > 0 && { restarts }),
    ...(durability !== undefined && { durability }),
  });
}

/** @throws DecodeError */
export function decodeDetails(text: string): GameDetails {
  const decoded = decode(gameDetails, parseJson(text, 32));
  if (!decoded.ok) throw new DecodeError(`details of the game: ${decoded.error.sentence}`);
  return decoded.value;
}

export type OnHookError = (error: unknown, where: HookFailure) => void;

/** Makes instances of one type. Every method throws when the options or bytes do not fit it. */
export class GameFactory {
  readonly definition: GameDefinition;
  /** Largest full state, all parts together: the stricter of the type's limit and the process's. */
  readonly maxStateBytes: number;
  readonly #onError: OnHookError;

  constructor(definition: GameDefinition, onError: OnHookError, maxStateBytes = Number.MAX_SAFE_INTEGER) {
    this.definition = definition;
    this.maxStateBytes = Math.min(maxStateBytes, definition.maxStateBytes);
    this.#onError = onError;
  }

  /** A new game: `setup` has run. @throws GameError when its state is too large from the start */
  create(details: GameDetails): GameInstance {
    const instance = createInstance(this.definition, this.optionsOf(details));
    const bytes = stateBytes(instance.encodeState());
    if (bytes <= this.maxStateBytes) return instance;
    throw new GameError('too_large', `the state takes ${bytes} bytes, more than ${this.maxStateBytes}`);
  }

  /** Nothing in it yet: to be filled by the deltas of a log, from its first. */
  empty(details: GameDetails): GameInstance {
    return emptyInstance(this.definition, this.optionsOf(details));
  }

  hydrate(details: GameDetails, parts: StateParts): GameInstance {
    return hydrate(this.definition, parts, this.optionsOf(details));
  }

  /** Makes instances of this version, or of an older one whose games this one takes over; those never run. */
  ofVersion(schemaVersion: number): GameFactory | undefined {
    if (schemaVersion === this.definition.schemaVersion) return this;
    const migration = this.definition.migrations.get(schemaVersion);
    return migration && new GameFactory(migration.from, this.#onError);
  }

  /** What a game of an older version was created with, as this version says it. @throws what the migration throws */
  migrateDetails(details: GameDetails, fromVersion: number): GameDetails {
    const migration = this.definition.migrations.get(fromVersion);
    if (migration === undefined) return details;
    const options = Object.entries(migration.options(details.options));
    return { ...details, options: Object.fromEntries(options.filter(([, value]) => value !== undefined)) };
  }

  /** The game of an older version in this one. @throws GameError when something of it does not fit */
  migrate(old: GameInstance, details: GameDetails): GameInstance {
    const instance = migrateInstance(this.definition, old, this.optionsOf(details));
    const bytes = stateBytes(instance.encodeState());
    if (bytes <= this.maxStateBytes) return instance;
    throw new GameError('too_large', `the state takes ${bytes} bytes, more than ${this.maxStateBytes}`);
  }

  optionsOf(details: GameDetails) {
    return { options: details.options, seed: details.seed, onError: this.#onError };
  }
}
