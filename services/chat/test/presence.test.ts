import {
  type EdgeMember,
  edgeId,
  personEntry,
  personKey,
  roomId,
  roomPresence,
  userId,
} from '@breakwater/bus';
import type { BusSubscription, NatsBus } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { describe, expect, test } from 'vitest';
import { type Caller, spawnChat, startChat, startWorld, subjects } from './harness.ts';

const QUICK = {
  BREAKWATER_CHAT_EDGE_HEARTBEAT_MS: '200',
  BREAKWATER_CHAT_GRACE_MS: '400',
  BREAKWATER_CHAT_HEARTBEAT_MS: '100',
  BREAKWATER_CHAT_PRESENCE_FLUSH_MS: '20',
  BREAKWATER_CHAT_PRESENCE_REPEAT_MS: '500',
  BREAKWATER_CHAT_SYNC_TIMEOUT_MS: '200',
};

/** What chat sees of an edge: deltas, heartbeats, and the answer to a sync. */
class FakeEdge {
  readonly id: string;
  readonly #nats: NatsBus;
  readonly #members = new Map<string, EdgeMember>();
  readonly #answers: BusSubscription;
  #version = 0;
  #timer: NodeJS.Timeout;
  syncs = 0;

  constructor(nats: NatsBus, id: string) {
    this.#nats = nats;
    this.id = id;
    this.#answers = nats.handle(subjects.edgeSync(edgeId(id)), { decode: (value) => value }, () => {
      this.syncs += 1;
      return { incarnation: 'i1', version: this.#version, members: [...this.#members.values()] };
    });
    this.#timer = setInterval(() => this.#say({ kind: 'heartbeat', version: this.#version }), 100);
  }

  join(room: string, session: string, user: string, isHeard = true): void {
    const member = { room, session, user, name: user.toUpperCase() };
    this.#members.set(`${room}/${session}`, member);
    this.#change({ joined: [member] }, isHeard);
  }

  part(how: 'left' | 'dropped', room: string, session: string): void {
    this.#members.delete(`${room}/${session}`);
    this.#change({ [how]: [{ room, session }] }, true);
  }

  /** Falls silent, as a killed process does. */
  kill(): void {
    clearInterval(this.#timer);
    this.#answers.unsubscribe();
  }

  #change(change: object, isHeard: boolean): void {
    this.#version += 1;
    const empty = { joined: [], left: [], dropped: [] };
    if (isHeard) this.#say({ kind: 'delta', version: this.#version, ...empty, ...change });
  }

  #say(message: object): void {
    const head = { edge: this.id, incarnation: 'i1' };
    this.#nats.publish(subjects.edgePresence(edgeId(this.id)), { ...head, ...message });
  }

  [Symbol.dispose](): void {
    this.kill();
  }
}

const usersIn = async (caller: Caller, room = 'general') =>
  (await caller.roster(room)).roster.people.map(({ user }) => user).sort();

function publications(nats: NatsBus, room = 'general') {
  const heard: ReturnType<typeof roomPresence>[] = [];
  nats.subscribe(subjects.roomPresence(roomId(room)), {}, (message) => {
    heard.push(roomPresence(message.json()));
  });
  return heard;
}

