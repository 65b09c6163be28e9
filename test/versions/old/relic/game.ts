import { defineGame, table, u32 } from '@breakwater/game-kit';

/** No version of it takes over another one. */
export const game = defineGame({
  type: 'relic',
  schemaVersion: 1,
  tables: { beats: table({ visibility: 'all', columns: { value: u32() } }) },
  commands: {},
  setup: (ctx) => void ctx.tables.beats.insert({}),
  tick(ctx) {
    ctx.tables.beats.need(1).value += 1;
  },
});
