import { defineGame, table, u32 } from '@breakwater/game-kit';
import { game as older } from '../../volatile/rally/game.ts';

const { clock, hits, own } = older.tables as unknown as NonNullable<(typeof older)['types']>['tables'];

/** The next version of `rally`: hits have one more column in front, which counts those of this version alone. */
export const game = defineGame({
  type: 'rally',
  schemaVersion: 2,
  durability: 'volatile',
  tickHz: 20,
  maxPlayers: 20,
  tables: { clock, hits: table({ visibility: 'all', columns: { fresh: u32(), count: u32() } }), own },
  commands: {
    hit: {
      args: {},
      run({ tables }, { pid }) {
        const row = tables.hits.need(pid);
        row.fresh += 1;
        row.count += 1;
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
  migrate: { 1: { tables: { clock, hits, own } } },
});
