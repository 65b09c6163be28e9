import { expect, it } from 'vitest';
import type { ChainPort } from '../src/domain/ports.ts';
import { recordOf } from './memory-world.ts';
import { VolatileWorld } from './volatile-world.ts';

/** Holds what is appended from `hold` on, until `release`. */
class Gate {
  #held: Promise<void> | undefined;
  #release: () => void = () => undefined;
  held = 0;

  readonly before = (port: ChainPort): ChainPort => ({
    tail: () => port.tail(),
    read: (from, to) => port.read(from, to),
    purgeBelow: (seq) => port.purgeBelow(seq),
    append: async (bytes, expectedSeq) => {
      if (this.#held !== undefined) this.held += 1;
      await this.#held;
      return port.append(bytes, expectedSeq);
    },
  });

  hold(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    this.#release = resolve;
  }

  release(): void {
    this.#held = undefined;
    this.#release();
  }
}

it('a snapshot that is stored while the end is on its way is not taken for the end', async () => {
  const world = new VolatileWorld({ sleepAfterMs: 200 });
  const log = new Gate();
  const snapshots = new Gate();
  const stops: string[] = [];
  const events = { onStopped: (reason: string) => void stops.push(reason) };
  const ports = world.ports({ log: log.before, snapshots: snapshots.before });
  const owner = await world.own(1, { volatileLossMs: 4_000 }, events, ports);
  snapshots.hold();
  log.hold();
  for (let tick = 0; tick < 100 && owner.isTicking; tick++) {
    owner.tick(world.clock.monotonicMs());
    await world.clock.advanceAsync(20);
  }
  expect([owner.state, snapshots.held]).toEqual(['sleeping', 1]);
  owner.retire('over');
  await world.clock.advanceAsync(100);
  expect(log.held).toBe(1);
  const before = world.snapshots.records.length;
  snapshots.release();
  await world.clock.advanceAsync(2_000);
  expect(world.snapshots.records).toHaveLength(before + 1);
  expect(stops).toEqual([]);
  log.release();
  await world.clock.advanceAsync(100);
  expect(stops).toEqual(['ended']);
  expect(recordOf(world.log.records.at(-1)!)).toMatchObject({ kind: 'end', reason: 'over' });
});
