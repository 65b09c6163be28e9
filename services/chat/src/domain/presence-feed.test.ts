import type { ChatHeartbeat, EdgePresence, RoomPresence } from '@breakwater/bus';
import type { Roster } from '@breakwater/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Presence } from './presence.ts';
import { PresenceFeed } from './presence-feed.ts';
import { Replicas } from './replicas.ts';

const FEED = { publisher: 'a', maxRoster: 3, sampleSize: 2, repeatMs: 15_000, bigRoomMs: 1_000 };
const TIMES = { edgeHeartbeatMs: 3_000, missedHeartbeats: 3, graceMs: 5_000 };
const always = () => true;
const never = () => false;

function edgeDelta(version: number, joined: readonly string[], left: readonly string[] = []): EdgePresence {
  return {
    kind: 'delta',
    edge: 'e',
    incarnation: 'i',
    version,
    joined: joined.map((user) => ({ room: 'r', session: `s-${user}`, user, name: user })),
    left: left.map((user) => ({ room: 'r', session: `s-${user}` })),
    dropped: [],
  };
}

function start(options: Partial<typeof FEED> = {}) {
  const presence = new Presence(TIMES);
  return { presence, feed: new PresenceFeed(presence, { ...FEED, ...options }) };
}

describe('the feed of presence', () => {
  test('changes are numbered without a hole for each room', () => {
    const { presence, feed } = start();
    presence.heard(edgeDelta(1, ['ann', 'bob']), 0);
    const first = feed.changes(always, 0)[0]!.message;
    expect(first).toMatchObject({ publisher: 'a', count: 2, joined: [], left: [] });
    expect(first.roster?.people.map(({ user }) => user)).toEqual(['ann', 'bob']);
    presence.heard(edgeDelta(2, ['cyd'], ['ann']), 10);
    const second = feed.changes(always, 10)[0]!.message;
    expect(second).toEqual({
      publisher: 'a',
      n: first.n + 1,
      count: 2,
      joined: [{ user: 'cyd', name: 'cyd' }],
      left: ['ann'],
    });
    expect(feed.changes(always, 20)).toEqual([]);
    expect(feed.numberOf('r')).toBe(second.n);
  });

  test('a replica that was not responsible in between leaves a hole, so that nobody misses what others said', () => {
    const { presence, feed } = start();
    presence.heard(edgeDelta(1, ['ann']), 0);
    const first = feed.changes(always, 0)[0]!.message;
    presence.heard(edgeDelta(2, ['bob']), 10);
    expect(feed.changes(never, 10)).toEqual([]);
    const again = feed.repeats(always, 20)[0]!.message;
    expect(again.n).toBeGreaterThan(first.n + 1);
    expect(again.roster?.people.map(({ user }) => user)).toEqual(['ann', 'bob']);
  });

  test('a big room gets a count and a sample at most once a second, and its roster when it is small again', () => {
    const { presence, feed } = start();
    presence.heard(edgeDelta(1, ['ann', 'bob', 'cyd', 'dan']), 0);
    const big = feed.changes(always, 0)[0]!.message;
    expect(big).toMatchObject({ count: 4, joined: [], roster: { count: 4, isComplete: false } });
    expect(big.roster?.people).toHaveLength(2);
    presence.heard(edgeDelta(2, ['eve']), 100);
    expect(feed.changes(always, 100)).toEqual([]);
    expect(feed.changes(always, 1_100)[0]?.message).toMatchObject({ n: big.n + 1, count: 5 });
    presence.heard(edgeDelta(3, [], ['ann', 'bob', 'cyd', 'dan']), 3_000);
    const small = feed.changes(always, 3_000)[0]!.message;
    expect(small.roster).toEqual({ count: 1, people: [{ user: 'eve', name: 'eve' }], isComplete: true });
  });

  test('a room that was empty for long does not begin with numbers that it had', () => {
    const { presence, feed } = start();
    presence.heard(edgeDelta(1, ['ann']), 0);
    const first = feed.changes(always, 0)[0]!.message;
    presence.heard(edgeDelta(2, [], ['ann']), 10);
    expect(feed.changes(always, 10)).toMatchObject([{ message: { count: 0, left: ['ann'] } }]);
    expect(feed.repeats(always, 60_000)).toEqual([]);
    presence.heard(edgeDelta(3, ['ann']), 60_001);
    expect(feed.changes(always, 60_001)[0]!.message.n).toBeGreaterThan(first.n + 1);
  });

  test('a room with people is spoken of now and then, so that a lost change is noticed', () => {
    const { presence, feed } = start();
    presence.heard(edgeDelta(1, ['ann']), 0);
    const { n } = feed.changes(always, 0)[0]!.message;
    expect(feed.repeats(always, 14_999)).toEqual([]);
    expect(feed.repeats(always, 15_000)).toMatchObject([{ room: 'r', message: { n: n + 1, count: 1 } }]);
  });
});

