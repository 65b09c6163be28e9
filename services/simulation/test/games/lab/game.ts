import { choice, defineGame, int, table, text, u32 } from '@breakwater/game-kit';

/** A game for tests: counts, and misbehaves when asked to. */
export const game = defineGame({
  type: 'lab',
  schemaVersion: 1,
  tickHz: 50,
  maxPlayers: 60,
  // Tests send one player's commands by the hundred.
  maxPendingAwardsPerUser: 1_024,
  seatGraceMs: 400,
  sleepAfterMs: 400,
  maxStateBytes: 64 * 1024,
  options: {
    /** Hit points of the one object. */
    hp: int(1, 1_000_000, 1),
    /** Tick at which every step throws, 0: never. */
    throwAtTick: int(0, 1_000_000, 0),
    mode: choice(['calm', 'throws-always', 'setup-throws', 'restless'], 'calm'),
  },
  tables: {
    counters: table({ visibility: 'all', columns: { value: u32(), last: u32() } }),
    object: table({ visibility: 'all', columns: { hp: u32(), brokenBy: u32() } }),
    scores: table({ visibility: 'all', columns: { xp: u32() } }),
    ballast: table({ visibility: 'all', columns: { load: text(1_000) } }),
    hands: table({ visibility: 'owner', columns: { card: u32() } }),
    secret: table({ visibility: 'server', columns: { throwNow: u32(), beats: u32() } }),
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
    hit: {
      args: {},
      run(ctx, player) {
        const object = ctx.tables.object.need(1);
        if (object.hp === 0) return ctx.reject('broken');
        object.hp -= 1;
        if (object.hp > 0) return;
        object.brokenBy = player.pid;
        ctx.tables.scores.need(player.pid).xp += 10;
        ctx.award(player.pid, 10);
      },
    },
    /** XP for nothing, counted in the score as well. */
    earn: {
      args: { amount: int(1, 1_000, 1) },
      run(ctx, player, { amount }) {
        ctx.tables.scores.need(player.pid).xp += amount;
        ctx.award(player.pid, amount);
      },
    },
    draw: {
      args: {},
      run(ctx, player) {
        ctx.tables.hands.insert({ owner: player.pid, card: ctx.random.int(1, 1_000_000) });
      },
    },
    refuse: { args: {}, run: (ctx) => ctx.reject('as_asked') },
    /** Changes something, then throws. */
    explode: {
      args: {},
      run(ctx, player) {
        ctx.tables.counters.need(player.pid).value += 1_000;
        throw new Error('exploded as asked');
      },
    },
    /** Takes the whole process down, as no game should. */
    throwLater: {
      args: {},
      run() {
        queueMicrotask(() => {
          throw new Error('nobody catches this');
        });
      },
    },
    /** The next step throws, once: the mark is never stored. */
    breakStep: {
      args: {},
      run(ctx) {
        ctx.tables.secret.need(1).throwNow = 1;
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
    if (ctx.options.mode === 'setup-throws') throw new Error('setup throws as asked');
    ctx.tables.object.insert({ hp: ctx.options.hp });
    ctx.tables.secret.insert({});
  },
  join(ctx, player) {
    ctx.tables.counters.insert({}, player.pid);
    ctx.tables.scores.insert({}, player.pid);
  },
  leave(ctx, player) {
    ctx.tables.counters.remove(player.pid);
    ctx.tables.scores.remove(player.pid);
  },
  tick(ctx) {
    const secret = ctx.tables.secret.need(1);
    const { mode, throwAtTick } = ctx.options;
    if (mode === 'throws-always' || (throwAtTick > 0 && ctx.tick >= throwAtTick))
      throw new Error('always throws');
    if (secret.throwNow === 1) throw new Error('the step throws as asked');
    if (mode === 'restless') secret.beats = ctx.tick;
  },
});
