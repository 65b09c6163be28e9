/** A game as this process's version of its type has it, from what its log holds. */

import type { GameInstance } from '@breakwater/game-kit';
import type { GameDetails, GameFactory } from './game-factory.ts';
import type { Replay } from './replay.ts';

export interface CurrentGame {
  /** Absent while no owner came as far as storing what `setup` made. */
  readonly instance: GameInstance | undefined;
  readonly details: GameDetails;
}

/**
 * The replayed game in this process's version: as it is, or migrated; a migrated one shares nothing with the replay.
 * @throws what the migration throws
 */
export function currentGame(factory: GameFactory, replay: Replay, fallback: GameDetails): CurrentGame {
  const { instance, schemaVersion, details = fallback } = replay;
  if (schemaVersion === factory.definition.schemaVersion) return { instance, details };
  const migrated = factory.migrateDetails(details, schemaVersion);
  return { instance: instance && factory.migrate(instance, migrated), details: migrated };
}

/** Why the game cannot go on in this process's version; `undefined` when it can. */
export function migrationProblem(factory: GameFactory, replay: Replay): string | undefined {
  if (replay.details === undefined || replay.instance === undefined) return undefined;
  try {
    currentGame(factory, replay, replay.details);
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}
