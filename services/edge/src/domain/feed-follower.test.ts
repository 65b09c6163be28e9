import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FeedEntry,
  FeedFollower,
  type FeedRecord,
  type FollowerLimits,
  type ResetReason,
} from './feed-follower.ts';

const LIMITS: FollowerLimits = { maxQueued: 64, maxRepairRecords: 200, maxKnownStamps: 64 };

interface Stored {
  readonly seq: number;
  readonly stamp: string;
}

/** A log, the client of its follower, and the reads and resets that wait for an answer. */
class Bench {
  readonly log: Stored[] = [];
  readonly removed: Stored[] = [];
  /** What the client shows. */
  shown: Stored[] = [];
  /** Pairs that were shown one after the other. */
  readonly steps: [number, number][] = [];
  reads: { request: number; fromSeq: number }[] = [];
  resets: ResetReason[] = [];
  pendingResets = 0;
  repaired = 0;
  nextSeq = 1;
  #stamps = 0;
  readonly follower: FeedFollower<Stored>;
  readonly #pageSize: number;

  constructor(limits: FollowerLimits = LIMITS, pageSize = 1_000) {
    this.#pageSize = pageSize;
    this.follower = new FeedFollower<Stored>(
      {
        forward: (entry, prev) => {
          this.steps.push([prev, entry.seq]);
          this.shown.push(entry.record);
        },
        read: (request, fromSeq) => this.reads.push({ request, fromSeq }),
        reset: (reason) => {
          this.resets.push(reason);
          this.pendingResets += 1;
        },
        repaired: (records) => {
          this.repaired += records;
        },
      },
      limits,
    );
  }

  /** Other subjects of the stream take sequences too. */
  append(skip = 0): FeedRecord<Stored> {
    this.nextSeq += skip;
    this.#stamps += 1;
    const stored = { seq: this.nextSeq, stamp: `s${this.#stamps}` };
    const prev = this.log.at(-1)?.seq ?? 0;
    this.log.push(stored);
    this.nextSeq += 1;
    return { ...stored, prev, record: stored };
  }

  /** Loses everything after the first `keep` records and goes on from there. */
  cut(keep: number): void {
    this.removed.push(...this.log.splice(keep));
    this.nextSeq = (this.log.at(-1)?.seq ?? 0) + 1;
  }

  expire(count: number): void {
    this.removed.push(...this.log.splice(0, count));
  }

  start(): void {
    this.shown = [...this.log];
    const last = this.log.at(-1);
    this.follower.start({ seq: last?.seq ?? 0, stamp: last?.stamp ?? '' });
  }

