import { choice, defineGame, int, table, text, u32 } from '@breakwater/game-kit';

/** A volatile game for tests: counts its ticks where everybody sees them, and misbehaves when asked to. */
export const game = defineGame({
  type: 'twitch',
  schemaVersion: 1,
  durability: 'volatile',
  tickHz: 50,
  maxPlayers: 60,
  seatGraceMs: 400,
  sleepAfterMs: 400,
  maxStateBytes: 64 * 1024,
  options: {
    /** Tick at which every step throws, 0: never. */
    throwAtTick: int(0, 1_000_000, 0),
    /** `calm` changes nothing by itself. */
    mode: choice(['restless', 'calm'], 'restless'),
  },
  tables: {
    clock: table({ visibility: 'all', columns: { ticks: u32() } }),
    counters: table({ visibility: 'all', columns: { value: u32(), last: u32() } }),
    ballast: table({ visibility: 'all', columns: { load: text(1_000) } }),
    secret: table({ visibility: 'server', columns: { throwAt: u32() } }),
  },
  commands: {
    /** Adds one and remembers the argument, so that the order of application can be read. */
    add: {
      args: { tag: int(0, 0xffff_ffff, 0) },
      run(ctx, player, { tag }) {
        const row = ctx.tables.counters.need(player.pid);
        row.value += 1;
        row.last = tag;
      },
    },
    /** The next step throws, once: the mark is never stored. */
    breakStep: {
      args: {},
      run(ctx) {
        ctx.tables.secret.need(1).throwAt = ctx.tick + 1;
      },
    },
    fatten: {
      args: { rows: int(1, 200) },
      run(ctx, _player, { rows }) {
        for (let row = 0; row < rows; row++) ctx.tables.ballast.insert({ load: 'x'.repeat(1_000) });
      },
    },
    finish: { args: {}, run: (ctx) => ctx.end('finished') },
  },
  setup(ctx) {
    ctx.tables.clock.insert({});
    ctx.tables.secret.insert({});
  },
  join(ctx, player) {
    ctx.tables.counters.insert({}, player.pid);
  },
  leave(ctx, player) {
    ctx.tables.counters.remove(player.pid);
  },
  tick(ctx) {
    const { throwAtTick, mode } = ctx.options;
    if (throwAtTick > 0 && ctx.tick >= throwAtTick) throw new Error('always throws');
    if (ctx.tables.secret.need(1).throwAt === ctx.tick) throw new Error('the step throws as asked');
    if (mode === 'restless') ctx.tables.clock.need(1).ticks = ctx.tick;
  },
});
