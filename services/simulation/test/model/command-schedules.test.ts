/** Schedules that lose or double a command with one rule less, against our owner and its numbers. */

import { expect, it } from 'vitest';
import { MemoryWorld } from '../memory-world.ts';

const calm = { trouble: 0, random: () => 0.5 };

class Stage {
  readonly world = new MemoryWorld({ ...calm });

  async begin(): Promise<this> {
    const { world } = this;
    const hosting = world.host(1);
    await world.clock.advanceAsync(100);
    await hosting;
    return this;
  }

  async join(join: number): Promise<void> {
    this.world.join('ann', join);
    await this.world.ticks(5);
  }

  /** From the session that joined as `join`. */
  async play(join: number, n: number): Promise<void> {
    for (const { owner } of this.world.owners)
      owner.command({ kind: 'command', pid: 1, join, n, name: 'add', args: { tag: n } });
    await this.world.ticks(5);
  }

  async failOver(): Promise<void> {
    this.world.crash(0);
    const hosting = this.world.host(this.world.tailEpoch + 1);
    await this.world.clock.advanceAsync(200);
    await hosting;
  }

  get lastAck(): number | undefined {
    return this.world.replies.at(-1)?.reply.ack;
  }

  /** How many commands the log counts, and the newest of them. */
  counted(): unknown {
    const { tables } = this.world.replay().instance as unknown as {
      tables: { counters: Iterable<{ value: number; last: number }> };
    };
    return Array.from(tables.counters, ({ value, last }) => [value, last]);
  }
}

const SCHEDULES = [
  {
    row: 'D1: a new session goes on behind commands of the one before that are still under way',
    async run(stage: Stage) {
      await stage.join(1);
      await stage.play(1, 1);
      await stage.join(2);
      expect(stage.lastAck).toBe(1);
      // A late copy under the old session, and the resend under the new one.
      await stage.play(1, 1);
      await stage.play(2, 1);
      await stage.play(2, 2);
      expect(stage.counted()).toEqual([[2, 2]]);
    },
  },
  {
    row: 'D2: an unapplied command of the replaced session arrives after the new session has used its number',
    async run(stage: Stage) {
      await stage.join(1);
      await stage.join(2);
      expect(stage.lastAck).toBe(0);
      await stage.play(2, 1);
      await stage.play(1, 1);
      await stage.play(1, 2);
      expect(stage.counted()).toEqual([[1, 1]]);
      await stage.play(2, 2);
      expect(stage.counted()).toEqual([[2, 2]]);
    },
  },
  {
    row: 'D3: a late copy of an older join comes after the newer session has played',
    async run(stage: Stage) {
      await stage.join(1);
      await stage.join(2);
      await stage.play(2, 1);
      const replies = stage.world.replies.length;
      await stage.join(1);
      expect(stage.world.errors).toEqual(['join_outdated']);
      expect(stage.world.replies.length).toBe(replies);
      await stage.play(2, 2);
      expect(stage.counted()).toEqual([[2, 2]]);
    },
  },
  {
    row: 'D3: the owner dies between a command and its answer, and everything is sent again',
    async run(stage: Stage) {
      await stage.join(1);
      await stage.play(1, 1);
      await stage.failOver();
      await stage.join(2);
      expect(stage.lastAck).toBe(1);
      for (const n of [1, 2, 2, 3]) await stage.play(2, n);
      expect(stage.counted()).toEqual([[3, 3]]);
    },
  },
  {
    row: 'SEED: a number above the next one comes first',
    async run(stage: Stage) {
      await stage.join(1);
      await stage.play(1, 3);
      expect(stage.counted()).toEqual([[0, 0]]);
      await stage.play(1, 2);
      await stage.play(1, 1);
      expect(stage.counted()).toEqual([[3, 3]]);
    },
  },
] as const;

it.each(SCHEDULES)('takes effect once, in order, when, $row', async ({ run }) => {
  const stage = await new Stage().begin();
  await run(stage);
  expect(stage.world.violations).toEqual([]);
});
