/** Who may say and hear what on NATS: a user for each service, and one for the tools. Plain data. */

import type { BUCKETS, STREAM_OWNERS } from './streams.ts';
import { SUBJECT_PATTERNS, type Subjects } from './subjects.ts';

export const NATS_USERS = ['chat', 'edge', 'matchmaker', 'simulation', 'operator'] as const;
export type NatsUser = (typeof NATS_USERS)[number];

type StreamFamily = keyof typeof STREAM_OWNERS;
type BucketName = keyof typeof BUCKETS;

/**
 * `read`: its state and its messages. `consume`: also by consumers of one's own. `own`: create, update and purge too.
 * `all`: own and consume.
 */
type StreamAccess = 'read' | 'consume' | 'own' | 'all';
/** `read`: keys. `watch`: also changes. `own`: create the bucket, write and watch. */
type BucketAccess = 'read' | 'watch' | 'own';

interface Grant {
  readonly publish: readonly (keyof Subjects)[];
  readonly subscribe: readonly (keyof Subjects)[];
  readonly streams: Readonly<Partial<Record<StreamFamily, StreamAccess>>>;
  readonly buckets: Readonly<Partial<Record<BucketName, BucketAccess>>>;
}

/** What each user needs, in the words of the subject builders. Everything else is refused by the server. */
export const GRANTS: Readonly<Record<NatsUser, Grant>> = {
  chat: {
    publish: [
      'roomLog',
      'roomFeed',
      'roomPresence',
      'chatHeartbeat',
      'chatReplicaRoster',
      'edgeSync',
      'userInbox',
    ],
    subscribe: ['chat', 'chatHeartbeat', 'chatReplicaRoster', 'allEdgePresence'],
    streams: { ROOMS: 'own' },
    buckets: { install: 'own', rooms: 'own', people: 'own' },
  },
  edge: {
    publish: ['chat', 'match', 'gameIn', 'roomSignal', 'edgePresence'],
    subscribe: ['roomFeed', 'roomSignal', 'roomPresence', 'gameFeed', 'gameLive', 'edgeSync', 'userInbox'],
    streams: { ROOMS: 'read', GAMES: 'read', LEDGER: 'read' },
    buckets: { install: 'read', games: 'watch', tickets: 'own' },
  },
  matchmaker: {
    publish: ['sim', 'matchHeartbeat', 'userInbox'],
    subscribe: ['match', 'matchOperation', 'matchHeartbeat', 'simStatus'],
    streams: {},
    buckets: { install: 'read', games: 'own', leader: 'own' },
  },
  simulation: {
    publish: ['gameLog', 'gameFeed', 'gameLive', 'gameSnapshots', 'simStatus', 'userInbox', 'ledger'],
    subscribe: ['sim', 'simStatus', 'gameIn', 'gameFeed', 'allEdgePresence'],
    streams: { GAMES: 'all', SNAPSHOTS: 'own', LEDGER: 'own' },
    buckets: { install: 'read', games: 'read' },
  },
  operator: {
    publish: ['match', 'matchOperation', 'sim'],
    subscribe: ['simStatus', 'matchHeartbeat', 'chatHeartbeat', 'allEdgePresence'],
    streams: { ROOMS: 'consume', GAMES: 'consume', SNAPSHOTS: 'consume', LEDGER: 'consume' },
    buckets: {
      install: 'read',
      rooms: 'watch',
      people: 'watch',
      games: 'watch',
      leader: 'watch',
      tickets: 'read',
    },
  },
};

/** Subjects that a user may publish and subscribe. It may answer a request once, whatever the request's inbox is. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Begins the inboxes of a user: nobody hears the answers to anybody else. */
export const inboxPrefixOf = (user: NatsUser): string => `_INBOX.${user}`;

/** Stands for a partition's number in a template; NATS knows no wildcard within a token. */
export const PARTITION_MARK = '<p>';

/** The subject permissions of a user in an installation with `partitions` partitions, sorted. */
export function permissionsOf(user: NatsUser, partitions: number): Permissions {
  const { publish, subscribe } = permissionTemplateOf(user);
  return { publish: expand(publish, partitions), subscribe: expand(subscribe, partitions) };
}

/** The same for any number of partitions: a subject with `PARTITION_MARK` stands for one of each partition. */
export function permissionTemplateOf(user: NatsUser): Permissions {
  const { publish, subscribe, streams, buckets } = GRANTS[user];
  const api = [
    ...Object.entries(streams).flatMap(([family, access]) =>
      streamApi(`${family}_${PARTITION_MARK}`, access),
    ),
    ...Object.entries(buckets).flatMap(([name, access]) => bucketApi(name, access)),
    // Every service waits for JetStream at its start.
    '$JS.API.INFO',
  ];
  return {
    publish: sorted([...publish.flatMap((name) => [...SUBJECT_PATTERNS[name]]), ...api]),
    subscribe: sorted([
      ...subscribe.flatMap((name) => [...SUBJECT_PATTERNS[name]]),
      `${inboxPrefixOf(user)}.>`,
    ]),
  };
}

function expand(subjects: readonly string[], partitions: number): readonly string[] {
  const numbers = Array.from({ length: partitions }, (_, partition) => String(partition));
  return subjects.flatMap((subject) =>
    subject.includes(PARTITION_MARK)
      ? numbers.map((partition) => subject.replace(PARTITION_MARK, partition))
      : [subject],
  );
}

function streamApi(stream: string, access: StreamAccess): string[] {
  const verbs = ['STREAM.INFO', 'STREAM.MSG.GET'];
  if (access === 'own' || access === 'all') verbs.push('STREAM.CREATE', 'STREAM.UPDATE', 'STREAM.PURGE');
  const api = verbs.map((verb) => `$JS.API.${verb}.${stream}`);
  return access === 'consume' || access === 'all' ? [...api, ...consumerApi(stream)] : api;
}

/** A bucket is a stream with a subject for each key; those who watch it make a consumer of their own. */
function bucketApi(name: string, access: BucketAccess): string[] {
  const stream = `KV_${name}`;
  const api = streamApi(stream, access === 'own' ? 'own' : 'read');
  if (access !== 'read') api.push(...consumerApi(stream));
  return access === 'own' ? [...api, `$KV.${name}.>`] : api;
}

function consumerApi(stream: string): string[] {
  const verbs = ['CREATE', 'INFO', 'DELETE', 'MSG.NEXT'];
  return [
    ...verbs.flatMap((verb) => [
      `$JS.API.CONSUMER.${verb}.${stream}`,
      `$JS.API.CONSUMER.${verb}.${stream}.>`,
    ]),
    `$JS.FC.${stream}.>`,
    `$JS.ACK.${stream}.>`,
  ];
}

const sorted = (subjects: readonly string[]): readonly string[] => [...new Set(subjects)].sort();
