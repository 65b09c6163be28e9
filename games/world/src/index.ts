import { defineGame, i8, int, table, u8, u16, u32 } from '@breakwater/game-kit';
import { growObject, plantObjects, spawnPoint } from './places.ts';
import {
  COOLDOWN_TICKS,
  DAMAGE,
  isInReach,
  isVelocity,
  KINDS,
  MAX_SPEED,
  moveStep,
  TICK_HZ,
} from './view.ts';

/** Players walk on a map and break objects; the breaking hit earns the XP; what is broken grows back. */
export const world = defineGame({
  type: 'world',
  schemaVersion: 1,
  tickHz: TICK_HZ,
  maxPlayers: 100,
  /** A day without a player. */
  endAfterMs: 86_400_000,
  options: {
    objects: int(0, 2000, 500),
    /** Ticks until a broken object grows back in its place, as any kind; twice as long at most. */
    regrowTicks: int(1, 72_000, 200),
  },
  tables: {
    /** By pid. `dx`, `dy` are where the player is going, in units a tick. */
    players: table({ visibility: 'all', columns: { x: u16(), y: u16(), dx: i8(), dy: i8(), xp: u32() } }),
    /** `hp` 0 is broken, and `brokenBy` then says by whom. */
    objects: table({
      visibility: 'all',
      columns: { kind: u8(), x: u16(), y: u16(), hp: u16(), brokenBy: u32() },
    }),
    hits: table({ visibility: 'all', transient: true, columns: { by: u32(), object: u32(), hp: u16() } }),
    breaks: table({ visibility: 'all', transient: true, columns: { by: u32(), object: u32(), xp: u32() } }),
    /** By pid: the tick from which the player may hit again. */
    cooldowns: table({ visibility: 'server', columns: { readyAtTick: u32() } }),
    /** By object: the tick at which it grows back. */
    regrowth: table({ visibility: 'server', columns: { atTick: u32() } }),
  },
  commands: {
    /** Go this way until told otherwise; 0, 0 stops. */
    steer: {
      args: { dx: int(-MAX_SPEED, MAX_SPEED), dy: int(-MAX_SPEED, MAX_SPEED) },
      run(ctx, player, { dx, dy }) {
        if (!isVelocity({ dx, dy })) return ctx.reject('too_fast');
        const row = ctx.tables.players.need(player.pid);
        row.dx = dx;
        row.dy = dy;
      },
    },
    hit: {
      args: { object: int(1, 0xffff_fffe) },
      run(ctx, player, args) {
        const object = ctx.tables.objects.row(args.object);
        if (object === undefined) return ctx.reject('no_such_object');
        if (object.hp === 0) return ctx.reject('broken');
        const hitter = ctx.tables.players.need(player.pid);
        if (!isInReach(hitter, object)) return ctx.reject('out_of_reach');
        const cooldown = ctx.tables.cooldowns.need(player.pid);
        // One tick of mercy, paid back by the next hit: commands that arrive unevenly are not the player's fault.
        if (ctx.tick + 1 < cooldown.readyAtTick) return ctx.reject('cooling_down');
        cooldown.readyAtTick = Math.max(cooldown.readyAtTick, ctx.tick) + COOLDOWN_TICKS;

        object.hp = Math.max(0, object.hp - DAMAGE);
        ctx.tables.hits.insert({ by: player.pid, object: object.id, hp: object.hp });
        if (object.hp > 0) return;
        const xp = KINDS[object.kind]!.worth;
        object.brokenBy = player.pid;
        hitter.xp += xp;
        ctx.award(player.pid, xp);
        ctx.tables.breaks.insert({ by: player.pid, object: object.id, xp });
        const wait = ctx.random.int(ctx.options.regrowTicks, ctx.options.regrowTicks * 2);
        ctx.tables.regrowth.insert({ atTick: ctx.tick + wait }, object.id);
      },
    },
  },
  setup(ctx) {
    plantObjects(ctx.tables.objects, ctx.options.objects, ctx.random);
  },
  join(ctx, player) {
    const { x, y } = spawnPoint(ctx.tables.players, ctx.random);
    ctx.tables.players.insert({ x, y }, player.pid);
    ctx.tables.cooldowns.insert({}, player.pid);
  },
  disconnected(ctx, player) {
    const row = ctx.tables.players.need(player.pid);
    row.dx = 0;
    row.dy = 0;
  },
  leave(ctx, player) {
    ctx.tables.players.remove(player.pid);
    ctx.tables.cooldowns.remove(player.pid);
  },
  tick(ctx) {
    for (const player of ctx.tables.players) {
      if (player.dx === 0 && player.dy === 0) continue;
      const { x, y } = moveStep(player, player);
      player.x = x;
      player.y = y;
    }
    for (const { id, atTick } of ctx.tables.regrowth) {
      if (atTick > ctx.tick) continue;
      growObject(ctx.tables.objects.need(id), ctx.random);
      ctx.tables.regrowth.remove(id);
    }
  },
});

export { world as game };
