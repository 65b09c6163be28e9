import { decodeStateReply } from '@breakwater/bus';
import { expect, it } from 'vitest';
import { RoomyLog } from '../src/domain/log-room.ts';
import type { ChainPort } from '../src/domain/ports.ts';
import { recordOf } from './memory-world.ts';
import { VolatileWorld } from './volatile-world.ts';

const DELTA_KIND = 2;
const LONG = 70;

/** Short of room as soon as there is a claim. */
const shortOfRoom = (world: VolatileWorld) => (port: ChainPort) => {
  const stream = {
    get isShort() {
      return world.log.records.length > 0;
    },
  };
  return new RoomyLog(port, { maxRecords: 1_000_000, count: async () => 0, stream });
};

/** Takes claims, and no delta at all. */
const withoutRoom = (port: ChainPort): ChainPort => ({
  tail: () => port.tail(),
  read: (from, to) => port.read(from, to),
  purgeBelow: (seq) => port.purgeBelow(seq),
  append: async (bytes, expectedSeq) =>
    bytes[1] === DELTA_KIND ? { kind: 'full', cause: 'full' } : port.append(bytes, expectedSeq),
});

const kindsOf = (world: VolatileWorld) => world.log.records.map((record) => recordOf(record).kind);

it('the marker of a new volatile game is stored in the room that is kept for claims', async () => {
  const world = new VolatileWorld();
  const result = await world.host(1, world.ports({ log: shortOfRoom(world) }));
  expect(result.kind).toBe('hosted');
  expect(recordOf(world.log.records.at(-1)!)).toMatchObject({ kind: 'delta', n: 1, isWhole: true });
});

it('a new volatile game whose marker cannot be stored is given up in time, behind its claim', async () => {
  const world = new VolatileWorld();
  const result = await world.host(1, world.ports({ log: withoutRoom }));
  expect(result).toMatchObject({ refusal: 'unavailable', epoch: 1 });
  expect(kindsOf(world)).toEqual(['claim']);
});

it('a long log is cut down to a new marker, and without room for that the game is hosted all the same', async () => {
  const world = new VolatileWorld();
  for (let epoch = 1; epoch <= LONG; epoch++) {
    const { kind } = await world.host(epoch, epoch === 1 ? world.ports() : world.ports({ log: withoutRoom }));
    expect(kind).toBe('hosted');
  }
  expect(kindsOf(world)).toHaveLength(LONG + 1);
  expect((await world.host(LONG + 1)).kind).toBe('hosted');
  expect(kindsOf(world)).toEqual(['delta']);
  expect((await world.host(LONG + 2)).kind).toBe('hosted');
});

it('a game whose first snapshot finds no room, again and again, does not fill its log with claims', async () => {
  const world = new VolatileWorld({ sleepAfterMs: 600_000 });
  const first = await world.own(1);
  for (let tick = 0; tick < 60; tick++) {
    first.tick(world.clock.monotonicMs());
    await world.clock.advanceAsync(20);
  }
  void first.leave('released');
  await world.clock.advanceAsync(200);
  const full = (port: ChainPort): ChainPort => ({
    tail: () => port.tail(),
    read: (from, to) => port.read(from, to),
    purgeBelow: (seq) => port.purgeBelow(seq),
    append: async () => ({ kind: 'full', cause: 'full' }),
  });
  const lengths: number[] = [];
  for (let epoch = 2; epoch <= 2 * LONG; epoch++) {
    const result = await world.host(epoch, world.ports({ snapshots: full }), undefined, 100);
    expect(result).toMatchObject({ refusal: 'unavailable' });
    lengths.push(world.log.records.length);
  }
  expect(Math.max(...lengths)).toBeLessThan(LONG);
  const result = await world.host(2 * LONG + 1);
  expect(result.kind === 'hosted' && result.game.instance.tick).toBe(60);
});

it('a game whose snapshots know of a later owner is claimed already, whatever its log says', async () => {
  const world = new VolatileWorld();
  await world.host(1);
  const atOne = [...world.log.records];
  await world.host(7);
  world.log.records = atOne;
  expect(await world.host(2)).toMatchObject({ kind: 'refused', refusal: 'claimed', epoch: 7 });
  expect(kindsOf(world)).toEqual(['claim', 'delta']);
});