/** An edge that follows a room's presence by the rules of the contract. */
class Follower {
  people = new Set<string>();
  #publisher = '';
  #n = 0;

  hear(message: RoomPresence, ask: () => { roster: Roster; publisher: string; n: number } | undefined): void {
    if (message.publisher === this.#publisher && message.n <= this.#n) return;
    const follows = message.publisher === this.#publisher && message.n === this.#n + 1;
    if (!follows) {
      const answer = ask();
      // Without an answer the hole stays open, and the next message shows it again.
      if (answer === undefined) return;
      this.people = new Set(answer.roster.people.map(({ user }) => user));
      this.#publisher = answer.publisher;
      this.#n = answer.n;
      return;
    }
    this.#n = message.n;
    if (message.roster !== undefined) this.people = new Set(message.roster.people.map(({ user }) => user));
    for (const { user } of message.joined) this.people.add(user);
    for (const user of message.left) this.people.delete(user);
  }
}

class Replica {
  readonly name: string;
  readonly presence = new Presence(TIMES);
  readonly feed: PresenceFeed;
  readonly replicas: Replicas;
  isUp = true;

  constructor(name: string) {
    this.name = name;
    this.feed = new PresenceFeed(this.presence, { ...FEED, maxRoster: 100, publisher: name });
    const options = { self: name, heartbeatMs: 1_000, missedHeartbeats: 3, warmUpMs: 4_000 };
    this.replicas = new Replicas(options, 0);
  }

  isMine = (room: string) => this.replicas.responsible(room) === this.name;
}

type Step =
  | { step: 'change'; user: number; lost: boolean }
  | { step: 'toggle'; replica: number }
  | { step: 'wait'; ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ step: fc.constant('change' as const), user: fc.nat(5), lost: fc.boolean() }),
  fc.record({ step: fc.constant('toggle' as const), replica: fc.nat(2) }),
  fc.record({ step: fc.constant('wait' as const), ms: fc.integer({ min: 100, max: 6_000 }) }),
);

describe('presence through several replicas', () => {
  test('an edge that loses messages while replicas come and go ends with the true roster', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const replicas = ['a', 'b', 'c'].map((name) => new Replica(name));
        const follower = new Follower();
        const truth = new Set<string>();
        let version = 0;
        let nowMs = 0;
        const up = () => replicas.filter((replica) => replica.isUp);
        const ask = () => {
          const one = up()[0];
          const speaker = up().find((replica) => replica.name === one?.replicas.responsible('r')) ?? one;
          const n = speaker?.feed.numberOf('r') ?? 0;
          return speaker && { roster: speaker.feed.roster('r'), publisher: speaker.name, n };
        };
        const turn = (isLost: boolean) => {
          for (const replica of up()) {
            for (const _ of replica.presence.takeSyncs()) {
              const members = [...truth].map((user) => ({
                room: 'r',
                session: `s-${user}`,
                user,
                name: user,
              }));
              replica.presence.synced('e', { incarnation: 'i', version, members }, nowMs);
            }
            replica.presence.tick(nowMs);
            for (const { message } of replica.feed.changes(replica.isMine, nowMs)) {
              if (!isLost) follower.hear(message, ask);
            }
          }
        };
        const wait = (ms: number) => {
          for (let left = ms; left > 0; left -= 500) {
            nowMs += 500;
            const beats: ChatHeartbeat[] = up().map(({ name, replicas: own }) => ({
              replica: name,
              warm: own.isWarm(nowMs),
              gone: false,
            }));
            for (const replica of up()) {
              for (const one of beats) replica.replicas.heard(one, nowMs);
              if (replica.replicas.tick(nowMs)) replica.presence.forgive(nowMs);
              replica.presence.heard({ kind: 'heartbeat', edge: 'e', incarnation: 'i', version }, nowMs);
            }
            turn(false);
            for (const replica of up()) {
              for (const { message } of replica.feed.repeats(replica.isMine, nowMs))
                follower.hear(message, ask);
            }
          }
        };
        for (const one of steps) {
          if (one.step === 'wait') wait(one.ms);
          else if (one.step === 'toggle') replicas[one.replica]!.isUp = !replicas[one.replica]!.isUp;
          else {
            const user = `u${one.user}`;
            const isIn = truth.has(user);
            if (isIn) truth.delete(user);
            else truth.add(user);
            version += 1;
            const message = isIn ? edgeDelta(version, [], [user]) : edgeDelta(version, [user]);
            for (const replica of up()) replica.presence.heard(message, nowMs);
            turn(one.lost);
          }
        }
        for (const replica of replicas) replica.isUp = true;
        truth.add('last');
        version += 1;
        for (const replica of replicas) replica.presence.heard(edgeDelta(version, ['last']), nowMs);
        wait(60_000);
        expect([...follower.people].sort()).toEqual([...truth].sort());
      }),
      { numRuns: 200 },
    );
  });
});
