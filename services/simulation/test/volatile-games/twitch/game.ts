import { defineGame } from '@breakwater/game-kit';

/** Asks for a durability that is not built. */
export const game = defineGame({
  type: 'twitch',
  schemaVersion: 1,
  durability: 'volatile',
  tables: {},
  commands: {},
});
