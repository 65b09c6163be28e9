import type { LeaderRecord } from '@breakwater/bus';
import { FakeClock } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { HeardTime } from './heard-time.ts';
import { type LeaderSeen, type LeaderStore, Leadership } from './leadership.ts';
import type { WriteResult } from './ports.ts';

const HEARTBEAT_MS = 300;
const limits = { leaderLimitMs: 1_000, leaderTakeoverMs: 1_500 };

/** A key with compare-and-set; a write may be stored and its answer lost, or be lost itself. */
class MemoryKey implements LeaderStore {
  seen: LeaderSeen | undefined;
  next: 'answer lost' | 'write lost' | undefined;

  async get(): Promise<LeaderSeen | undefined> {
    return this.seen;
  }

  create(record: LeaderRecord): Promise<WriteResult> {
    return this.#write(record, undefined);
  }

  update(record: LeaderRecord, revision: number): Promise<WriteResult> {
    return this.#write(record, revision);
  }

  async #write(record: LeaderRecord, revision: number | undefined): Promise<WriteResult> {
    const fault = this.next;
    this.next = undefined;
    if (fault === 'write lost') throw new Error('no answer');
    if (this.seen?.revision !== revision) return 'conflict';
    this.seen = { record, revision: (revision ?? 0) + 1 };
    if (fault === 'answer lost') throw new Error('no answer');
    return { revision: this.seen.revision };
  }
}

class Replica {
  readonly leadership: Leadership;
  readonly #heard = new HeardTime(HEARTBEAT_MS);
  readonly #clock: FakeClock;
  static #nonces = 0;

  constructor(self: string, key: LeaderStore, clock: FakeClock) {
    this.#clock = clock;
    this.leadership = new Leadership({
      self,
      store: key,
      time: clock,
      heard: this.#heard,
      limits,
      nonce: () => `n${Replica.#nonces++}`,
      onError: () => undefined,
    });
  }

  async beat(): Promise<void> {
    this.#heard.echo(this.#clock.monotonicMs());
    await this.leadership.beat();
  }
}

function setUp() {
  const clock = new FakeClock();
  const key = new MemoryKey();
  const replicas = ['a', 'b'].map((self) => new Replica(self, key, clock)) as [Replica, Replica];
  const beats = async (who: readonly Replica[], times: number) => {
    for (let n = 0; n < times; n++) {
      for (const replica of who) await replica.beat();
      const leaders = replicas.filter(({ leadership }) => leadership.isLeader);
      expect(leaders.length).toBeLessThanOrEqual(1);
      clock.advance(HEARTBEAT_MS);
    }
  };
  const leads = () => replicas.map(({ leadership }) => leadership.isLeader);
  return { clock, key, a: replicas[0], b: replicas[1], beats, leads };
}

test('the first replica leads and goes on leading while it renews', async () => {
  const { a, b, beats, leads, key } = setUp();
  await beats([a, b], 40);
  expect(leads()).toEqual([true, false]);
  expect(b.leadership.isFollowing).toBe(true);
  expect(key.seen?.record).toMatchObject({ holder: 'a', term: 1, isVacant: false });
});

test('another replica leads when the key stood still for long enough, and the first learns it', async () => {
  const { a, b, beats, leads, key } = setUp();
  await beats([a, b], 5);
  await beats([b], 4);
  expect(leads()).toEqual([false, false]);
  await beats([b], 1);
  expect(leads()).toEqual([false, true]);
  expect(key.seen?.record).toMatchObject({ holder: 'b', term: 2 });
  await beats([a, b], 20);
  expect(leads()).toEqual([false, true]);
  expect(a.leadership.isFollowing).toBe(true);
});

test('a leader that was paused does not believe itself when it wakes', async () => {
  const { a, beats, clock } = setUp();
  await beats([a], 2);
  expect(a.leadership.isLeader).toBe(true);
  clock.advance(limits.leaderLimitMs);
  expect(a.leadership.isLeader).toBe(false);
  await beats([a], 1);
  expect(a.leadership.isLeader).toBe(true);
});

test('time in which our own heartbeat stays away does not make the key stand still', async () => {
  const { a, b, beats, clock, leads } = setUp();
  await beats([a, b], 2);
  for (let n = 0; n < 4; n++) {
    clock.advance(60_000);
    await b.beat();
  }
  expect(leads()).toEqual([false, false]);
  await beats([a, b], 3);
  expect(leads()).toEqual([true, false]);
});

test('a replica that stops gives the key up, and another takes it at its next beat', async () => {
  const { a, b, beats, leads, key } = setUp();
  await beats([a, b], 3);
  await a.leadership.resign();
  expect(leads()).toEqual([false, false]);
  await a.beat();
  await b.beat();
  expect(leads()).toEqual([false, true]);
  expect(key.seen?.record).toMatchObject({ holder: 'b', term: 2 });
});

test('a renewal without an answer is looked up, stored or not, and the leader stays', async () => {
  for (const fault of ['answer lost', 'write lost'] as const) {
    const { a, b, beats, leads, key } = setUp();
    await beats([a, b], 3);
    key.next = fault;
    await beats([a, b], 2);
    expect(leads()).toEqual([true, false]);
    expect(key.seen?.record).toMatchObject({ holder: 'a', term: 1 });
  }
});

test('a first write without an answer is not believed before it was renewed', async () => {
  const { a, beats, leads, key } = setUp();
  key.next = 'answer lost';
  await a.beat();
  expect(leads()).toEqual([false, false]);
  await beats([a], 1);
  expect(leads()).toEqual([true, false]);
  expect(key.seen?.record.term).toBe(1);
});

test('a belief that outlasts the takeover is refused', () => {
  const parts = { self: 'a', store: new MemoryKey(), time: new FakeClock(), heard: new HeardTime(300) };
  const rest = { nonce: () => 'n', onError: () => undefined };
  expect(
    () => new Leadership({ ...parts, ...rest, limits: { leaderLimitMs: 1_000, leaderTakeoverMs: 1_000 } }),
  ).toThrow(RangeError);
});
