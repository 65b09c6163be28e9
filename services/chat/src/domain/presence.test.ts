import type { EdgeMember, EdgePresence } from '@breakwater/bus';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Presence } from './presence.ts';

const OPTIONS = { edgeHeartbeatMs: 3_000, missedHeartbeats: 3, graceMs: 5_000 };

const member = (room: string, session: string, user: string, name = user): EdgeMember => ({
  room,
  session,
  user,
  name,
});

function delta(version: number, parts: Partial<Extract<EdgePresence, { kind: 'delta' }>> = {}): EdgePresence {
  const empty = { joined: [], left: [], dropped: [] };
  return { kind: 'delta', edge: 'e1', incarnation: 'i1', version, ...empty, ...parts };
}

const usersIn = (presence: Presence, room: string) => presence.people(room, 1_000).map(({ user }) => user);

describe('presence', () => {
  test('a reload within the grace is not noticed by anybody', () => {
    const presence = new Presence(OPTIONS);
    presence.heard(delta(1, { joined: [member('r', 's1', 'ann')] }), 0);
    expect([...presence.takeChanges().keys()]).toEqual(['r']);
    presence.heard(delta(2, { dropped: [{ room: 'r', session: 's1' }] }), 100);
    presence.tick(4_000);
    presence.heard(delta(3, { joined: [member('r', 's2', 'ann')] }), 4_500);
    for (const ms of [5_200, 6_000, 9_000]) presence.tick(ms);
    expect(presence.takeChanges().size).toBe(0);
    expect(usersIn(presence, 'r')).toEqual(['ann']);
  });

  test('a dropped socket leaves after the grace, a leave by command at once, and the last time is kept', () => {
    const presence = new Presence(OPTIONS);
    presence.heard(delta(1, { joined: [member('r', 's1', 'ann'), member('r', 's2', 'bob')] }), 0);
    presence.takeChanges();
    presence.heard(
      delta(2, { dropped: [{ room: 'r', session: 's1' }], left: [{ room: 'r', session: 's2' }] }),
      1_000,
    );
    expect([...(presence.takeChanges().get('r')?.left ?? [])]).toEqual(['bob']);
    presence.tick(5_999);
    expect(usersIn(presence, 'r')).toEqual(['ann']);
    presence.tick(6_000);
    expect([...(presence.takeChanges().get('r')?.left ?? [])]).toEqual(['ann']);
    expect(presence.takeDepartures()).toEqual([
      { user: 'bob', name: 'bob', seenMs: 1_000 },
      { user: 'ann', name: 'ann', seenMs: 1_000 },
    ]);
  });

  test('a user is present while any session is, on any edge', () => {
    const presence = new Presence({ ...OPTIONS, graceMs: 0 });
    presence.heard(delta(1, { joined: [member('r', 's1', 'ann')] }), 0);
    presence.heard({ ...delta(1, { joined: [member('r', 's1', 'ann')] }), edge: 'e2' } as EdgePresence, 0);
    presence.heard(delta(2, { left: [{ room: 'r', session: 's1' }] }), 1);
    expect(usersIn(presence, 'r')).toEqual(['ann']);
    presence.heard({ kind: 'gone', edge: 'e2', incarnation: 'i1' }, 2);
    expect(usersIn(presence, 'r')).toEqual([]);
  });

  test('an edge that misses three heartbeats has its members in their grace, one late message does not', () => {
    const presence = new Presence(OPTIONS);
    presence.heard(delta(1, { joined: [member('r', 's1', 'ann')] }), 0);
    presence.tick(9_000);
    expect(presence.edges).toBe(1);
    presence.tick(9_001);
    expect(presence.edges).toBe(0);
    expect(usersIn(presence, 'r')).toEqual(['ann']);
    presence.tick(14_001);
    expect(usersIn(presence, 'r')).toEqual([]);
  });

  test('an edge with a hole in its versions is asked once, until it answered', () => {
    const presence = new Presence(OPTIONS);
    presence.heard(delta(1, { joined: [member('r', 's1', 'ann')] }), 0);
    expect(presence.takeSyncs()).toEqual([]);
    presence.heard(delta(3, { joined: [member('r', 's3', 'cyd')] }), 10);
    expect(presence.takeSyncs()).toEqual(['e1']);
    presence.heard(delta(4), 20);
    expect(presence.takeSyncs()).toEqual([]);
    presence.synced('e1', { incarnation: 'i1', version: 4, members: [member('r', 's3', 'cyd')] }, 30);
    expect(usersIn(presence, 'r').sort()).toEqual(['ann', 'cyd']);
    presence.tick(6_000);
    expect(usersIn(presence, 'r')).toEqual(['cyd']);
    presence.heard(delta(5, { joined: [member('r', 's4', 'dan')] }), 40);
    expect(presence.takeSyncs()).toEqual([]);
  });

  test('nobody leaves for a silence that was our own', () => {
    const presence = new Presence(OPTIONS);
    presence.heard(delta(1, { joined: [member('r', 's1', 'ann'), member('r', 's2', 'bob')] }), 0);
    presence.heard(delta(2, { dropped: [{ room: 'r', session: 's2' }] }), 100);
    presence.forgive(60_000);
    presence.tick(60_100);
    expect(usersIn(presence, 'r')).toEqual(['ann', 'bob']);
  });
});

