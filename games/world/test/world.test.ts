import { createInstance, type EncodedParts, type GameInstance, hydrate } from '@breakwater/game-kit';
import { Replica } from '@breakwater/game-kit/replica';
import { describe, expect, it } from 'vitest';
import { game, world } from '../src/index.ts';
import { COOLDOWN_TICKS, DAMAGE, KINDS, MAP, MAX_SPEED, type WorldRows } from '../src/view.ts';

type World = GameInstance<NonNullable<(typeof world)['types']>['tables']>;

const start = (options: object = {}): World => createInstance(world, { seed: 11, options });

/** Joins players named p1, p2, … and returns their pids. */
function seat(instance: World, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const joined = instance.join({ user: `u${i + 1}`, name: `p${i + 1}`, join: 1 });
    if (joined.kind !== 'joined') throw new Error(`not joined: ${joined.kind}`);
    return joined.pid;
  });
}

function send(instance: World, pid: number, name: string, args: object) {
  const ack = instance.tables.$seats.get(pid, 'ack');
  return instance.command(pid, ack + 1, name, args);
}

/** Puts an object where a player stands. */
function bring(instance: World, object: number, pid: number): void {
  const row = instance.tables.objects.need(object);
  const { x, y } = instance.tables.players.need(pid);
  row.x = x;
  row.y = y;
}

function replicaOf(state: EncodedParts, pid: number): Replica<WorldRows> {
  const replica = new Replica<WorldRows>(JSON.parse(JSON.stringify(world.schema)));
  replica.applyState(state.shared, state.slices.find((slice) => slice.pid === pid)?.bytes);
  return replica;
}

describe('the World', () => {
  it('is the game that this folder exports', () => {
    expect(game).toBe(world);
    expect(world).toMatchObject({ type: 'world', tickHz: 20, maxPlayers: 100, durability: 'committed' });
  });

  it('begins with 500 whole objects inside the map, of every kind, none on another', () => {
    const { objects } = start().tables;
    expect(objects.size).toBe(500);
    const places = new Set<string>();
    const kinds = new Set<number>();
    for (const { x, y, kind, hp } of objects) {
      expect(x >= 0 && x < MAP.width && y >= 0 && y < MAP.height).toBe(true);
      expect(hp).toBe(KINDS[kind]!.hp);
      places.add(`${x},${y}`);
      kinds.add(kind);
    }
    expect(places.size).toBe(500);
    expect(kinds.size).toBe(KINDS.length);
  });

  it('has room for its options: no object and two thousand', () => {
    expect(start({ objects: 0 }).tables.objects.size).toBe(0);
    expect(start({ objects: 2000 }).tables.objects.size).toBe(2000);
  });

  it('puts players apart', () => {
    const instance = start();
    seat(instance, 20);
    const places = Array.from(instance.tables.players, ({ x, y }) => ({ x, y }));
    for (const [i, a] of places.entries()) {
      for (const b of places.slice(i + 1))
        expect((a.x - b.x) ** 2 + (a.y - b.y) ** 2).toBeGreaterThan(50 ** 2);
    }
  });

  it('moves who steers, tick by tick until told otherwise, and stops at the edge of the map', () => {
    const instance = start();
    const [pid] = seat(instance, 1) as [number];
    const player = instance.tables.players.need(pid);
    player.x = 100;
    player.y = 100;
    expect(send(instance, pid, 'steer', { dx: -8, dy: 6 })).toBe('applied');
    instance.step();
    instance.step();
    expect([player.x, player.y]).toEqual([84, 112]);
    for (let i = 0; i < 300; i++) instance.step();
    expect([player.x, player.y]).toEqual([0, MAP.height - 1]);
    send(instance, pid, 'steer', { dx: 0, dy: 0 });
    instance.step();
    expect([player.x, player.y]).toEqual([0, MAP.height - 1]);
  });

  it('lets nobody run faster than the rest', () => {
    const instance = start();
    const [pid] = seat(instance, 1) as [number];
    expect(send(instance, pid, 'steer', { dx: MAX_SPEED, dy: 1 })).toEqual({ rejected: 'too_fast' });
    expect(send(instance, pid, 'steer', { dx: MAX_SPEED + 1, dy: 0 })).toEqual({ rejected: 'bad_args' });
    expect(instance.tables.players.need(pid).dx).toBe(0);
  });

  it('stops who lost the connection and takes who left off the map', () => {
    const instance = start();
    const [pid] = seat(instance, 1) as [number];
    send(instance, pid, 'steer', { dx: 5, dy: 5 });
    instance.disconnected(pid, 1);
    expect(instance.tables.players.need(pid)).toMatchObject({ dx: 0, dy: 0 });
    instance.leave(pid, 1);
    expect([instance.tables.players.size, instance.tables.cooldowns.size]).toEqual([0, 0]);
  });
});