it('a log that is read in part is read again, and the game does not begin anew', async () => {
  const world = new VolatileWorld();
  const first = await world.own(1);
  for (let tick = 0; tick < 60; tick++) {
    first.tick(world.clock.monotonicMs());
    await world.clock.advanceAsync(20);
  }
  first.stop('shutdown');
  let partly = 3;
  const stale = (port: ChainPort): ChainPort => ({
    tail: () => port.tail(),
    append: (bytes, expectedSeq) => port.append(bytes, expectedSeq),
    purgeBelow: (seq) => port.purgeBelow(seq),
    read: async (from, to) => (partly-- > 0 ? [] : port.read(from, to)),
  });
  const result = await world.host(2, world.ports({ log: stale }));
  expect(partly).toBeLessThan(0);
  expect(result.kind === 'hosted' && result.game.instance.tick).toBeGreaterThan(0);
});

it('a log that seems empty at first is looked at again, and one that is empty is lost', async () => {
  const world = new VolatileWorld();
  await world.host(1);
  let empty = 1;
  const stale = (port: ChainPort): ChainPort => ({
    tail: async () => (empty-- > 0 ? undefined : port.tail()),
    append: (bytes, expectedSeq) => port.append(bytes, expectedSeq),
    purgeBelow: (seq) => port.purgeBelow(seq),
    read: (from, to) => port.read(from, to),
  });
  expect((await world.host(2, world.ports({ log: stale }))).kind).toBe('hosted');
  empty = Number.POSITIVE_INFINITY;
  expect(await world.host(3, world.ports({ log: stale }))).toMatchObject({ refusal: 'log_lost' });
});

it('a game that wakes goes on from the snapshot that it fell asleep with, also where an older one is read', async () => {
  const world = new VolatileWorld({ sleepAfterMs: 200 });
  let older = 0;
  const stale = (port: ChainPort): ChainPort => ({
    append: (bytes, expectedSeq) => port.append(bytes, expectedSeq),
    purgeBelow: (seq) => port.purgeBelow(seq),
    read: (from, to) => port.read(from, to),
    tail: async () => (older-- > 0 ? world.snapshots.records.at(-2) : port.tail()),
  });
  const owner = await world.own(1, {}, {}, world.ports({ snapshots: stale }));
  const pass = async (ticks: number) => {
    for (let tick = 0; tick < ticks; tick++) {
      owner.tick(world.clock.monotonicMs());
      await world.clock.advanceAsync(20);
    }
  };
  await pass(60);
  expect(owner.state).toBe('sleeping');
  older = 3;
  const ticks: number[] = [];
  const answer = {
    state: (bytes: Uint8Array) => {
      const decoded = decodeStateReply(bytes);
      if (decoded.ok) ticks.push(decoded.value.tick);
    },
    error: () => undefined,
  };
  owner.receive({ kind: 'sync', edge: 'edge', pids: [], answer });
  await world.clock.advanceAsync(2_000);
  await pass(20);
  expect(older).toBeLessThan(0);
  expect(ticks[0]).toBeGreaterThanOrEqual(50);
  owner.stop('shutdown');
});

it('who asks for state while the log cannot be read is told that the game is busy, from a number on', async () => {
  const world = new VolatileWorld({ sleepAfterMs: 600_000 });
  let isReadable = true;
  const unreadable = (port: ChainPort): ChainPort => ({
    append: (bytes, expectedSeq) => port.append(bytes, expectedSeq),
    purgeBelow: (seq) => port.purgeBelow(seq),
    read: (from, to) => port.read(from, to),
    tail: () => (isReadable ? port.tail() : Promise.reject(new Error('no answer'))),
  });
  const owner = await world.own(1, { maxInputs: 5 }, {}, world.ports({ log: unreadable }));
  isReadable = false;
  let busy = 0;
  const answer = {
    state: () => undefined,
    error: (code: string) => {
      if (code === 'busy') busy += 1;
    },
  };
  for (let tick = 0; tick < 20; tick++) {
    owner.receive({ kind: 'sync', edge: `edge-${tick}`, pids: [], answer });
    owner.tick(world.clock.monotonicMs());
    await world.clock.advanceAsync(20);
  }
  // One is on its way with the read, five wait for the next.
  expect(busy).toBe(14);
  owner.stop('shutdown');
});