  answerRead(): void {
    const read = this.reads.shift();
    if (read === undefined) return;
    const rest = this.log.filter((stored) => stored.seq >= read.fromSeq);
    const page: FeedEntry<Stored>[] = rest
      .slice(0, this.#pageSize)
      .map((stored) => ({ ...stored, record: stored }));
    this.follower.onRead(read.request, { entries: page, complete: page.length === rest.length });
  }

  answerReset(): void {
    if (this.pendingResets === 0) return;
    this.pendingResets -= 1;
    this.start();
  }

  settle(): void {
    for (let turn = 0; turn < 1_000 && (this.reads.length > 0 || this.pendingResets > 0); turn++) {
      this.answerRead();
      this.answerReset();
    }
  }

  checkTail(): void {
    const last = this.log.at(-1);
    if (last !== undefined) this.follower.onTail(last);
  }
}

function started(records = 3): Bench {
  const bench = new Bench();
  for (let index = 0; index < records; index++) bench.append();
  bench.start();
  return bench;
}

describe('FeedFollower', () => {
  it('forwards a record that follows its position', () => {
    const bench = started();
    bench.follower.onRecord(bench.append(4));
    expect(bench.shown).toEqual(bench.log);
    expect(bench.steps).toEqual([[3, 8]]);
  });

  it('drops late copies without looking at the log', () => {
    const bench = started();
    const record = bench.append();
    const next = bench.append();
    for (const copy of [record, next, record, next, record]) bench.follower.onRecord(copy);
    expect(bench.shown).toEqual(bench.log);
    expect(bench.reads).toEqual([]);
  });

  it('reads what is missing from the log before it forwards what came', () => {
    const bench = started();
    bench.append();
    bench.append();
    const last = bench.append();
    bench.follower.onRecord(last);
    expect(bench.shown).toHaveLength(3);
    bench.settle();
    expect(bench.shown).toEqual(bench.log);
    expect(bench.repaired).toBe(3);
    expect(bench.resets).toEqual([]);
  });

  it('keeps what comes during a read, and takes it once', () => {
    const bench = started();
    bench.append();
    bench.follower.onRecord(bench.append());
    bench.follower.onRecord(bench.append());
    bench.answerRead();
    bench.follower.onRecord(bench.append());
    expect(bench.shown).toEqual(bench.log);
  });

  it('finds a lost tail by a notice, and by a look at the log', () => {
    for (const witness of ['notice', 'tail'] as const) {
      const bench = started();
      const lost = bench.append();
      if (witness === 'notice') bench.follower.onNotice(lost.seq);
      else bench.checkTail();
      bench.settle();
      expect(bench.shown).toEqual(bench.log);
    }
  });

  it('learns nothing from a tail that is lower than its position', () => {
    const bench = started();
    bench.follower.onTail({ seq: 2, stamp: 'other' });
    bench.follower.onTail({ seq: 0, stamp: undefined });
    expect(bench.follower.state).toBe('following');
  });

  it('resets when the missing records have expired', () => {
    const bench = started();
    for (let index = 0; index < 4; index++) bench.append();
    bench.expire(5);
    bench.follower.onRecord(bench.append());
    bench.settle();
    expect(bench.resets).toEqual(['expired']);
    expect(bench.shown).toEqual(bench.log);
  });

  it('resets when a record says that there was none before it', () => {
    const bench = started();
    bench.expire(3);
    const record = bench.append();
    expect(record.prev).toBe(0);
    bench.follower.onRecord(record);
    expect(bench.resets).toEqual(['expired']);
  });

  it('resets when a known sequence comes with another stamp', () => {
    const bench = started(5);
    bench.cut(4);
    bench.follower.onRecord(bench.append());
    bench.settle();
    expect(bench.resets).toEqual(['cut']);
    expect(bench.shown).toEqual(bench.log);
  });

  it('resets when the tail has our sequence and another stamp', () => {
    const bench = started(5);
    bench.cut(4);
    bench.append();
    bench.checkTail();
    bench.settle();
    expect(bench.shown).toEqual(bench.log);
  });

  it('gives up a repair that is too long, for full state', () => {
    const bench = new Bench({ ...LIMITS, maxRepairRecords: 10 }, 5);
    bench.append();
    bench.start();
    for (let index = 0; index < 50; index++) bench.append();
    bench.checkTail();
    bench.settle();
    expect(bench.resets).toEqual(['too_far_behind']);
    expect(bench.shown).toEqual(bench.log);
  });

  it('finds what its full queue had to leave out', () => {
    const bench = new Bench({ ...LIMITS, maxQueued: 3 });
    bench.append();
    bench.start();
    bench.append();
    for (let index = 0; index < 20; index++) bench.follower.onRecord(bench.append());
    bench.settle();
    expect(bench.shown).toEqual(bench.log);
  });

  it('takes the stamp of a state that names none from the record at its place', () => {
    const bench = started();
    const record = bench.append();
    bench.follower.start({ seq: record.seq, stamp: undefined });
    bench.follower.onRecord(record);
    expect(bench.follower.position).toEqual({ seq: record.seq, stamp: record.stamp });
    expect(bench.reads).toEqual([]);
  });

  it('does nothing after it was closed', () => {
    const bench = started();
    bench.append();
    bench.follower.onRecord(bench.append());
    bench.follower.close();
    bench.settle();
    bench.follower.onRecord(bench.append());
    bench.follower.onNotice(99);
    expect(bench.shown).toHaveLength(3);
  });
});

type Action =
  | { readonly kind: 'append'; readonly skip: number; readonly copies: readonly number[] }
  | { readonly kind: 'deliver' | 'read' | 'reset' | 'tail' | 'notice' }
  | { readonly kind: 'expire'; readonly share: number }
  | { readonly kind: 'cut'; readonly share: number };

const append = fc.record({
  kind: fc.constant('append' as const),
  skip: fc.nat({ max: 2 }),
  /** How late each copy is, in deliveries; no copy: the feed lost it. */
  copies: fc.array(fc.nat({ max: 6 }), { maxLength: 2 }),
});
const plain = fc.record({
  kind: fc.constantFrom(
    'deliver' as const,
    'deliver' as const,
    'read' as const,
    'reset' as const,
    'tail' as const,
    'notice' as const,
  ),
});
const expire = fc.record({ kind: fc.constant('expire' as const), share: fc.nat({ max: 100 }) });
const cut = fc.record({ kind: fc.constant('cut' as const), share: fc.nat({ max: 100 }) });

/** Runs a story, then lets everything arrive that is on its way. @returns the bench */
function play(actions: readonly Action[], pageSize: number): Bench {
  const bench = new Bench({ ...LIMITS, maxQueued: 4, maxKnownStamps: 64 }, pageSize);
  bench.append();
  bench.start();
  let onTheWay: { record: FeedRecord<Stored>; wait: number }[] = [];
  const deliver = () => {
    for (const message of onTheWay) message.wait -= 1;
    const due = onTheWay.filter((message) => message.wait <= 0);
    onTheWay = onTheWay.filter((message) => message.wait > 0);
    for (const { record } of due) bench.follower.onRecord(record);
  };
  for (const action of actions) {
    if (action.kind === 'append') {
      const record = bench.append(action.skip);
      onTheWay.push(...action.copies.map((wait) => ({ record, wait })));
    } else if (action.kind === 'deliver') deliver();
    else if (action.kind === 'read') bench.answerRead();
    else if (action.kind === 'reset') bench.answerReset();
    else if (action.kind === 'tail') bench.checkTail();
    else if (action.kind === 'notice') bench.follower.onNotice(bench.log.at(-1)?.seq ?? 0);
    else if (action.kind === 'expire') bench.expire(Math.floor((bench.log.length * action.share) / 200));
    else if (action.kind === 'cut')
      bench.cut(Math.max(1, Math.floor((bench.log.length * action.share) / 100)));
  }
  while (onTheWay.length > 0) deliver();
  return bench;
}

const stampsOf = (list: readonly Stored[]) => list.map((stored) => stored.stamp);

describe('FeedFollower, whatever the feed does', () => {
  it('shows exactly the records of the log, in order and without a hole, under loss, copies and delay', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 3, arbitrary: append }, { weight: 4, arbitrary: plain }), {
          maxLength: 120,
        }),
        fc.integer({ min: 2, max: 9 }),
        (actions, pageSize) => {
          const bench = play(actions, pageSize);
          // At no moment a hole: what is shown is the beginning of the log.
          expect(stampsOf(bench.shown)).toEqual(stampsOf(bench.log).slice(0, bench.shown.length));
          bench.settle();
          bench.checkTail();
          bench.settle();
          expect(stampsOf(bench.shown)).toEqual(stampsOf(bench.log));
          expect(bench.resets.filter((reason) => reason !== 'too_far_behind')).toEqual([]);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('shows no hole in what the log ever held while old records expire', () => {
    const story = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: append },
        { weight: 5, arbitrary: plain },
        { weight: 1, arbitrary: expire },
      ),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(story, (actions) => {
        const bench = play(actions, 5);
        bench.settle();
        bench.checkTail();
        bench.settle();
        const everything = stampsOf([...bench.removed, ...bench.log]);
        const shown = stampsOf(bench.shown);
        const from = everything.length - shown.length;
        if (bench.log.length > 0) expect(shown).toEqual(everything.slice(from));
        // Each step forward led from a record to the next one there was.
        for (const [prev, seq] of bench.steps) {
          const order = [...bench.removed, ...bench.log].map((stored) => stored.seq);
          expect(order.indexOf(seq) - order.indexOf(prev)).toBe(prev === 0 ? order.indexOf(seq) + 1 : 1);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('ends at the true log after it was cut back and filled again, once the feed shows a record of the new part', () => {
    const before = fc.array(fc.oneof({ weight: 3, arbitrary: append }, { weight: 4, arbitrary: plain }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(before, cut, fc.integer({ min: 1, max: 10 }), (actions, { share }, refill) => {
        const bench = play(actions, 5);
        bench.settle();
        bench.checkTail();
        bench.settle();
        const keep = Math.max(1, Math.floor((bench.log.length * share) / 100));
        const wasCut = keep < bench.log.length;
        bench.cut(keep);
        const records = Array.from({ length: refill }, () => bench.append());
        bench.follower.onRecord(records[0]!);
        bench.settle();
        for (const record of records.slice(1)) bench.follower.onRecord(record);
        bench.settle();
        bench.checkTail();
        bench.settle();
        expect(stampsOf(bench.shown)).toEqual(stampsOf(bench.log));
        if (wasCut) expect(bench.resets).not.toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});
