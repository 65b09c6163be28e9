/** Streams and buckets: plain data, and who owns each. The owner creates and updates; the others check. */

import type { GameId, RoomId, UserId } from './ids.ts';
import { partitionOf } from './partitions.ts';

export type StreamOwner = 'chat' | 'simulation';
export type BucketOwner = 'chat' | 'matchmaker' | 'edge';

export interface StreamLimits {
  readonly replicas: number;
  /** Size of one partition's stream, in bytes. A full stream refuses new records, it never drops old ones. */
  readonly maxBytes: number;
}
export interface RoomStreamLimits extends StreamLimits {
  /** Messages kept in one room; its own oldest are trimmed. */
  readonly maxMessagesPerRoom: number;
  readonly maxAgeMs: number;
  readonly duplicateWindowMs: number;
}
export interface GameStreamLimits extends StreamLimits {
  /** Deltas stop when a game's log has so many records; a game at its limit is refused alone. */
  readonly maxRecordsPerGame: number;
}

export interface LedgerStreamLimits extends StreamLimits {
  /** Records kept of one user's ledger: its oldest are trimmed, the last one, which holds the total, always stays. */
  readonly maxRecordsPerUser: number;
}

/** `ROOMS_<p>`: the message log of every room of a partition, republished to `.feed`. Owner: chat. */
export function roomStream(partition: number, limits: RoomStreamLimits) {
  return {
    name: `ROOMS_${partition}`,
    subjects: [`room.${partition}.*.log`],
    republish: { src: `room.${partition}.*.log`, dest: `room.${partition}.{{wildcard(1)}}.feed` },
    maxMsgsPerSubject: limits.maxMessagesPerRoom,
    maxAgeMs: limits.maxAgeMs,
    maxBytes: limits.maxBytes,
    duplicateWindowMs: limits.duplicateWindowMs,
    replicas: limits.replicas,
    discard: 'new',
    discardNewPerSubject: false,
    allowDirect: false,
  } as const;
}

/**
 * What deltas leave free so that a claim, or an `end`, always fits: records of each game's log, beyond
 * `maxRecordsPerGame`, and a share of the stream's bytes.
 */
export const GAME_STREAM_RESERVE = { records: 64, share: 1 / 16 } as const;

/** `GAMES_<p>`: the owner log of every game of a partition, republished to `.feed`. Owner: simulation. */
export function gameStream(partition: number, limits: GameStreamLimits) {
  return {
    name: `GAMES_${partition}`,
    subjects: [`game.${partition}.*.log`],
    republish: { src: `game.${partition}.*.log`, dest: `game.${partition}.{{wildcard(1)}}.feed` },
    maxMsgsPerSubject: limits.maxRecordsPerGame + GAME_STREAM_RESERVE.records,
    maxBytes: limits.maxBytes,
    replicas: limits.replicas,
    discard: 'new',
    discardNewPerSubject: true,
    allowDirect: false,
  } as const;
}

/** `SNAPSHOTS_<p>`: chained snapshots, the two newest good ones of each game. Owner: simulation. */
export function snapshotStream(
  partition: number,
  limits: StreamLimits & { readonly maxSnapshotsPerGame: number },
) {
  return {
    name: `SNAPSHOTS_${partition}`,
    subjects: [`game.${partition}.*.snap`],
    maxMsgsPerSubject: limits.maxSnapshotsPerGame,
    maxBytes: limits.maxBytes,
    replicas: limits.replicas,
    discard: 'new',
    discardNewPerSubject: true,
    allowDirect: false,
  } as const;
}

/** `LEDGER_<p>`: the XP of every user of a partition, a chain for each. Owner: simulation. */
export function ledgerStream(partition: number, limits: LedgerStreamLimits) {
  return {
    name: `LEDGER_${partition}`,
    subjects: [`ledger.${partition}.*`],
    maxMsgsPerSubject: limits.maxRecordsPerUser,
    maxBytes: limits.maxBytes,
    replicas: limits.replicas,
    discard: 'new',
    discardNewPerSubject: false,
    allowDirect: false,
  } as const;
}

export const roomStreamName = (room: RoomId, partitions: number): string =>
  `ROOMS_${partitionOf(room, partitions)}`;
export const gameStreamName = (game: GameId, partitions: number): string =>
  `GAMES_${partitionOf(game, partitions)}`;
export const snapshotStreamName = (game: GameId, partitions: number): string =>
  `SNAPSHOTS_${partitionOf(game, partitions)}`;
export const ledgerStreamName = (user: UserId, partitions: number): string =>
  `LEDGER_${partitionOf(user, partitions)}`;

/** All logs, and all snapshots, of a partition: the stream, and the filter that matches every game's subject in it. */
export const allGameLogs = (partition: number) =>
  ({ stream: `GAMES_${partition}`, filter: `game.${partition}.*.log` }) as const;
export const allGameSnapshots = (partition: number) =>
  ({ stream: `SNAPSHOTS_${partition}`, filter: `game.${partition}.*.snap` }) as const;
/** The game that a subject of a log or snapshot is of. */
export const gameOfSubject = (subject: string): string => subject.split('.')[2] ?? '';

/** Key-value buckets. `install` holds what is fixed at install (the partition count) and is written once. */
export const BUCKETS = {
  install: { name: 'install', owner: 'chat', maxAgeMs: 0 },
  rooms: { name: 'rooms', owner: 'chat', maxAgeMs: 0 },
  people: { name: 'people', owner: 'chat', maxAgeMs: 30 * 86_400_000 },
  games: { name: 'games', owner: 'matchmaker', maxAgeMs: 0 },
  leader: { name: 'leader', owner: 'matchmaker', maxAgeMs: 0 },
  tickets: { name: 'tickets', owner: 'edge', maxAgeMs: 120_000 },
} as const satisfies Record<string, { name: string; owner: BucketOwner; maxAgeMs: number }>;

export const STREAM_OWNERS = {
  ROOMS: 'chat',
  GAMES: 'simulation',
  SNAPSHOTS: 'simulation',
  LEDGER: 'simulation',
} as const satisfies Record<string, StreamOwner>;

/** Headers that JetStream adds to a republished record: its sequence, and the one before it on the same subject. */
export const FEED_HEADERS = { sequence: 'Nats-Sequence', lastSequence: 'Nats-Last-Sequence' } as const;
