import { expect, test } from 'vitest';
import { edgeId, gameId, podId, roomId, userId } from './ids.ts';
import { GRANTS, NATS_USERS, PARTITION_MARK, permissionsOf, permissionTemplateOf } from './permissions.ts';
import { BUCKETS, STREAM_OWNERS } from './streams.ts';
import {
  CHAT_VERBS,
  MATCH_OPERATIONS,
  MATCH_VERBS,
  SIM_VERBS,
  SUBJECT_PATTERNS,
  type Subjects,
  subjectsFor,
} from './subjects.ts';

/** Does a NATS pattern (`*` one token, `>` the rest) take a subject? */
function matches(pattern: string, subject: string): boolean {
  const parts = pattern.split('.');
  const tokens = subject.split('.');
  if (parts.at(-1) === '>')
    return tokens.length >= parts.length && parts.slice(0, -1).every((p, i) => p === '*' || p === tokens[i]);
  return parts.length === tokens.length && parts.every((part, i) => part === '*' || part === tokens[i]);
}

const may = (list: readonly string[], subject: string): boolean =>
  list.some((item) => matches(item, subject));

function samples(): Record<keyof Subjects, readonly string[]> {
  const s = subjectsFor(4);
  const [room, game, pod] = [roomId('r1'), gameId('g1'), podId('p1')];
  return {
    chat: CHAT_VERBS.map((verb) => s.chat(verb)),
    chatHeartbeat: [s.chatHeartbeat()],
    chatReplicaRoster: [s.chatReplicaRoster(pod)],
    roomLog: [s.roomLog(room)],
    roomFeed: [s.roomFeed(room)],
    roomSignal: [s.roomSignal(room)],
    roomPresence: [s.roomPresence(room)],
    edgePresence: [s.edgePresence(edgeId('e1'))],
    allEdgePresence: [s.allEdgePresence()],
    edgeSync: [s.edgeSync(edgeId('e1'))],
    match: MATCH_VERBS.map((verb) => s.match(verb)),
    matchOperation: MATCH_OPERATIONS.map((verb) => s.matchOperation(verb)),
    matchHeartbeat: [s.matchHeartbeat()],
    simStatus: [s.simStatus()],
    sim: SIM_VERBS.map((verb) => s.sim(pod, verb)),
    gameIn: [s.gameIn(game)],
    gameLog: [s.gameLog(game)],
    gameFeed: [s.gameFeed(game)],
    gameLive: [s.gameLive(game)],
    gameSnapshots: [s.gameSnapshots(game)],
    userInbox: [s.userInbox(userId('u1'))],
    ledger: [s.ledger(userId('u1'))],
  };
}

const builders = Object.keys(SUBJECT_PATTERNS) as (keyof Subjects)[];

test('every builder makes subjects that its pattern takes, and that no pattern of a different meaning takes', () => {
  const made = samples();
  for (const name of builders) {
    for (const subject of made[name]) {
      const takers = builders.filter((other) => may(SUBJECT_PATTERNS[other], subject));
      expect(takers, subject).toContain(name);
      const others = takers.filter((other) => !/EdgePresence|edgePresence/.test(other));
      expect(
        others.filter((other) => other !== name),
        subject,
      ).toEqual([]);
    }
  }
});

test('every subject has somebody who says it and somebody who hears it', () => {
  // Feeds are republished by JetStream itself, and logs are heard by streams.
  const published = new Set(NATS_USERS.flatMap((user) => GRANTS[user].publish));
  const heard = new Set(NATS_USERS.flatMap((user) => GRANTS[user].subscribe));
  const byPattern = (names: ReadonlySet<keyof Subjects>) =>
    new Set([...names].flatMap((name) => [...SUBJECT_PATTERNS[name]]));
  const stored = new Set(['room.*.*.log', 'game.*.*.log', 'game.*.*.snap', 'ledger.*.*']);
  for (const name of builders) {
    for (const pattern of SUBJECT_PATTERNS[name]) {
      expect(byPattern(published).has(pattern), `somebody publishes ${pattern}`).toBe(true);
      expect(byPattern(heard).has(pattern) || stored.has(pattern), `somebody hears ${pattern}`).toBe(true);
    }
  }
});

test('only the owner of a stream or bucket may create, change or purge it', () => {
  const changers = (stream: string) =>
    NATS_USERS.filter((user) => may(permissionTemplateOf(user).publish, `$JS.API.STREAM.UPDATE.${stream}`));
  for (const [family, owner] of Object.entries(STREAM_OWNERS))
    expect(changers(`${family}_${PARTITION_MARK}`)).toEqual([owner]);
  for (const { name, owner } of Object.values(BUCKETS)) expect(changers(`KV_${name}`)).toEqual([owner]);
});

test('only the owner of a log appends to it', () => {
  const { roomLog, gameLog, gameSnapshots, ledger } = samples();
  const appenders = (subject = '') =>
    NATS_USERS.filter((user) => may(permissionsOf(user, 4).publish, subject));
  expect(appenders(roomLog[0])).toEqual(['chat']);
  expect(appenders(gameLog[0])).toEqual(['simulation']);
  expect(appenders(gameSnapshots[0])).toEqual(['simulation']);
  expect(appenders(ledger[0])).toEqual(['simulation']);
});

test('nobody may publish or hear everything, nor the answers to others', () => {
  for (const user of NATS_USERS) {
    const { publish, subscribe } = permissionsOf(user, 4);
    expect(subscribe.filter((subject) => subject.startsWith('_INBOX'))).toEqual([`_INBOX.${user}.>`]);
    for (const subject of [...publish, ...subscribe]) expect(subject).not.toMatch(/^[>*]|^\$SYS|<p>/);
  }
});

test("a partition beyond the last one is nobody's business", () => {
  const { publish } = permissionsOf('chat', 2);
  expect(publish).toContain('$JS.API.STREAM.INFO.ROOMS_1');
  expect(publish).not.toContain('$JS.API.STREAM.INFO.ROOMS_2');
});
