import { defineGame, int, type TableSpecs, table, u32 } from '@breakwater/game-kit';
import { world as older } from '@breakwater/game-world';

/** As the older version declares them: those that every game has are not its own. */
const olderTables: TableSpecs = Object.fromEntries(
  Object.entries(older.tables).filter(([name]) => !name.startsWith('$')),
);

/** The World, which also counts the ticks since it is of this version. */
export const game = defineGame({
  ...older.hooks,
  type: older.type,
  schemaVersion: 2,
  tickHz: older.tickHz,
  maxPlayers: older.maxPlayers,
  endAfterMs: older.endAfterMs,
  options: { objects: int(0, 2000, 500), regrowTicks: int(1, 72_000, 200) },
  tables: {
    ...olderTables,
    /** One row: of which tick the first of this version was. */
    age: table({ visibility: 'all', columns: { sinceTick: u32() } }),
  },
  commands: Object.fromEntries(older.commands),
  setup(ctx) {
    older.hooks.setup?.(ctx);
    ctx.tables.age!.insert({});
  },
  migrate: {
    1: {
      tables: olderTables,
      run(ctx) {
        ctx.tables.age!.insert({ sinceTick: ctx.tick });
      },
    },
  },
});
