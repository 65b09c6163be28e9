/** Single orders of events around the owner of a volatile game, on the model's server and processes. */

import { type DeltaRecord, decodeGameRecord, decodeSnapshot, type Snapshot } from '@breakwater/bus';
import { ModelClock } from '@breakwater/testkit';
import { expect, it } from 'vitest';
import type { StopReason } from '../../src/domain/owner-types.ts';
import { Broker } from './broker.ts';
import { recordOf } from './evidence.ts';
import { ModelFleet } from './model-fleet.ts';
import { HOST_TIMEOUT_MS } from './model-process.ts';
import type { Seam } from './seeded-bugs.ts';
import { LOSS_MS, LOSS_TICKS, TWITCH } from './volatile-twitch.ts';

class Stage {
  readonly clock = new ModelClock();
  readonly broker = new Broker(this.clock, () => 0.5, 'single');
  readonly shown: DeltaRecord[] = [];
  readonly stops: string[] = [];
  readonly fleet: ModelFleet;

  constructor(seam: Seam = {}, game = TWITCH) {
    const { broker, clock } = this;
    const nothing = () => undefined;
    const onStopped = (process: { readonly name: string }, epoch: number, reason: StopReason) =>
      void this.stops.push(`${process.name} ${epoch} ${reason}`);
    const events = { onStopped, onAnswer: nothing, onTickError: nothing };
    this.fleet = new ModelFleet({ broker, clock, random: () => 0.5, seam, events, game });
    broker.subscribeLive(broker.newLink(), (bytes) => {
      const decoded = decodeGameRecord(bytes);
      if (decoded.ok && decoded.value.kind === 'delta') this.shown.push(decoded.value);
    });
  }

  /** What was shown last. */
  get last(): DeltaRecord {
    const last = this.shown.at(-1);
    if (last === undefined) throw new Error('nothing was shown');
    return last;
  }

  get kinds(): string[] {
    return this.broker.log.archive.map(recordOf).map(({ kind, epoch, n }) => `${kind} ${epoch}.${n}`);
  }

  /** The one that a hosting begins with. */
  first(epoch: number): Snapshot {
    for (const { bytes } of this.broker.snapshots.archive) {
      const decoded = decodeSnapshot(bytes);
      if (decoded.ok && decoded.value.epoch === epoch && decoded.value.n === 0) return decoded.value;
    }
    throw new Error(`no hosting began at ${epoch}`);
  }

  async host(process: number, epoch: number): Promise<unknown> {
    const hosting = this.fleet.host(process, epoch);
    await this.clock.advance(100);
    return hosting;
  }

  /** Makes the next step throw. */
  async breakStep(): Promise<void> {
    const player = { user: 'ann', name: 'ann', session: 'ann', edge: 'edge', join: 1, spectate: false };
    const respond = () => undefined;
    this.broker.publishInput({ input: { kind: 'join', ...player }, respond });
    await this.clock.advance(100);
    const input = { kind: 'command', pid: 1, join: 1, n: 1, name: 'breakStep', args: {} } as const;
    this.broker.publishInput({ input, respond });
    await this.clock.advance(100);
  }

  /** Until what is shown is some way ahead of what is stored. */
  async playAhead(): Promise<void> {
    const stored = this.broker.snapshots.archive.length;
    for (let ms = 0; this.broker.snapshots.archive.length < stored + 2; ms++) {
      if (ms > 10 * LOSS_MS) throw new Error('no snapshots are taken');
      await this.clock.advance(1);
    }
    await this.clock.advance(LOSS_MS / 3);
  }
}

it('a volatile game that is hosted again by the process that has it already goes on with all that was shown', async () => {
  const stage = new Stage();
  expect(await stage.host(0, 1)).toMatchObject({ outcome: 'hosted' });
  await stage.playAhead();
  const rehosting = stage.fleet.host(0, 2);
  await stage.clock.advance(100);
  expect(await rehosting).toEqual({ outcome: 'hosted', epoch: 2 });
  const before = stage.shown.filter(({ epoch }) => epoch === 1);
  expect(before.length).toBeGreaterThan(10);
  expect(stage.first(2).tick).toBe(before.at(-1)?.tick);
  expect(stage.last.epoch).toBe(2);
  expect(stage.stops).toEqual(['sim-0 1 released']);
});

