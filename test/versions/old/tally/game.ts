import { defineGame } from '@breakwater/game-kit';
import { tables } from './tables.ts';

/** Everybody counts; each player has a card that nobody else sees. */
export const game = defineGame({
  type: 'tally',
  schemaVersion: 1,
  tables,
  commands: {
    add: {
      args: {},
      run(ctx, player) {
        ctx.tables.counts.need(player.pid).value += 1;
      },
    },
  },
  join(ctx, player) {
    ctx.tables.counts.insert({}, player.pid);
    ctx.tables.hands.insert({ owner: player.pid, card: player.pid * 100 });
  },
});
