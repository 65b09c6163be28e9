import { defineGame, table, u32 } from '@breakwater/game-kit';
import { tables as older } from '../../old/tally/tables.ts';

/** Counts twice as fast, and keeps the sum. */
export const game = defineGame({
  type: 'tally',
  schemaVersion: 2,
  tables: {
    sum: table({ visibility: 'all', columns: { value: u32() } }),
    ...older,
  },
  commands: {
    add: {
      args: {},
      run(ctx, player) {
        ctx.tables.counts.need(player.pid).value += 2;
        ctx.tables.sum.need(1).value += 2;
      },
    },
  },
  setup: (ctx) => void ctx.tables.sum.insert({}),
  join(ctx, player) {
    ctx.tables.counts.insert({}, player.pid);
    ctx.tables.hands.insert({ owner: player.pid, card: player.pid * 100 });
  },
  migrate: {
    1: {
      tables: older,
      run(ctx, old) {
        let value = 0;
        for (const count of old.counts) value += count.value;
        ctx.tables.sum.insert({ value });
      },
    },
  },
});
