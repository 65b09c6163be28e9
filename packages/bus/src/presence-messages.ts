/** Presence: edges tell chat and simulation who is connected; chat tells edges who is in a room. JSON, core NATS. */

import {
  array,
  boolean,
  type Decoded,
  id,
  int,
  literal,
  loose,
  optional,
  person,
  roster,
  string,
  tagged,
} from '@breakwater/protocol';

const text = string();

/** One session's membership of one room on one edge. */
export const edgeMember = loose({ room: id, session: id, user: id, name: text });
export type EdgeMember = Decoded<typeof edgeMember>;

/**
 * `edge.<edge>.presence`. `incarnation` is new with each start of the edge; `version` rises by one with each
 * delta; a heartbeat repeats the version it stands at. Whoever misses one asks `edge.<edge>.sync` for the whole.
 * `dropped` tells a socket that fell (its member stays present for the grace time) from one that left.
 */
export const edgePresence = tagged('kind', {
  heartbeat: loose({ kind: literal('heartbeat'), edge: id, incarnation: text, version: int(0) }),
  delta: loose({
    kind: literal('delta'),
    edge: id,
    incarnation: text,
    version: int(1),
    joined: array(edgeMember, 100_000),
    left: array(loose({ room: id, session: id }), 100_000),
    dropped: array(loose({ room: id, session: id }), 100_000),
  }),
  /** The edge ends in order: its members are in their grace from now on. */
  gone: loose({ kind: literal('gone'), edge: id, incarnation: text }),
});
export type EdgePresence = Decoded<typeof edgePresence>;

export const edgeSyncReply = loose({
  incarnation: text,
  version: int(0),
  members: array(edgeMember, 1_000_000),
});
export type EdgeSyncReply = Decoded<typeof edgeSyncReply>;

/** `room.<p>.<room>.presence`. `n` rises by one for each publisher and room; a hole means: ask `chat.roster`. */
export const roomPresence = loose({
  publisher: id,
  n: int(1),
  count: int(0),
  joined: array(person, 10_000),
  left: array(text, 10_000),
  /** In place of changes, for rooms above the roster limit. */
  roster: optional(roster),
});
export type RoomPresence = Decoded<typeof roomPresence>;

/**
 * `chat.heartbeat`, every second. `warm` once the replica has heard every edge that was there when it started:
 * only warm replicas share the rooms out among themselves. `gone` is the last one of an orderly end.
 */
export const chatHeartbeat = loose({ replica: id, warm: boolean(), gone: boolean() });
export type ChatHeartbeat = Decoded<typeof chatHeartbeat>;
