import { defineGame, int, table, u32 } from '@breakwater/game-kit';

/** A game for tests: each of its steps takes time, and it takes its process down when it is told to. */
export const game = defineGame({
  type: 'heavy',
  schemaVersion: 1,
  tickHz: 5,
  maxPlayers: 8,
  seatGraceMs: 60_000,
  options: { burnMs: int(0, 100, 0) },
  tables: { clock: table({ visibility: 'all', columns: { beats: u32() } }) },
  commands: {
    throwLater: {
      args: {},
      run() {
        queueMicrotask(() => {
          throw new Error('nobody catches this');
        });
      },
    },
  },
  setup(ctx) {
    ctx.tables.clock.insert({});
  },
  tick(ctx) {
    ctx.tables.clock.need(1).beats = ctx.tick;
    const untilMs = performance.now() + ctx.options.burnMs;
    while (performance.now() < untilMs);
  },
});
