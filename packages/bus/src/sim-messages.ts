/** Simulation processes: their status, and what the matchmaker asks of one (`sim.<pod>.<verb>`). JSON. */

import {
  array,
  boolean,
  type Decoded,
  finite,
  id,
  int,
  json,
  loose,
  oneOf,
  optional,
  record,
  string,
} from '@breakwater/protocol';
import { GAME_STATES } from './match-messages.ts';

const text = string();
const gameType = loose({
  type: id,
  schemaVersion: int(0),
  maxPlayers: int(0),
  /** Older versions whose games this process can take over, changing them to its own. */
  migratesFrom: optional(array(int(0), 100)),
});

/** One hosted game as its process sees it. */
export const hostedGame = loose({
  game: id,
  epoch: int(1),
  type: id,
  schemaVersion: int(0),
  players: int(0),
  state: oneOf(GAME_STATES),
  reason: optional(text),
  /** Users that took a seat since the line before: their reservations are used up. */
  joined: optional(array(id, 10_000)),
});
export type HostedGame = Decoded<typeof hostedGame>;

/** `sim.status`, every heartbeat. `changed` holds the games whose line changed since the last one. */
export const simStatus = loose({
  pod: id,
  /** Kubernetes node that the process runs on. */
  node: optional(text),
  /** New with each start of the process. */
  incarnation: text,
  n: int(0),
  types: array(gameType, 1_000),
  games: int(0),
  maxGames: int(0),
  /** Busy share of the event loop, 0 to 1. */
  load: finite(),
  tickP99Ms: finite(),
  /** `digestOf` the hosted games: one that differs from the registry's is asked for its list. */
  digest: int(0, 0xffff_ffff),
  isDraining: boolean(),
  /** The process ends in order and hosts nothing any more. */
  isLeaving: boolean(),
  changed: array(hostedGame, 100_000),
});
export type SimStatus = Decoded<typeof simStatus>;

export const simHost = loose({
  game: id,
  epoch: int(1),
  type: id,
  schemaVersion: int(0),
  options: record(json(), 64),
  seed: int(0, 0xffff_ffff),
  /** Sequence of the log's last record as the owner that gave the game up told it: saves asking for the tail. */
  tailSeq: optional(int(1)),
});
export type SimHost = Decoded<typeof simHost>;

/** Why a process does not take a game. `claimed`: the log's tail has this or a higher epoch (in `epoch`). */
export const HOST_REFUSALS = [
  'claimed',
  'ended',
  'log_lost',
  'no_capacity',
  'unknown_game_type',
  'bad_options',
  'failed',
  'unavailable',
] as const;
export type HostRefusal = (typeof HOST_REFUSALS)[number];
export const simHosted = loose({
  outcome: oneOf(['hosted', 'refused']),
  refusal: optional(oneOf(HOST_REFUSALS)),
  /** The epoch of the log's claim: the caller adopts it. */
  epoch: int(0),
  detail: optional(text),
});
export type SimHosted = Decoded<typeof simHosted>;

/** Load a game and keep it near its log's tail until it is handed over; what is warm holds a place for a while. */
export const simWarm = loose({ game: id, type: id, schemaVersion: int(0) });
export type SimWarm = Decoded<typeof simWarm>;
export const simWarmed = loose({
  outcome: oneOf(['warm', 'refused']),
  refusal: optional(oneOf(HOST_REFUSALS)),
  detail: optional(text),
});
export type SimWarmed = Decoded<typeof simWarmed>;

export const simRelease = loose({ game: id, epoch: int(1) });
export type SimRelease = Decoded<typeof simRelease>;
/** Sequence of the last record of the epoch that was given up. */
export const simReleased = loose({ seq: int(1) });
export type SimReleased = Decoded<typeof simReleased>;

export const simList = loose({});
export const simGames = loose({ games: array(hostedGame, 100_000) });
export type SimGames = Decoded<typeof simGames>;

/** Order-independent digest of which games are hosted at which epoch. */
export function digestOf(games: Iterable<{ readonly game: string; readonly epoch: number }>): number {
  let digest = 0;
  for (const { game, epoch } of games) {
    let hash = 0x811c9dc5 ^ epoch;
    for (let index = 0; index < game.length; index++)
      hash = Math.imul(hash ^ game.charCodeAt(index), 0x01000193);
    digest = (digest ^ Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)) >>> 0;
  }
  return digest;
}
