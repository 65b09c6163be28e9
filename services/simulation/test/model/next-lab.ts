/** The game `lab` in its next version: the same rules, one more table, and a way on for games of the version before. */

import { choice, defineGame, type GameDefinition, int, table, u32 } from '@breakwater/game-kit';
import { game } from '../games/lab/game.ts';

export const lab = game as unknown as GameDefinition;
const { counters, object, scores, ballast, hands, secret } = game.tables as unknown as NonNullable<
  (typeof game)['types']
>['tables'];
const before = { counters, object, scores, ballast, hands, secret };
const { type, tickHz, maxPlayers, seatGraceMs, sleepAfterMs, maxStateBytes, hooks } = lab;

export const nextLab = defineGame({
  ...{ type, tickHz, maxPlayers, seatGraceMs, sleepAfterMs, maxStateBytes },
  ...hooks,
  schemaVersion: lab.schemaVersion + 1,
  options: {
    hp: int(1, 1_000_000, 1),
    throwAtTick: int(0, 1_000_000, 0),
    mode: choice(['calm', 'throws-always', 'setup-throws', 'restless'], 'calm'),
  },
  tables: { ...before, moves: table({ visibility: 'all', columns: { from: u32() } }) },
  commands: Object.fromEntries(lab.commands) as never,
  migrate: {
    [lab.schemaVersion]: { tables: before, run: ({ tables }) => void tables.moves?.insert({ from: 1 }) },
  },
}) as unknown as GameDefinition;

/** Of every version that a log of the model may have. */
export const VERSIONS: readonly GameDefinition[] = [lab, nextLab];