it('a volatile game that is hosted again where it is while NATS is away loses no more than the promise', async () => {
  const stage = new Stage();
  await stage.host(0, 1);
  await stage.playAhead();
  stage.broker.pause();
  const rehosting = stage.fleet.host(0, 2);
  await stage.clock.advance(2 * HOST_TIMEOUT_MS);
  stage.broker.resume();
  await stage.clock.advance(2 * HOST_TIMEOUT_MS);
  expect(await rehosting).toMatchObject({ refusal: 'unavailable' });
  await stage.host(1, 3);
  const before = stage.shown.filter(({ epoch }) => epoch === 1);
  expect(stage.first(3).tick).toBeGreaterThanOrEqual((before.at(-1)?.tick ?? 0) - LOSS_TICKS);
  expect(stage.last.epoch).toBe(3);
});

it('a volatile game whose newest snapshot is gone from its stream goes on soon, behind the one before it', async () => {
  const stage = new Stage();
  await stage.host(0, 1);
  await stage.playAhead();
  const gone = stage.broker.snapshots.records.pop();
  await stage.clock.advance(2 * LOSS_MS + 1_000);
  // Nobody plays, so it went to sleep meanwhile, which takes a snapshot of all of it.
  expect(stage.fleet.at(0).host.lines()).toMatchObject([{ epoch: 1, state: 'sleeping' }]);
  expect(stage.broker.snapshots.records.at(-1)?.seq).toBeGreaterThan(gone?.seq ?? Number.POSITIVE_INFINITY);
  expect(stage.stops).toEqual([]);
});

/** The first claim of this epoch gets no answer, nor does its sender after it; it is stored when it is told to be. */
class LateClaim implements Seam {
  #store: (() => void) | undefined;
  readonly #epoch: number;

  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  readonly log: NonNullable<Seam['log']> = (port, { log }) => {
    let isAway = false;
    return {
      ...port,
      append: async (bytes, expectedSeq) => {
        const { kind, epoch } = recordOf({ seq: 0, bytes });
        if (this.#store === undefined && kind === 'claim' && epoch === this.#epoch) {
          isAway = true;
          this.#store = () => void log.apply(bytes, expectedSeq);
        }
        return isAway ? { kind: 'doubt', cause: 'no answer' } : port.append(bytes, expectedSeq);
      },
      tail: () => (isAway ? Promise.reject(new Error('no answer')) : port.tail()),
    };
  };

  get isSent(): boolean {
    return this.#store !== undefined;
  }

  store(): void {
    this.#store?.();
  }
}

it('a volatile game that threw goes on behind its own claim, when that was given up in doubt and is stored late', async () => {
  const late = new LateClaim(2);
  const stage = new Stage(late);
  await stage.host(0, 1);
  await stage.playAhead();
  await stage.breakStep();
  expect(late.isSent).toBe(true);
  await stage.clock.advance(HOST_TIMEOUT_MS + 200);
  expect(stage.kinds).toEqual(['claim 1.0', 'delta 1.1']);
  late.store();
  await stage.clock.advance(3_000);
  expect(stage.kinds).toEqual(['claim 1.0', 'delta 1.1', 'claim 2.0']);
  expect(stage.last.epoch).toBe(2);
  expect(JSON.parse(stage.first(2).details)).toMatchObject({ restarts: [expect.any(Number)] });
});

it('a volatile game that threw is left to another owner, when its own claim was given up in doubt and never stored', async () => {
  const late = new LateClaim(2);
  const stage = new Stage(late);
  await stage.host(0, 1);
  await stage.playAhead();
  await stage.breakStep();
  await stage.clock.advance(HOST_TIMEOUT_MS + 200);
  await stage.host(1, 2);
  late.store();
  await stage.clock.advance(3_000);
  expect(stage.kinds).toEqual(['claim 1.0', 'delta 1.1', 'claim 2.0']);
  expect(stage.fleet.at(0).host.lines()).toEqual([]);
  expect(stage.fleet.at(1).host.lines()).toMatchObject([{ epoch: 2 }]);
});
