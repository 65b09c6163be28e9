/** Schedules that lose a game between its snapshots and its purged log with one rule less, against our loader. */

import { decodeSnapshot } from '@breakwater/bus';
import { expect, it } from 'vitest';
import { type HostingResult, hostGame } from '../../src/domain/hosting.ts';
import type { ChainPort } from '../../src/domain/ports.ts';
import { takeSnapshot } from '../../src/domain/snapshots.ts';
import { type MemoryChain, Way, wayTo } from '../memory-chain.ts';
import { MemoryWorld, recordOf } from '../memory-world.ts';
import type { Damage } from './command.ts';
import { damaged } from './damage.ts';

const calm = { trouble: 0, random: () => 0.5 };

/** A game with a player whose log has grown over several snapshots and was purged behind them. */
class Stage {
  readonly world = new MemoryWorld({ ...calm }, { snapshotEveryRecords: 4 });
  #n = 0;

  async begin(): Promise<this> {
    const hosting = this.world.host(1);
    await this.world.clock.advanceAsync(100);
    await hosting;
    this.world.join('ann', 1);
    await this.world.ticks(5);
    return this;
  }

  async grow(records: number): Promise<void> {
    const target = this.world.log.archive.length + records;
    while (this.world.log.archive.length < target) {
      this.#n += 1;
      this.world.command(1, this.#n);
      await this.world.ticks(3);
    }
    await this.world.ticks(10);
  }

  async claim(): Promise<string> {
    const hosting = this.world.host(this.world.tailEpoch + 1);
    await this.world.clock.advanceAsync(2_000);
    const result = await hosting;
    return result.kind === 'hosted' ? 'hosted' : result.refusal;
  }

  /** By a process whose way to the log is this one. */
  hosting(epoch: number, log: ChainPort): Promise<HostingResult> {
    const { clock, factory, details, ledgers, snapshots } = this.world;
    const { random } = calm;
    return hostGame({
      pod: 'slow',
      ports: {
        log,
        snapshots: this.port(snapshots),
        ledger: ledgers.ports('game', clock, calm, new Way()),
        clock,
        random,
      },
      factory,
      nonce: 'slow',
      epoch,
      details,
      retry: { clock, random, isOver: () => false },
      onBadStart: () => undefined,
    });
  }

  /** The owner takes a snapshot of the state that this one holds. */
  async takeAgain(bytes: Uint8Array = new Uint8Array(0)): Promise<string> {
    const decoded = decodeSnapshot(bytes);
    if (!decoded.ok) throw decoded.error;
    const { clock, log, snapshots } = this.world;
    const retry = { clock, random: calm.random, isOver: () => false };
    const deps = { log: this.port(log), snapshots: this.port(snapshots), retry };
    const taking = takeSnapshot(deps, decoded.value);
    await clock.advanceAsync(500);
    return (await taking).kind;
  }

  damage(at: number, how: Damage = 'bit'): void {
    const { records } = this.world.snapshots;
    const found = records.at(at);
    const bytes = found && damaged(found.bytes, how);
    if (found === undefined || bytes === undefined) throw new Error('there is no such snapshot');
    records.splice(records.indexOf(found), 1, { seq: found.seq, bytes });
  }

  /** Log sequences of the snapshots that can be read. */
  good(): number[] {
    return this.world.snapshots.records.flatMap(({ bytes }) => {
      const decoded = decodeSnapshot(bytes);
      return decoded.ok ? [decoded.value.logSeq] : [];
    });
  }

  get firstSeq(): number {
    return this.world.log.records[0]?.seq ?? 0;
  }

  get isPurged(): boolean {
    return this.firstSeq !== this.world.log.archive[0]?.seq;
  }

  port(chain: MemoryChain): ChainPort {
    return wayTo(chain, this.world.clock, calm, new Way());
  }
}

const SCHEDULES = [
  {
    row: 'C1: the owner purges everything up to the tail that a loader has read, and trims its snapshots',
    async run(stage: Stage) {
      const { log, clock } = stage.world;
      await stage.grow(12);
      const purged = Promise.withResolvers<void>();
      const slow = stage.port(log);
      const gated: ChainPort = {
        ...slow,
        async read(from, to) {
          await purged.promise;
          return slow.read(from, to);
        },
      };
      const hosting = stage.hosting(2, gated);
      await clock.advanceAsync(50);
      const tailSeq = log.lastSeq;
      await stage.grow(12);
      expect(Math.min(...stage.good())).toBeGreaterThan(tailSeq);
      purged.resolve();
      await clock.advanceAsync(2_000);
      expect((await hosting).kind).toBe('hosted');
      expect(log.archive.map((each) => recordOf(each).kind)).not.toContain('end');
    },
  },
  {
    row: 'C2: a snapshot rots, and the next one is not whole yet',
    async run(stage: Stage) {
      while (stage.good().length === 0) await stage.grow(1);
      stage.damage(-1);
      await stage.grow(2);
      expect(stage.good()).toEqual([]);
      expect(stage.isPurged).toBe(false);
      expect(await stage.claim()).toBe('hosted');
    },
  },
  {
    row: 'C2n: both snapshots rot, which no two copies outlive, and the game is called failed and not guessed',
    async run(stage: Stage) {
      await stage.grow(14);
      expect(stage.isPurged).toBe(true);
      const before = stage.world.log.lastSeq;
      for (const at of stage.world.snapshots.records.keys()) stage.damage(at);
      expect(await stage.claim()).toBe('failed');
      const added = stage.world.log.archive.filter(({ seq }) => seq > before);
      expect(added.length).toBe(2);
      expect(await stage.claim()).toBe('failed');
    },
  },
  {
    row: 'C3: a snapshot too many is there, and the newest rots: nothing is dropped before two are verified',
    async run(stage: Stage) {
      await stage.grow(14);
      stage.damage(-1);
      await stage.grow(3);
      expect(stage.good().length).toBeGreaterThan(0);
      expect(stage.firstSeq).toBeLessThanOrEqual(Math.min(...stage.good()));
      expect(await stage.claim()).toBe('hosted');
    },
  },
  {
    row: 'SEED: the newest snapshot rots after the log was purged',
    async run(stage: Stage) {
      await stage.grow(14);
      expect(stage.good().length).toBe(2);
      expect(stage.firstSeq).toBe(Math.min(...stage.good()));
      stage.damage(-1);
      expect(await stage.claim()).toBe('hosted');
    },
  },
  {
    row: 'a snapshot that was on its way comes behind one of a later state, from the same owner',
    async run(stage: Stage) {
      await stage.grow(14);
      const [older] = stage.world.snapshots.records;
      const before = stage.good();
      expect(await stage.takeAgain(older?.bytes)).toBe('refused');
      expect(stage.good()).toEqual(before);
      expect(await stage.claim()).toBe('hosted');
    },
  },
  {
    row: 'the newest snapshot says that it is of a state to come: others are taken behind it',
    async run(stage: Stage) {
      await stage.grow(14);
      const [older] = stage.world.snapshots.records;
      stage.damage(-1, 'future');
      expect(await stage.takeAgain(older?.bytes)).toBe('taken');
      expect(await stage.claim()).toBe('hosted');
    },
  },
] as const;

it.each(SCHEDULES)('a game is found again, or said to be lost, when, $row', async ({ run }) => {
  const stage = await new Stage().begin();
  await run(stage);
  expect(stage.world.violations).toEqual([]);
});
