import { type Decoder, descriptionOf } from '@breakwater/protocol';
import { readDoc, sectionText, tableOf } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import * as bus from '../src/index.ts';

const doc = readDoc('subjects.md');
const rows = (title: string): string[][] => tableOf(sectionText(doc, title));

/** Subjects as the document writes them: `<room>` where an id stands, `<p>` for the partition. */
function allSubjects(): [subject: string, builder: string][] {
  const s = bus.subjectsFor(1);
  const as = <T extends string>(name: string): T => `<${name}>` as T;
  const built: { readonly [K in keyof bus.Subjects]: readonly string[] } = {
    chat: bus.CHAT_VERBS.map((verb) => s.chat(verb)),
    chatHeartbeat: [s.chatHeartbeat()],
    chatReplicaRoster: [s.chatReplicaRoster(as('replica'))],
    roomLog: [s.roomLog(as('room'))],
    roomFeed: [s.roomFeed(as('room'))],
    roomSignal: [s.roomSignal(as('room'))],
    roomPresence: [s.roomPresence(as('room'))],
    edgePresence: [s.edgePresence(as('edge'))],
    allEdgePresence: [s.allEdgePresence()],
    edgeSync: [s.edgeSync(as('edge'))],
    match: bus.MATCH_VERBS.map((verb) => s.match(verb)),
    matchOperation: bus.MATCH_OPERATIONS.map((verb) => s.matchOperation(verb)),
    matchHeartbeat: [s.matchHeartbeat()],
    simStatus: [s.simStatus()],
    sim: bus.SIM_VERBS.map((verb) => s.sim(as('pod'), verb)),
    gameIn: [s.gameIn(as('game'))],
    gameLog: [s.gameLog(as('game'))],
    gameFeed: [s.gameFeed(as('game'))],
    gameLive: [s.gameLive(as('game'))],
    gameSnapshots: [s.gameSnapshots(as('game'))],
    userInbox: [s.userInbox(as('user'))],
    ledger: [s.ledger(as('user'))],
  };
  return Object.entries(built).flatMap(([builder, subjects]) =>
    subjects.map((subject): [string, string] => [subject.replace('.0.', '.<p>.'), builder]),
  );
}

function decoders(): [string, Decoder<unknown>][] {
  return Object.entries(bus).flatMap(([name, value]): [string, Decoder<unknown>][] =>
    typeof value === 'function' && descriptionOf(value as Decoder<unknown>) !== undefined
      ? [[name, value as Decoder<unknown>]]
      : [],
  );
}

const fieldsOf = (decoder: Decoder<unknown>): string =>
  Object.entries(descriptionOf(decoder)?.fields ?? {})
    .map(([name, field]) => ('isOptional' in field ? `${name}?` : name))
    .join(', ');

test('every subject that can be built is in the document with its builder, and no other', () => {
  const documented = rows('Subjects').map(([subject, builder]) => [subject, builder]);
  expect(documented.toSorted()).toEqual(allSubjects().toSorted());
  const builders = Object.keys(bus.subjectsFor(1)).toSorted();
  expect([...new Set(documented.map(([, builder]) => builder))].toSorted()).toEqual(builders);
});

test('requests of chat and matchmaker name the queue group of the code', () => {
  for (const [subject, builder, how] of rows('Subjects')) {
    if (builder === 'chat') expect([subject, how]).toEqual([subject, `request, queue ${bus.QUEUES.chat}`]);
    if (builder === 'match') expect([subject, how]).toEqual([subject, `request, queue ${bus.QUEUES.match}`]);
  }
});

test('every payload that is named exists, and every payload decoder is described', () => {
  const known = new Map(decoders());
  const mentioned = [...rows('Subjects').map((row) => row[4]!), ...rows('Buckets').map((row) => row[3]!)]
    .flatMap((cell) => cell.match(/\b[a-z]+[A-Z]\w+\b/g) ?? [])
    .filter((word) => !known.has(word));
  expect(mentioned).toEqual([]);
});

test('every payload has the fields of the code, and no other is described', () => {
  const expected = decoders().flatMap(([name, decoder]) => {
    const members = descriptionOf(decoder)?.members;
    if (members === undefined) return [[name, fieldsOf(decoder)]];
    return Object.entries(members).map(([member, fields]) => [`${name} ${member}`, fieldsOf(fields)]);
  });
  expect(rows('Payloads').toSorted()).toEqual(expected.toSorted());
});

test('every stream is in the document with its subjects, owner and republication, and no other', () => {
  const limits = { replicas: 1, maxBytes: 1, maxMessagesPerRoom: 1, maxAgeMs: 1, duplicateWindowMs: 1 };
  const streams = [
    bus.roomStream(0, limits),
    bus.gameStream(0, { ...limits, maxRecordsPerGame: 1 }),
    bus.snapshotStream(0, { ...limits, maxSnapshotsPerGame: 1 }),
    bus.ledgerStream(0, { ...limits, maxRecordsPerUser: 1 }),
  ];
  const partition = (text: string): string => text.replace(/([._])0\b/, '$1<p>');
  const expected = streams.map((stream) => {
    const name = partition(stream.name);
    const kind = stream.name.startsWith('ROOMS') ? '<room>' : '<game>';
    return [
      name,
      partition(stream.subjects[0]),
      bus.STREAM_OWNERS[name.replace('_<p>', '') as keyof typeof bus.STREAM_OWNERS],
      'republish' in stream ? partition(stream.republish.dest).replace('{{wildcard(1)}}', kind) : '',
      stream.discardNewPerSubject ? 'is refused alone' : 'loses its oldest records',
    ];
  });
  expect(rows('Streams')).toEqual(expected);
  expect(Object.keys(bus.STREAM_OWNERS).length).toBe(streams.length);
  for (const stream of streams) expect(stream).toMatchObject({ discard: 'new', allowDirect: false });
});

test('every bucket is in the document with its owner, age and keys, and no other', () => {
  const expected = Object.values(bus.BUCKETS).map(({ name, owner, maxAgeMs }) => [
    name,
    owner,
    maxAgeMs === 0 ? 'ever' : `${maxAgeMs} ms`,
  ]);
  expect(rows('Buckets').map((row) => row.slice(0, 3))).toEqual(expected);
  const keys = rows('Buckets')
    .map((row) => row[3]!)
    .join(' ');
  for (const key of [
    bus.INSTALL_PARTITIONS_KEY,
    bus.installStreamKey('<stream>'),
    bus.roomKey('<room>' as bus.RoomId),
    bus.personKey('<user>' as bus.UserId),
  ]) {
    expect(keys).toContain(`${key}:`);
  }
});

test('the headers of a feed are named', () => {
  for (const header of Object.values(bus.FEED_HEADERS)) expect(doc).toContain(`\`${header}\``);
});

test('every NATS user is in the document with all that it may do, and no other', () => {
  const list = (grants: object): string =>
    Object.entries(grants)
      .map(([name, access]) => `${name} ${access}`)
      .join(', ');
  const expected = bus.NATS_USERS.map((user) => {
    const { publish, subscribe, streams, buckets } = bus.GRANTS[user];
    return [user, publish.join(', '), subscribe.join(', '), list(streams), list(buckets)];
  });
  expect(rows('Users')).toEqual(expected);
  expect(doc).toContain(`\`${bus.inboxPrefixOf('<user>' as bus.NatsUser)}\``);
});
