/** Every subject there is. Nothing outside this file concatenates one. */

import type { EdgeId, GameId, PodId, RoomId, UserId } from './ids.ts';
import { partitionOf } from './partitions.ts';

declare const brand: unique symbol;
export type Subject = string & { readonly [brand]: 'subject' };

const subject = (text: string): Subject => text as Subject;

export const CHAT_VERBS = ['send', 'join', 'history', 'list', 'create', 'roster'] as const;
export const MATCH_VERBS = ['create', 'quick', 'list', 'find', 'types'] as const;
/** What only operators ask of the matchmaker. */
export const MATCH_OPERATIONS = ['move', 'processes'] as const;
export const SIM_VERBS = ['warm', 'host', 'release', 'list'] as const;
export type ChatVerb = (typeof CHAT_VERBS)[number];
export type MatchVerb = (typeof MATCH_VERBS)[number];
export type MatchOperation = (typeof MATCH_OPERATIONS)[number];
export type SimVerb = (typeof SIM_VERBS)[number];

/** Queue groups: one member of the group answers a request. */
export const QUEUES = { chat: 'chat', match: 'matchmaker' } as const;

export interface Subjects {
  chat(verb: ChatVerb): Subject;
  /** Each chat replica to itself and the others. */
  chatHeartbeat(): Subject;
  /** One chat replica: the roster of a room whose presence it publishes. */
  chatReplicaRoster(replica: PodId): Subject;
  roomLog(room: RoomId): Subject;
  roomFeed(room: RoomId): Subject;
  roomSignal(room: RoomId): Subject;
  roomPresence(room: RoomId): Subject;
  edgePresence(edge: EdgeId): Subject;
  /** All edges' presence, for chat and simulation. */
  allEdgePresence(): Subject;
  edgeSync(edge: EdgeId): Subject;
  match(verb: MatchVerb): Subject;
  matchOperation(operation: MatchOperation): Subject;
  matchHeartbeat(): Subject;
  simStatus(): Subject;
  sim(pod: PodId, verb: SimVerb): Subject;
  gameIn(game: GameId): Subject;
  gameLog(game: GameId): Subject;
  gameFeed(game: GameId): Subject;
  /** Deltas of a volatile game, which are not stored. */
  gameLive(game: GameId): Subject;
  gameSnapshots(game: GameId): Subject;
  userInbox(user: UserId): Subject;
  ledger(user: UserId): Subject;
}

/** Subject builders for an installation with `partitions` partitions. */
export function subjectsFor(partitions: number): Subjects {
  const room = (id: RoomId, leaf: string) => subject(`room.${partitionOf(id, partitions)}.${id}.${leaf}`);
  const game = (id: GameId, leaf: string) => subject(`game.${partitionOf(id, partitions)}.${id}.${leaf}`);
  return {
    chat: (verb) => subject(`chat.${verb}`),
    chatHeartbeat: () => subject('chat.heartbeat'),
    chatReplicaRoster: (replica) => subject(`chat.${replica}.roster`),
    roomLog: (id) => room(id, 'log'),
    roomFeed: (id) => room(id, 'feed'),
    roomSignal: (id) => room(id, 'signal'),
    roomPresence: (id) => room(id, 'presence'),
    edgePresence: (edge) => subject(`edge.${edge}.presence`),
    allEdgePresence: () => subject('edge.*.presence'),
    edgeSync: (edge) => subject(`edge.${edge}.sync`),
    match: (verb) => subject(`match.${verb}`),
    matchOperation: (operation) => subject(`match.${operation}`),
    matchHeartbeat: () => subject('match.heartbeat'),
    simStatus: () => subject('sim.status'),
    sim: (pod, verb) => subject(`sim.${pod}.${verb}`),
    gameIn: (id) => game(id, 'in'),
    gameLog: (id) => game(id, 'log'),
    gameFeed: (id) => game(id, 'feed'),
    gameLive: (id) => game(id, 'live'),
    gameSnapshots: (id) => game(id, 'snap'),
    userInbox: (user) => subject(`user.${user}.inbox`),
    ledger: (user) => subject(`ledger.${partitionOf(user, partitions)}.${user}`),
  };
}

const verbs = (prefix: string, names: readonly string[]): readonly string[] =>
  names.map((name) => `${prefix}.${name}`);

/** What a NATS server is told to allow for each builder: its subjects with `*` for every partition and id. */
export const SUBJECT_PATTERNS = {
  chat: verbs('chat', CHAT_VERBS),
  chatHeartbeat: ['chat.heartbeat'],
  chatReplicaRoster: ['chat.*.roster'],
  roomLog: ['room.*.*.log'],
  roomFeed: ['room.*.*.feed'],
  roomSignal: ['room.*.*.signal'],
  roomPresence: ['room.*.*.presence'],
  edgePresence: ['edge.*.presence'],
  allEdgePresence: ['edge.*.presence'],
  edgeSync: ['edge.*.sync'],
  match: verbs('match', MATCH_VERBS),
  matchOperation: verbs('match', MATCH_OPERATIONS),
  matchHeartbeat: ['match.heartbeat'],
  simStatus: ['sim.status'],
  sim: verbs('sim.*', SIM_VERBS),
  gameIn: ['game.*.*.in'],
  gameLog: ['game.*.*.log'],
  gameFeed: ['game.*.*.feed'],
  gameLive: ['game.*.*.live'],
  gameSnapshots: ['game.*.*.snap'],
  userInbox: ['user.*.inbox'],
  ledger: ['ledger.*.*'],
} as const satisfies Record<keyof Subjects, readonly string[]>;
