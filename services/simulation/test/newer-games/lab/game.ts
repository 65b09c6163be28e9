import { defineGame, int, table, u32 } from '@breakwater/game-kit';
import { game as older } from '../../games/lab/game.ts';

const { counters, scores, object, ballast, hands, secret } = older.tables as unknown as NonNullable<
  (typeof older)['types']
>['tables'];
const ofAuthor = { counters, object, scores, ballast, hands, secret };

/** The lab of the next version: counts by two, and cannot take over a game with a point of luck. */
export const game = defineGame({
  type: 'lab',
  schemaVersion: 2,
  tickHz: 50,
  maxPlayers: 60,
  seatGraceMs: 400,
  maxStateBytes: 64 * 1024,
  options: { hp: int(1, 1_000_000, 1), throwAtStart: int(0, 1, 0) },
  tables: {
    totals: table({ visibility: 'all', columns: { value: u32() } }),
    counters: table({ visibility: 'all', columns: { value: u32() } }),
    scores,
    secret,
  },
  commands: {
    add: {
      args: { tag: int(0, 0xffff_ffff, 0) },
      run(ctx, player) {
        ctx.tables.counters.need(player.pid).value += 2;
        ctx.tables.totals.need(1).value += 2;
      },
    },
  },
  setup(ctx) {
    ctx.tables.totals.insert({});
    ctx.tables.secret.insert({});
  },
  join(ctx, player) {
    ctx.tables.counters.insert({}, player.pid);
    ctx.tables.scores.insert({}, player.pid);
  },
  tick(ctx) {
    // The first step after a migration, once in each process: what the log holds then is not the new version yet.
    if (ctx.options.throwAtStart === 1 && !hasThrown) {
      hasThrown = true;
      throw new Error('the first step throws as asked');
    }
    ctx.tables.secret.need(1).beats += 1;
  },
  migrate: {
    1: {
      tables: ofAuthor,
      options: ({ hp, throwAtTick }) => ({ hp, throwAtStart: throwAtTick === 999_999 ? 1 : 0 }),
      run(ctx, old) {
        if (old.object.need(1).hp === 13) throw new Error('unlucky');
        let value = 0;
        for (const counter of old.counters) value += counter.value;
        ctx.tables.totals.insert({ value });
      },
    },
  },
});

let hasThrown = false;
