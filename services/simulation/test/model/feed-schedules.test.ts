/** Schedules that show a player a gap or the past with one rule less, against the edge's follower on a real log. */

import type { GameRecord, StateReply } from '@breakwater/bus';
import { expect, it } from 'vitest';
import type { FeedPosition, LogStretch } from '../../../edge/src/domain/feed-follower.ts';
import { MemoryWorld } from '../memory-world.ts';
import { entryOf } from './model-edge.ts';
import { type Asked, Watcher } from './watcher.ts';

/** A game of one player, and an edge to which every message is brought by hand. */
class Stage {
  readonly world = new MemoryWorld({ trouble: 0, random: () => 0.5 }, { keepAliveMs: 100_000 });
  readonly #asked: ((answer: Asked) => void)[] = [];
  readonly #tails: ((tail: FeedPosition | undefined) => void)[] = [];
  readonly watcher = this.#newWatcher();
  /** Another edge. */
  readonly other = this.#newWatcher();
  #joins = 0;
  #n = 0;

  async begin(): Promise<this> {
    await this.claim();
    return this;
  }

  async claim(): Promise<void> {
    if (this.world.owners.length > 0) this.world.crash(0);
    const hosting = this.world.host(this.world.tailEpoch + 1);
    await this.pass(200);
    await hosting;
  }

  async pass(ms = 0): Promise<void> {
    await this.world.clock.advanceAsync(ms);
  }