describe('presence', () => {
  test('who joins on an edge is in the roster of every replica, in a join and in the list of rooms', async () => {
    await using world = await startWorld();
    await using _a = await startChat(world.nats, QUICK);
    await using _b = await startChat(world.nats, QUICK);
    using edge = new FakeEdge(world.bus, 'e1');
    edge.join('general', 's1', 'ann');
    edge.join('general', 's2', 'bob');
    for (let round = 0; round < 6; round++) {
      await eventually(async () => expect(await usersIn(world.ann)).toEqual(['ann', 'bob']));
    }
    const joined = await world.ann.join('general');
    expect(joined.roster).toMatchObject({ count: 2, isComplete: true });
    expect(joined.roster.people).toContainEqual({ user: 'ann', name: 'ANN' });
    await eventually(async () => expect((await world.ann.list()).rooms).toMatchObject([{ count: 2 }]));
  });

  test('changes are published once, by one of two replicas, numbered without a hole', async () => {
    await using world = await startWorld();
    await using _a = await startChat(world.nats, { ...QUICK, BREAKWATER_INSTANCE: 'chat-a' });
    await using _b = await startChat(world.nats, { ...QUICK, BREAKWATER_INSTANCE: 'chat-b' });
    using edge = new FakeEdge(world.bus, 'e1');
    const heard = publications(world.bus);
    edge.join('general', 's0', 'zoe');
    await eventually(() => heard.length > 0);
    // Both are warm: from now on one of them speaks.
    await eventually(async () =>
      expect(new Set(heard.slice(-3).map(({ publisher }) => publisher)).size).toBe(1),
    );
    await eventually(() => heard.length >= 4);
    heard.length = 0;
    for (let n = 0; n < 5; n++) {
      edge.join('general', `s${n + 1}`, `user${n}`);
      await eventually(() => heard.some(({ joined }) => joined.some(({ user }) => user === `user${n}`)));
    }
    edge.part('left', 'general', 's1');
    await eventually(() => heard.some(({ left }) => left.includes('user0')));
    expect(new Set(heard.map(({ publisher }) => publisher)).size).toBe(1);
    expect(heard.map(({ n }) => n)).toEqual(heard.map((_, index) => heard[0]!.n + index));
    const joins = heard.flatMap(({ joined }) => joined.map(({ user }) => user));
    expect(joins).toEqual(['user0', 'user1', 'user2', 'user3', 'user4']);
  });

  test('a reload within the grace is not published, a socket that stays away is, and last seen is kept', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats, QUICK);
    using edge = new FakeEdge(world.bus, 'e1');
    using other = new FakeEdge(world.bus, 'e2');
    const heard = publications(world.bus);
    edge.join('general', 's1', 'ann');
    edge.join('general', 's2', 'bob');
    await eventually(() => heard.some(({ count }) => count === 2));
    edge.part('dropped', 'general', 's1');
    const beganMs = Date.now();
    edge.part('dropped', 'general', 's2');
    other.join('general', 's3', 'ann');
    await eventually(() => heard.some(({ left }) => left.includes('bob')));
    await eventually(() => heard.at(-1)?.count === 1);
    expect(heard.flatMap(({ left }) => left)).toEqual(['bob']);
    expect(await usersIn(world.ann)).toEqual(['ann']);
    const people = await world.bus.openBucket({ name: 'people', replicas: 1 }, { decode: personEntry });
    await eventually(async () => {
      const entry = await people.get(personKey(userId('bob')));
      expect(entry?.value).toMatchObject({ user: 'bob', name: 'BOB' });
      expect(entry!.value.lastSeen).toBeLessThanOrEqual(beganMs + 350);
      expect(entry!.value.lastSeen).toBeGreaterThanOrEqual(beganMs - 50);
    });
    expect(await people.get(personKey(userId('ann')))).toBeUndefined();
  });

  test('a change that was lost is found by the edge being asked for the whole', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats, QUICK);
    using edge = new FakeEdge(world.bus, 'e1');
    edge.join('general', 's1', 'ann');
    await eventually(async () => expect(await usersIn(world.ann)).toEqual(['ann']));
    const before = edge.syncs;
    edge.join('general', 's2', 'bob', false);
    await eventually(async () => expect(await usersIn(world.ann)).toEqual(['ann', 'bob']));
    expect(edge.syncs).toBe(before + 1);
  });

  test('an edge that falls silent loses its members after three heartbeats and the grace', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats, QUICK);
    using dying = new FakeEdge(world.bus, 'e1');
    using living = new FakeEdge(world.bus, 'e2');
    dying.join('general', 's1', 'ann');
    living.join('general', 's2', 'bob');
    await eventually(async () => expect(await usersIn(world.ann)).toEqual(['ann', 'bob']));
    dying.kill();
    await eventually(async () => expect(await usersIn(world.ann)).toEqual(['bob']));
  });

  test('the replica that speaks for a room is killed: another one goes on, and nobody has left', async () => {
    await using world = await startWorld();
    const env = (name: string) => ({ ...QUICK, BREAKWATER_INSTANCE: name });
    await using first = await spawnChat(world.nats, env('chat-a'));
    await using second = await spawnChat(world.nats, env('chat-b'));
    using edge = new FakeEdge(world.bus, 'e1');
    const heard = publications(world.bus);
    edge.join('general', 's1', 'ann');
    // Warm both up: the one that is responsible in the end has spoken several times in a row.
    await eventually(
      () => heard.length >= 5 && new Set(heard.slice(-4).map((one) => one.publisher)).size === 1,
    );
    const speaker = heard.at(-1)!.publisher;
    const [dead, alive] = speaker.startsWith('chat-a') ? [first, 'chat-b'] : [second, 'chat-a'];
    await dead.kill();
    edge.join('general', 's2', 'bob');
    await eventually(() => heard.at(-1)?.publisher.startsWith(alive) && heard.at(-1)?.count === 2);
    expect(heard.flatMap(({ left }) => left)).toEqual([]);
    await eventually(async () => expect(await usersIn(world.ann)).toEqual(['ann', 'bob']));
  });

  test('NATS stands still and comes back: nobody has left', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats, QUICK);
    using edge = new FakeEdge(world.bus, 'e1');
    const heard = publications(world.bus);
    edge.join('general', 's1', 'ann');
    await eventually(() => heard.some(({ count }) => count === 1));
    world.nats.pause();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    world.nats.resume();
    const known = heard.length;
    await eventually(() => heard.length > known + 2);
    expect(heard.flatMap(({ left }) => left)).toEqual([]);
    expect(await usersIn(world.ann)).toEqual(['ann']);
  });

  test('a big room gets a count and a sample', async () => {
    await using world = await startWorld();
    const env = { ...QUICK, BREAKWATER_CHAT_MAX_ROSTER: '5', BREAKWATER_CHAT_SAMPLE_SIZE: '3' };
    await using _chat = await startChat(world.nats, env);
    using edge = new FakeEdge(world.bus, 'e1');
    const heard = publications(world.bus);
    for (let n = 0; n < 9; n++) edge.join('general', `s${n}`, `user${n}`);
    await eventually(() => heard.some(({ count, roster }) => count === 9 && roster?.people.length === 3));
    const { roster } = await world.ann.join('general');
    expect(roster).toMatchObject({ count: 9, isComplete: false });
    expect(roster.people).toHaveLength(3);
  });
});
