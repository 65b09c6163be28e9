import type { GameDefinition } from '@breakwater/game-kit';

/** The game types of a process, by name. */
export type GameTypes = ReadonlyMap<string, GameDefinition>;
