import { expect, it } from 'vitest';
import { RoomyLog } from '../src/domain/log-room.ts';
import type { ChainPort } from '../src/domain/ports.ts';
import { recordOf } from './memory-world.ts';
import { VolatileWorld } from './volatile-world.ts';

const DELTA_KIND = 2;
const LONG = 70;

const shortOfRoom = (port: ChainPort): ChainPort =>
  new RoomyLog(port, { maxRecords: 1_000_000, count: async () => 0, stream: { isShort: true } });

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
  const result = await world.host(1, world.ports({ log: shortOfRoom }));
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
