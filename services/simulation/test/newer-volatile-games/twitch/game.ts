import { choice, defineGame, int, table, u32 } from '@breakwater/game-kit';
import { game as older } from '../../volatile-games/twitch/game.ts';

const { clock, counters, ballast, secret } = older.tables as unknown as NonNullable<
  (typeof older)['types']
>['tables'];

/** The next version of `twitch`: counts by two, and cannot take over a game that has ballast. */
export const game = defineGame({
  type: 'twitch',
  schemaVersion: 2,
  durability: 'volatile',
  tickHz: 50,
  maxPlayers: 60,
  seatGraceMs: 400,
  sleepAfterMs: 400,
  maxStateBytes: 64 * 1024,
  options: { pace: choice(['restless', 'calm'], 'restless') },
  tables: {
    totals: table({ visibility: 'all', columns: { value: u32() } }),
    clock,
    counters,
  },
  commands: {
    add: {
      args: { tag: int(0, 0xffff_ffff, 0) },
      run(ctx, player, { tag }) {
        const row = ctx.tables.counters.need(player.pid);
        row.value += 2;
        row.last = tag;
        ctx.tables.totals.need(1).value += 2;
      },
    },
    finish: { args: {}, run: (ctx) => ctx.end('finished') },
  },
  setup(ctx) {
    ctx.tables.clock.insert({});
    ctx.tables.totals.insert({});
  },
  join(ctx, player) {
    ctx.tables.counters.insert({}, player.pid);
  },
  leave(ctx, player) {
    ctx.tables.counters.remove(player.pid);
  },
  tick(ctx) {
    if (ctx.options.pace === 'restless') ctx.tables.clock.need(1).ticks = ctx.tick;
  },
  migrate: {
    1: {
      tables: { clock, counters, ballast, secret },
      options: ({ mode }) => ({ pace: mode }),
      run(ctx, old) {
        if ([...old.ballast].length > 0) throw new Error('too heavy');
        let value = 0;
        for (const counter of old.counters) value += counter.value;
        ctx.tables.totals.insert({ value });
      },
    },
  },
});
