import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CHAT_VERBS,
  edgeId,
  gameId,
  gameStream,
  gameStreamName,
  InvalidIdError,
  MATCH_VERBS,
  partitionOf,
  podId,
  roomId,
  roomStream,
  roomStreamName,
  SIM_VERBS,
  snapshotStream,
  snapshotStreamName,
  subjectsFor,
  userId,
} from '../src/index.ts';

const validId = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const partitions = fc.integer({ min: 1, max: 64 });

/** Every subject that an id can be part of. */
function subjectsOf(id: string, count: number): string[] {
  const s = subjectsFor(count);
  const [room, game, edge, pod, user] = [roomId(id), gameId(id), edgeId(id), podId(id), userId(id)];
  return [
    s.roomLog(room),
    s.roomFeed(room),
    s.roomSignal(room),
    s.roomPresence(room),
    s.gameIn(game),
    s.gameLog(game),
    s.gameFeed(game),
    s.gameLive(game),
    s.gameSnapshots(game),
    s.edgePresence(edge),
    s.edgeSync(edge),
    s.chatReplicaRoster(pod),
    ...SIM_VERBS.map((verb) => s.sim(pod, verb)),
    s.userInbox(user),
    s.ledger(user),
  ];
}

test('two ids or two uses never share a subject, and no subject is a pattern', () => {
  fc.assert(
    fc.property(fc.uniqueArray(validId, { minLength: 1, maxLength: 5 }), partitions, (ids, count) => {
      const s = subjectsFor(count);
      const fixed = [
        ...CHAT_VERBS.map(s.chat),
        ...MATCH_VERBS.map(s.match),
        s.chatHeartbeat(),
        s.matchHeartbeat(),
        s.simStatus(),
      ];
      const all = [...fixed, ...ids.flatMap((id) => subjectsOf(id, count))];
      expect(new Set(all).size).toBe(all.length);
      for (const subject of all) expect(subject).toMatch(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/);
    }),
  );
});

test('fault 11: what is no id never becomes part of a subject, and is not repeated in the error', () => {
  const bad = ['*', '>', 'a.b', '..', ' ', 'a b', 'r\r\nPUB x 0', 'x'.repeat(300), 'é', '', 'a\n'];
  for (const make of [roomId, gameId, edgeId, podId, userId]) {
    for (const text of bad) expect(() => make(text)).toThrow(InvalidIdError);
    expect(() => make('SECRET value')).toThrow(expect.not.stringContaining('SECRET'));
  }
});

test('the partition of an id is fixed for ever: another one would lose its log', () => {
  expect(['general', 'room-1', 'room-2', 'a', 'Z_9'].map((id) => partitionOf(id, 4))).toMatchInlineSnapshot(`
    [
      3,
      0,
      1,
      0,
      1,
    ]
  `);
  fc.assert(
    fc.property(validId, partitions, (id, count) => {
      const partition = partitionOf(id, count);
      expect(Number.isInteger(partition) && partition >= 0 && partition < count).toBe(true);
    }),
  );
});

test('ids spread over the partitions', () => {
  const counts = [0, 0, 0, 0];
  for (let index = 0; index < 4_000; index++) counts[partitionOf(`room-${index}`, 4)]!++;
  for (const count of counts) expect(count).toBeGreaterThan(800);
});

test("each log lies in its partition's stream, and is republished to its feed", () => {
  const limits = {
    replicas: 1,
    maxBytes: 1,
    maxMessagesPerRoom: 1,
    maxAgeMs: 1,
    duplicateWindowMs: 1,
    maxRecordsPerGame: 1,
    maxSnapshotsPerGame: 1,
  };
  fc.assert(
    fc.property(validId, partitions, (id, count) => {
      const s = subjectsFor(count);
      const p = partitionOf(id, count);
      const streams = [roomStream(p, limits), gameStream(p, limits), snapshotStream(p, limits)];
      const names = [
        roomStreamName(roomId(id), count),
        gameStreamName(gameId(id), count),
        snapshotStreamName(gameId(id), count),
      ];
      expect(streams.map(({ name }) => name)).toEqual(names);
      const logs = [s.roomLog(roomId(id)), s.gameLog(gameId(id)), s.gameSnapshots(gameId(id))];
      expect(streams.map(({ subjects }) => subjects)).toEqual(
        logs.map((log) => [log.replace(/^(\w+\.\d+)\.[^.]+\./, '$1.*.')]),
      );
      const feeds = [s.roomFeed(roomId(id)), s.gameFeed(gameId(id))];
      expect(
        streams
          .slice(0, 2)
          .map((stream) => 'republish' in stream && stream.republish.dest.replace('{{wildcard(1)}}', id)),
      ).toEqual(feeds);
    }),
  );
});