/** An edge as it really is, and what is on its way to chat. */
class ModelEdge {
  readonly name: string;
  readonly members = new Map<string, EdgeMember>();
  incarnation = 0;
  version = 0;
  isUp = true;

  constructor(name: string) {
    this.name = name;
  }

  get #head() {
    return { edge: this.name, incarnation: `${this.name}-${this.incarnation}` };
  }

  heartbeat(): EdgePresence {
    return { kind: 'heartbeat', ...this.#head, version: this.version };
  }

  delta(parts: { joined?: EdgeMember[]; left?: string[]; dropped?: string[] }): EdgePresence {
    this.version += 1;
    const { joined = [], left = [], dropped = [] } = parts;
    for (const one of joined) this.members.set(`${one.room}/${one.session}`, one);
    for (const key of [...left, ...dropped]) this.members.delete(key);
    const refs = (keys: string[]) =>
      keys.map((key) => ({ room: key.split('/')[0]!, session: key.split('/')[1]! }));
    return {
      kind: 'delta',
      ...this.#head,
      version: this.version,
      joined,
      left: refs(left),
      dropped: refs(dropped),
    };
  }

  crash(): void {
    this.isUp = false;
    this.members.clear();
  }

  start(): void {
    this.isUp = true;
    this.incarnation += 1;
    this.version = 0;
  }

  whole() {
    const { incarnation } = this.#head;
    return { incarnation, version: this.version, members: [...this.members.values()] };
  }
}

type Op =
  | { op: 'join'; edge: number; room: number; user: number }
  | { op: 'part'; edge: number; pick: number; dropped: boolean }
  | { op: 'crash' | 'restart' | 'orderly'; edge: number }
  | { op: 'wait'; ms: number };

const op: fc.Arbitrary<Op & { lost: boolean }> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('join' as const),
      edge: fc.nat(2),
      room: fc.nat(2),
      user: fc.nat(3),
      lost: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('part' as const),
      edge: fc.nat(2),
      pick: fc.nat(20),
      dropped: fc.boolean(),
      lost: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constantFrom('crash' as const, 'restart' as const, 'orderly' as const),
      edge: fc.nat(2),
      lost: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 7_000 }),
      lost: fc.boolean(),
    }),
  },
);

/** Edges, one replica of chat, and a network that loses what it is told to lose. */
class World {
  readonly edges = [new ModelEdge('e0'), new ModelEdge('e1'), new ModelEdge('e2')];
  readonly presence = new Presence(OPTIONS);
  /** A roster that only follows the changes that were published. */
  readonly follower = new Map<string, Set<string>>();
  nowMs = 0;
  #session = 0;

  run(ops: readonly (Op & { lost: boolean })[]): void {
    for (const one of ops) {
      const message = this.#apply(one);
      if (message !== undefined && !one.lost) this.presence.heard(message, this.nowMs);
      this.#settle(one.lost);
    }
  }

  /** Heartbeats and answers come through; then everything has been heard and every grace is over. */
  quiet(): void {
    for (let ms = 0; ms < 30_000; ms += 1_000) this.#advance(1_000, false);
  }