  /** One record more in the log. */
  async delta(): Promise<void> {
    this.#n += 1;
    this.world.command(1, this.#n);
    await this.world.ticks(5);
  }

  /** The player asks for a seat, and the owner answers: the answer, not yet delivered. */
  async join(edge = this.watcher): Promise<StateReply> {
    this.#joins += 1;
    void edge.join('ann');
    this.world.join('ann', this.#joins);
    await this.world.ticks(5);
    return this.newestReply();
  }

  newestReply(): StateReply {
    const newest = this.world.replies.at(-1);
    if (newest === undefined) throw new Error('the owner did not answer');
    return newest.reply;
  }

  /** The owner's answer to a sync of now. */
  async sync(): Promise<StateReply> {
    const { world } = this;
    const [living] = world.owners;
    living?.owner.receive({ kind: 'sync', edge: 'edge', pids: [1], answer: world.answer(living.way) });
    await world.ticks(5);
    return this.newestReply();
  }

  async answer(reply: StateReply): Promise<void> {
    this.#asked.shift()?.(reply);
    await this.pass();
  }

  /** The feed brings the record at this place of the log, from its end: -1 is the newest. */
  async feed(at: number, edge = this.watcher): Promise<void> {
    const { archive } = this.world.log;
    const index = archive.length + at;
    const record = archive[index];
    if (record === undefined) throw new Error('there is no such record');
    edge.follower.onRecord({ ...entryOf(record), prev: archive[index - 1]?.seq ?? 0 });
    await this.pass();
  }

  async answerTail(tail: FeedPosition | undefined): Promise<void> {
    this.#tails.shift()?.(tail);
    await this.pass();
  }

  tailNow(): FeedPosition | undefined {
    const tail = this.world.log.records.at(-1);
    return tail && entryOf(tail);
  }

  /** Sequences that the player was shown, in order. */
  shown(edge = this.watcher): number[] {
    const { shown = [] } = edge.members.get('ann') ?? {};
    return shown.map((each) => (each.kind === 'state' ? each.reply.seq : each.seq));
  }

  deltas(): number[] {
    const entries = this.world.log.archive.map(entryOf);
    return entries.filter(({ record }) => record.kind === 'delta').map(({ seq }) => seq);
  }

  /** The player comes back at the other edge; what that edge asks the owner meanwhile is answered as well. */
  async move(): Promise<void> {
    const before = this.other.members.get('ann')?.join ?? 0;
    // Joins are numbered by the client, wherever it is.
    for (let join = before; join < this.#joins; join++) void this.other.join('ann');
    this.#asked.length = 0;
    const reply = await this.join(this.other);
    await this.answer({ ...reply, join: this.#joins });
    while (this.#asked.length > 0) await this.answer(await this.sync());
  }

  #newWatcher(): Watcher {
    return new Watcher({
      clock: this.world.clock,
      publish: () => undefined,
      request: () => new Promise((resolve) => void this.#asked.push(resolve)),
      read: async (fromSeq) => this.#read(fromSeq),
      tail: () => new Promise((resolve) => void this.#tails.push(resolve)),
    });
  }

  #read(fromSeq: number): LogStretch<GameRecord> {
    const entries = this.world.log.records.filter(({ seq }) => seq >= fromSeq).map(entryOf);
    return { entries, complete: true };
  }
}

const SCHEDULES = [
  {
    row: 'B1: copies of records up to the state arrive late',
    async run(stage: Stage) {
      await stage.answer(await stage.join());
      for (const at of [-2, -1]) await stage.feed(at);
      expect(stage.watcher.follower.state).toBe('following');
      expect(stage.shown()).toHaveLength(1);
    },
  },
  {
    row: 'B1a: the answer to a look at the tail is older than what the feed has brought since',
    async run(stage: Stage) {
      await stage.answer(await stage.join());
      const old = stage.tailNow();
      void stage.watcher.checkTail();
      await stage.delta();
      await stage.feed(-1);
      await stage.answerTail(old);
      expect(stage.watcher.follower.state).toBe('following');
      expect(stage.shown()).toEqual(stage.deltas().slice(-2));
    },
  },
  {
    row: 'B1b: a state older than what was shown is the first answer to a sync',
    async run(stage: Stage) {
      const old = await stage.join();
      await stage.answer(old);
      await stage.delta();
      await stage.feed(-1);
      stage.watcher.follower.onForeignLog();
      await stage.answer(old);
      expect(stage.shown().at(-1)).toBe(stage.deltas().at(-1));
      await stage.pass(200);
      await stage.answer(await stage.sync());
      const shown = stage.shown();
      expect(shown).toEqual([...shown].sort((a, b) => a - b));
      expect(shown.at(-1)).toBe(stage.deltas().at(-1));
    },
  },
  {
    row: 'B1c: the edge missed a delta while it was cut off, and a claim comes next',
    async run(stage: Stage) {
      await stage.answer(await stage.join());
      await stage.delta();
      await stage.claim();
      await stage.feed(-1);
      expect(stage.shown()).toEqual(stage.deltas().slice(-2));
      expect(stage.watcher.follower.position.seq).toBe(stage.world.log.lastSeq);
    },
  },
  {
    row: 'B2: what the edge missed was purged',
    async run(stage: Stage) {
      await stage.answer(await stage.join());
      for (let count = 0; count < 4; count++) await stage.delta();
      const { log } = stage.world;
      log.purgeBelow(log.lastSeq);
      await stage.feed(-1);
      expect(stage.watcher.follower.state).toBe('resetting');
      expect(stage.shown()).toHaveLength(1);
      await stage.answer(await stage.sync());
      expect(stage.watcher.follower.state).toBe('following');
      expect(stage.shown().at(-1)).toBe(stage.deltas().at(-1));
    },
  },
  {
    row: 'B3: the state at hand for a client that was too slow is older than what it was shown',
    async run(stage: Stage) {
      const old = await stage.join();
      await stage.answer(old);
      await stage.delta();
      await stage.feed(-1);
      void stage.watcher.join('ann');
      await stage.answer({ ...old, join: 2 });
      expect(stage.shown()).toEqual(stage.deltas().slice(-2));
      await stage.pass(200);
      await stage.answer(await stage.sync());
      expect(stage.shown().at(-1)).toBe(stage.deltas().at(-1));
    },
  },
  {
    row: 'B4: the republication of a claim is lost, and the state for the joiner stands before it',
    async run(stage: Stage) {
      const reply = await stage.join();
      await stage.claim();
      await stage.answer(reply);
      await stage.delta();
      await stage.feed(-1);
      expect(stage.shown()).toEqual(stage.deltas().slice(-2));
    },
  },
  {
    row: 'B4, moved: the player comes to an edge that misses the next delta',
    async run(stage: Stage) {
      await stage.answer(await stage.join());
      await stage.move();
      await stage.delta();
      await stage.delta();
      await stage.feed(-1, stage.other);
      expect(stage.shown(stage.other)).toEqual(stage.deltas().slice(-3));
    },
  },
  {
    row: 'B4n, moved: the edge misses the last delta of all, and looks at the tail',
    async run(stage: Stage) {
      await stage.answer(await stage.join());
      await stage.move();
      await stage.delta();
      void stage.other.checkTail();
      await stage.answerTail(stage.tailNow());
      expect(stage.shown(stage.other)).toEqual(stage.deltas().slice(-2));
    },
  },
  {
    row: 'B4c: the player comes to an edge that is behind, with an older state at hand',
    async run(stage: Stage) {
      const old = await stage.join();
      await stage.answer(old);
      // The other edge has seen the game up to here, and nothing since.
      stage.other.follower.start({ seq: old.seq, stamp: undefined });
      for (let count = 0; count < 2; count++) {
        await stage.delta();
        await stage.feed(-1);
      }
      const before = stage.shown().at(-1);
      await stage.move();
      expect(Math.min(...stage.shown(stage.other))).toBeGreaterThan(before ?? Number.POSITIVE_INFINITY);
      await stage.delta();
      await stage.feed(-1, stage.other);
      expect(stage.shown(stage.other).at(-1)).toBe(stage.deltas().at(-1));
    },
  },
  {
    row: 'B5: the last republication is lost, and nobody has anything more to say',
    async run(stage: Stage) {
      await stage.answer(await stage.join());
      await stage.delta();
      expect(stage.shown()).toHaveLength(1);
      void stage.watcher.checkTail();
      await stage.answerTail(stage.tailNow());
      expect(stage.shown()).toEqual(stage.deltas().slice(-2));
    },
  },
  {
    row: 'B5n: the same, and a notice is the only witness',
    async run(stage: Stage) {
      await stage.answer(await stage.join());
      await stage.delta();
      stage.watcher.follower.onNotice(stage.world.log.lastSeq);
      await stage.pass();
      expect(stage.shown()).toEqual(stage.deltas().slice(-2));
    },
  },
] as const;

it.each(SCHEDULES)(
  'a player sees the log, without a gap and never backwards, when, $row',
  async ({ run }) => {
    const stage = await new Stage().begin();
    await run(stage);
    expect([...stage.watcher.faults, ...stage.other.faults]).toEqual([]);
  },
);
