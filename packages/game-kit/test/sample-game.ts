import { bool, choice, defineGame, f64, i8, i16, i32, int, table, text, u8, u16, u32 } from '../src/index.ts';

/** A game that uses every kind of column and table and does nothing sensible with them. */
export const sample = defineGame({
  type: 'sample',
  schemaVersion: 1,
  maxPlayers: 4,
  seatGraceMs: 200,
  options: { things: int(0, 50, 5), mode: choice(['calm', 'wild'], 'calm') },
  tables: {
    players: table({ visibility: 'all', columns: { x: i16(), y: i16(), xp: u32(), title: text(16) } }),
    things: table({
      visibility: 'all',
      maxRows: 200,
      columns: { a: u8(), b: u16(), c: i8(), d: i32(), e: f64(), f: bool(), g: text(24) },
    }),
    hands: table({ visibility: 'owner', columns: { card: u8(), face: bool() } }),
    secrets: table({ visibility: 'server', columns: { value: u32() } }),
    hits: table({ visibility: 'all', transient: true, columns: { by: u32(), thing: u32() } }),
    whispers: table({ visibility: 'owner', transient: true, columns: { word: text(16) } }),
  },
  commands: {
    move: {
      args: { dx: int(-5, 5), dy: int(-5, 5) },
      run(ctx, player, { dx, dy }) {
        const row = ctx.tables.players.need(player.pid);
        row.x += dx;
        row.y += dy;
      },
    },
    say: {
      args: { title: text(16) },
      run(ctx, player, { title }) {
        ctx.tables.players.set(player.pid, 'title', title);
      },
    },
    hit: {
      args: { thing: int(1, 1000) },
      run(ctx, player, { thing }) {
        const row = ctx.tables.things.row(thing);
        if (row === undefined) return ctx.reject('no_such_thing');
        row.a = (row.a + ctx.random.int(1, 9)) % 256;
        row.e += 0.5;
        row.f = !row.f;
        ctx.tables.hits.insert({ by: player.pid, thing });
        if (row.a > 200) ctx.tables.things.remove(thing);
      },
    },
    draw: {
      args: {},
      run(ctx, player) {
        const card = ctx.random.int(0, 51);
        ctx.tables.hands.insert({ owner: player.pid, card, face: ctx.random.chance(1, 2) });
        ctx.tables.whispers.insert({ owner: player.pid, word: `card ${card}` });
        ctx.tables.secrets.insert({ value: ctx.random.u32() });
      },
    },
    give: {
      args: { to: int(1, 1000) },
      run(ctx, player, { to }) {
        for (const row of ctx.tables.hands) {
          if (row.owner !== player.pid) continue;
          ctx.tables.hands.insert({ owner: to, card: row.card, face: row.face });
          ctx.tables.hands.remove(row.id);
          return;
        }
        ctx.reject('empty_hand');
      },
    },
    /** Ends as `wreck` does, without having done anything. */
    balk: {
      args: { how: choice(['throw', 'reject']) },
      run(ctx, _player, { how }) {
        if (how === 'reject') ctx.reject('as_asked');
        throw new Error('as asked');
      },
    },
    /** Does a lot, then throws or rejects. */
    wreck: {
      args: { how: choice(['throw', 'reject', 'range', 'end']) },
      run(ctx, player, { how }) {
        ctx.tables.players.need(player.pid).x += 1;
        for (const row of ctx.tables.things) {
          row.d = -row.d - 1;
          if (ctx.random.chance(1, 3)) ctx.tables.things.remove(row.id);
        }
        ctx.tables.things.insert({ g: 'new' });
        const again = ctx.tables.things.insert({ g: 'brief' });
        ctx.tables.things.remove(again);
        for (const row of ctx.tables.hands) ctx.tables.hands.remove(row.id);
        ctx.tables.hits.insert({ by: player.pid, thing: 1 });
        if (how === 'end') ctx.end('wrecked');
        if (how === 'range') ctx.tables.players.need(player.pid).x = Number.POSITIVE_INFINITY;
        if (how === 'reject') ctx.reject('as_asked');
        throw new Error('as asked');
      },
    },
  },
  setup(ctx) {
    for (let i = 0; i < ctx.options.things; i++) {
      ctx.tables.things.insert({
        a: i,
        b: i * 1000,
        c: -i,
        d: -i * 100_000,
        e: i / 8,
        f: i % 2 === 0,
        g: `thing ${i} é`,
      });
    }
    ctx.tables.secrets.insert({ value: ctx.random.u32() });
  },
  join(ctx, player) {
    if (player.name === 'nobody') ctx.reject('name_taken');
    ctx.tables.players.insert({ x: 0, title: player.name.slice(0, 4) }, player.pid);
    if (player.name === 'thrower') throw new Error('as asked');
  },
  disconnected(ctx, player) {
    ctx.tables.players.need(player.pid).title = 'away';
  },
  leave(ctx, player) {
    ctx.tables.players.remove(player.pid);
    for (const row of ctx.tables.things) if (row.a % 7 === 0) ctx.tables.things.remove(row.id);
  },
  tick(ctx) {
    if (ctx.options.mode === 'wild' || ctx.tick % 3 === 0)
      ctx.tables.things.insert({ a: ctx.random.int(0, 255) });
    for (const row of ctx.tables.things) row.d += row.id % 5 === ctx.tick % 5 ? 1 : 0;
    if (ctx.tables.things.size > 150) for (const row of ctx.tables.things) ctx.tables.things.remove(row.id);
  },
});