  #apply(one: Op): EdgePresence | undefined {
    const edge = 'edge' in one ? this.edges[one.edge]! : undefined;
    if (one.op === 'wait') {
      this.#advance(one.ms, true);
      return undefined;
    }
    if (one.op === 'restart') {
      edge!.crash();
      edge!.start();
      return undefined;
    }
    if (!edge!.isUp) return undefined;
    if (one.op === 'join') {
      this.#session += 1;
      return edge!.delta({ joined: [member(`r${one.room}`, `s${this.#session}`, `u${one.user}`)] });
    }
    if (one.op === 'part') {
      const keys = [...edge!.members.keys()];
      const key = keys[one.pick % Math.max(1, keys.length)];
      if (key === undefined) return undefined;
      return edge!.delta(one.dropped ? { dropped: [key] } : { left: [key] });
    }
    const { incarnation } = edge!.whole();
    edge!.crash();
    return one.op === 'orderly' ? { kind: 'gone', edge: edge!.name, incarnation } : undefined;
  }

  #advance(ms: number, mayLose: boolean): void {
    for (let left = ms; left > 0; left -= 500) {
      this.nowMs += Math.min(500, left);
      if (!mayLose || this.nowMs % 3_000 < 500) {
        for (const edge of this.edges) {
          if (edge.isUp) this.presence.heard(edge.heartbeat(), this.nowMs);
        }
      }
      this.#settle(mayLose && this.nowMs % 2 === 0);
    }
  }

  #settle(isLost: boolean): void {
    for (const name of this.presence.takeSyncs()) {
      const edge = this.edges.find((one) => one.name === name)!;
      if (isLost || !edge.isUp) this.presence.syncFailed(name);
      else this.presence.synced(name, edge.whole(), this.nowMs);
    }
    this.presence.tick(this.nowMs);
    for (const [room, { joined, left }] of this.presence.takeChanges()) {
      const people = this.follower.get(room) ?? new Set();
      this.follower.set(room, people);
      for (const user of joined.keys()) people.add(user);
      for (const user of left) people.delete(user);
    }
  }

  truth(room: string): string[] {
    const users = new Set<string>();
    for (const edge of this.edges) {
      for (const one of edge.members.values()) if (one.room === room) users.add(one.user);
    }
    return [...users].sort();
  }
}

describe('presence, over random edges, losses and crashes', () => {
  test('once it is quiet the roster is the truth, and so is one that only followed the changes', () => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
        const world = new World();
        world.run(ops);
        world.quiet();
        for (const room of ['r0', 'r1', 'r2']) {
          const truth = world.truth(room);
          expect(usersIn(world.presence, room).sort()).toEqual(truth);
          expect([...(world.follower.get(room) ?? [])].sort()).toEqual(truth);
          expect(world.presence.count(room)).toBe(truth.length);
        }
        const all = ['r0', 'r1', 'r2'].flatMap((room) => world.truth(room));
        expect(world.presence.members).toBe(all.length);
      }),
      { numRuns: 300 },
    );
  });

  test('who returns within the grace each time never leaves, whatever edge the socket falls from', () => {
    const hops = fc.array(fc.record({ edge: fc.nat(2), awayMs: fc.integer({ min: 1, max: 4_900 }) }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(hops, (path) => {
        const edges = [new ModelEdge('e0'), new ModelEdge('e1'), new ModelEdge('e2')];
        const presence = new Presence(OPTIONS);
        let nowMs = 0;
        let at = edges[0]!;
        presence.heard(at.delta({ joined: [member('r', 's0', 'ann')] }), nowMs);
        presence.takeChanges();
        for (const [index, hop] of path.entries()) {
          presence.heard(at.delta({ dropped: [`r/s${index}`] }), nowMs);
          nowMs += hop.awayMs;
          presence.tick(nowMs);
          at = edges[hop.edge]!;
          presence.heard(at.delta({ joined: [member('r', `s${index + 1}`, 'ann')] }), nowMs);
          for (const edge of edges) presence.heard(edge.heartbeat(), nowMs);
          presence.tick(nowMs);
        }
        presence.tick(nowMs + 8_000);
        expect(presence.takeChanges().size).toBe(0);
        expect(usersIn(presence, 'r')).toEqual(['ann']);
      }),
    );
  });
});
