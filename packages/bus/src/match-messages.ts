/** Requests to the matchmaker and its answers (`match.<verb>`), its heartbeat, and the registry's entries. JSON. */

import {
  array,
  boolean,
  type Decoded,
  finite,
  gameInfo,
  id,
  int,
  json,
  loose,
  oneOf,
  optional,
  record,
  string,
} from '@breakwater/protocol';

const text = string();
const options = record(json(), 64);

/** `key` is the caller's own name for the creation: with `user` it decides the game's id, so a retry finds the same. */
export const matchCreate = loose({
  user: id,
  key: id,
  type: id,
  title: optional(text),
  options: optional(options),
});
export type MatchCreate = Decoded<typeof matchCreate>;

/** Join any game of the type with a free seat, else create one. The seat is held for a while. */
export const matchQuick = loose({ user: id, key: id, type: id });
export type MatchQuick = Decoded<typeof matchQuick>;

/** Make sure that a game is hosted (it may sleep, or its process may be gone) and say where. */
export const matchFind = loose({ game: id });
export type MatchFind = Decoded<typeof matchFind>;

export const matchList = loose({ type: optional(id) });
export type MatchList = Decoded<typeof matchList>;

/** Answer of create, quick and find. */
export const matchedGame = loose({ info: gameInfo, isNew: boolean() });
export type MatchedGame = Decoded<typeof matchedGame>;
export const matchGames = loose({ games: array(gameInfo, 100_000) });
export type MatchGames = Decoded<typeof matchGames>;
/** Types that some live simulation process hosts. */
export const matchTypes = loose({ types: array(text, 1_000) });

/** Move a game to the process `to`, or to the best other one. For operators. */
export const matchMove = loose({ game: id, to: optional(id) });
export type MatchMove = Decoded<typeof matchMove>;
/** Where the game is now. */
export const matchMoved = loose({ game: id, pod: id, epoch: int(1) });
export type MatchMoved = Decoded<typeof matchMoved>;

/** Simulation processes as the matchmaker sees them. For operators. */
export const matchProcesses = loose({
  processes: array(
    loose({
      pod: id,
      node: optional(text),
      types: array(loose({ type: id, schemaVersion: int(0) }), 1_000),
      games: int(0),
      maxGames: int(0),
      players: int(0),
      load: finite(),
      tickP99Ms: finite(),
      isDraining: boolean(),
      /** The matchmaker gives it no further games, because it is about to be scaled away. */
      isCordoned: boolean(),
    }),
    100_000,
  ),
});
export type MatchProcesses = Decoded<typeof matchProcesses>;

export const matchHeartbeat = loose({ matchmaker: id, n: int(0) });
export type MatchHeartbeat = Decoded<typeof matchHeartbeat>;

/** The one key of bucket `leader`. */
export const LEADER_KEY = 'leader';

/**
 * Which matchmaker leads. It writes its record anew with every heartbeat; the key's revision shows that it lives,
 * no time in the record does. `nonce` tells two holds of the same replica apart, `term` counts them all.
 */
export const leaderRecord = loose({
  holder: id,
  nonce: text,
  term: int(1),
  /** The holder gave it up: whoever comes first may take it. */
  isVacant: boolean(),
});
export type LeaderRecord = Decoded<typeof leaderRecord>;

export const GAME_STATES = ['starting', 'running', 'sleeping', 'ended', 'failed'] as const;
export type GameState = (typeof GAME_STATES)[number];

/**
 * The KV value of a game in bucket `games`. `epoch` is the highest claim heard of, not a right to anything: the
 * log's claim decides who owns. `seats` are reservations by quick match that no join has used yet.
 */
export const gameEntry = loose({
  game: id,
  type: id,
  schemaVersion: int(0),
  title: text,
  state: oneOf(GAME_STATES),
  epoch: int(0),
  pod: optional(id),
  node: optional(text),
  players: int(0),
  maxPlayers: int(0),
  createdBy: id,
  createdAt: int(0),
  changedAt: int(0),
  options,
  seed: int(0, 0xffff_ffff),
  seats: array(loose({ user: id, untilMs: int(0) }), 10_000),
  reason: optional(text),
});
export type GameEntry = Decoded<typeof gameEntry>;
