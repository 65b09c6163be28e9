import { defineGame, table, u32 } from '@breakwater/game-kit';

/** A volatile game for tests: everybody sees a clock, and how often each player has hit. */
export const game = defineGame({
  type: 'rally',
  schemaVersion: 1,
  durability: 'volatile',
  tickHz: 20,
  maxPlayers: 20,
  tables: {
    clock: table({ visibility: 'all', columns: { ticks: u32() } }),
    hits: table({ visibility: 'all', columns: { count: u32() } }),
    /** The same for the player alone. */
    own: table({ visibility: 'owner', columns: { count: u32() } }),
  },
  commands: {
    hit: {
      args: {},
      run({ tables }, { pid }) {
        tables.hits.need(pid).count += 1;
        tables.own.need(pid).count += 1;
      },
    },
  },
  setup: ({ tables }) => void tables.clock.insert({}),
  join({ tables }, { pid }) {
    tables.hits.insert({}, pid);
    tables.own.insert({ owner: pid }, pid);
  },
  leave: ({ tables }, { pid }) => void tables.hits.remove(pid),
  tick(ctx) {
    ctx.tables.clock.need(1).ticks = ctx.tick;
  },
});