describe('a hit', () => {
  it('takes hit points, breaks with the last one, and pays the worth of the object', () => {
    const instance = start();
    const [pid] = seat(instance, 1) as [number];
    bring(instance, 1, pid);
    const object = instance.tables.objects.need(1);
    const { hp, worth } = KINDS[object.kind]!;
    for (let left = hp; left > 0; left -= DAMAGE) {
      expect(object.hp).toBe(left);
      expect(send(instance, pid, 'hit', { object: 1 })).toBe('applied');
      for (let i = 0; i < COOLDOWN_TICKS; i++) instance.step();
    }
    expect(object).toMatchObject({ hp: 0, brokenBy: pid });
    expect(instance.tables.players.get(pid, 'xp')).toBe(worth);
    expect(send(instance, pid, 'hit', { object: 1 })).toEqual({ rejected: 'broken' });
  });

  it('needs an object, in reach, and a moment since the last', () => {
    const instance = start();
    const [pid] = seat(instance, 1) as [number];
    expect(send(instance, pid, 'hit', { object: 9999 })).toEqual({ rejected: 'no_such_object' });
    const player = instance.tables.players.need(pid);
    const object = instance.tables.objects.need(1);
    player.x = 500;
    object.x = 561;
    player.y = object.y;
    expect(send(instance, pid, 'hit', { object: 1 })).toEqual({ rejected: 'out_of_reach' });
    object.x = 560;
    expect(send(instance, pid, 'hit', { object: 1 })).toBe('applied');
    expect(send(instance, pid, 'hit', { object: 1 })).toEqual({ rejected: 'cooling_down' });
  });

  it('cannot come more often than the cool-down says, however early each one is sent', () => {
    const instance = start();
    const [pid] = seat(instance, 1) as [number];
    const object = instance.tables.objects.need(1);
    let hits = 0;
    for (let tick = 0; tick < 30 * COOLDOWN_TICKS; tick++) {
      bring(instance, 1, pid);
      object.hp = 150;
      if (send(instance, pid, 'hit', { object: 1 }) === 'applied') hits++;
      instance.step();
    }
    expect(hits).toBeGreaterThanOrEqual(30);
    expect(hits).toBeLessThanOrEqual(31);
  });

  it('by 50 players in the same tick gives the XP to exactly one, and everyone sees to whom', () => {
    const instance = start();
    const pids = seat(instance, 50);
    for (const pid of pids) Object.assign(instance.tables.players.need(pid), { x: 600, y: 600 });
    Object.assign(instance.tables.objects.need(7), { x: 620, y: 600, hp: DAMAGE });
    instance.encodeDelta();
    const state = instance.encodeState();
    const replicas = pids.map((pid) => {
      const replica = replicaOf(state, pid);
      const breaks: unknown[] = [];
      replica.table('breaks').on({ event: (row) => breaks.push({ ...row }) });
      return { pid, replica, breaks };
    });

    const results = pids.map((pid) => send(instance, pid, 'hit', { object: 7 }));
    instance.step();
    const delta = instance.encodeDelta();

    expect(results.filter((result) => result === 'applied')).toHaveLength(1);
    expect(
      results.filter((result) => typeof result === 'object' && result.rejected === 'broken'),
    ).toHaveLength(49);
    const winner = pids[results.indexOf('applied')]!;
    const xp = KINDS[instance.tables.objects.get(7, 'kind')]!.worth;
    for (const { pid, replica, breaks } of replicas) {
      replica.applyDelta(delta.shared, delta.slices.find((slice) => slice.pid === pid)?.bytes);
      expect(replica.table('objects').rows.get(7)).toMatchObject({ hp: 0, brokenBy: winner });
      expect(breaks).toEqual([{ by: winner, object: 7, xp }]);
      const paid = [...replica.table('players').rows].filter(([, row]) => row.xp > 0);
      expect(paid.map(([id, row]) => [id, row.xp])).toEqual([[winner, xp]]);
      expect(replica.table('$seats').rows.get(pid)).toMatchObject({ ack: 1 });
    }
  });
});

describe('what is broken', () => {
  it('grows back whole where it was after its time, also when the game moved in between', () => {
    const live = start({ objects: 20, regrowTicks: 10 });
    const [pid] = seat(live, 1) as [number];
    bring(live, 3, pid);
    live.tables.objects.set(3, 'hp', DAMAGE);
    const place = { x: live.tables.objects.get(3, 'x'), y: live.tables.objects.get(3, 'y') };
    send(live, pid, 'hit', { object: 3 });
    live.encodeDelta();
    const moved = hydrate(world, live.encodeState(), { seed: 11, options: { objects: 20, regrowTicks: 10 } });
    for (const instance of [live, moved]) {
      for (let i = 0; i < 9; i++) instance.step();
      expect(instance.tables.objects.get(3, 'hp')).toBe(0);
      for (let i = 0; i < 12; i++) instance.step();
      const object = instance.tables.objects.need(3);
      expect(object).toMatchObject({ hp: KINDS[object.kind]!.hp, brokenBy: 0, ...place });
      expect(instance.tables.regrowth.size).toBe(0);
    }
    expect(moved.hash()).toBe(live.hash());
  });
});
