/** Requests to chat and its answers (`chat.<verb>`), and the records of a room's log. JSON. */

import {
  array,
  boolean,
  type Decoded,
  type Decoder,
  id,
  int,
  literal,
  loose,
  message,
  messageId,
  optional,
  position,
  roomInfo,
  roster,
  string,
  tagged,
} from '@breakwater/protocol';
import type { RoomId, UserId } from './ids.ts';

const text = string();
/** Who asks, as the edge has authenticated them. */
const caller = { user: id, name: text };
const pageLimit = int(1, 1_000);

export const chatSend = loose({
  ...caller,
  room: id,
  msg: messageId,
  text,
  /** The client sent this id before and had no answer. */
  resend: optional(boolean()),
});
export type ChatSend = Decoded<typeof chatSend>;
/** `duplicate`: this id was stored before, with the same text. */
export const chatSent = loose({ seq: int(1), time: int(0), duplicate: boolean() });
export type ChatSent = Decoded<typeof chatSent>;

export const chatJoin = loose({ ...caller, room: id, at: optional(position), limit: pageLimit });
export type ChatJoin = Decoded<typeof chatJoin>;
/** `at` is the tail that was read from the stream's leader; `messages` are the ones up to it. */
export const chatJoined = loose({
  info: roomInfo,
  at: position,
  recovered: boolean(),
  messages: array(message, 10_000),
  more: boolean(),
  roster,
});
export type ChatJoined = Decoded<typeof chatJoined>;

export const chatHistory = loose({ ...caller, room: id, before: optional(int(1)), limit: pageLimit });
export type ChatHistory = Decoded<typeof chatHistory>;
export const chatPage = loose({ messages: array(message, 10_000), more: boolean() });
export type ChatPage = Decoded<typeof chatPage>;

export const chatList = loose({});
export const chatRooms = loose({ rooms: array(roomInfo, 10_000) });
export type ChatRooms = Decoded<typeof chatRooms>;

export const chatCreate = loose({ ...caller, room: id, title: optional(text) });
export type ChatCreate = Decoded<typeof chatCreate>;
export const chatCreated = loose({ info: roomInfo });
export type ChatCreated = Decoded<typeof chatCreated>;

export const chatRoster = loose({ room: id });
export const chatRosterReply = loose({ roster, publisher: text, n: int(0) });
export type ChatRosterReply = Decoded<typeof chatRosterReply>;

/**
 * A record of a room's log. `stamp` is made by chat for each publish and never repeats: with the sequence it
 * identifies the record, also after the stream was cut back. Later kinds (delete, kick, ban) join the union;
 * readers skip kinds that they do not know and still move their position.
 */
export const roomMessageRecord = loose({
  kind: literal('message'),
  stamp: text,
  time: int(0),
  user: text,
  name: text,
  msg: text,
  text,
});
export const roomOtherRecord = loose({ kind: text, stamp: text, time: int(0) });
export type RoomMessageRecord = Decoded<typeof roomMessageRecord>;
export type RoomRecord = RoomMessageRecord | (Decoded<typeof roomOtherRecord> & { readonly kind: 'other' });

export const roomRecord: Decoder<RoomRecord> = (value) => {
  const head = roomOtherRecord(value);
  return head.kind === 'message' ? roomMessageRecord(value) : { ...head, kind: 'other' };
};

/** Published on `.feed` by whoever settles a publish that was a duplicate or in doubt: a record with `seq` exists. */
export const feedNotice = loose({ kind: literal('notice'), seq: int(1) });
export type FeedNotice = Decoded<typeof feedNotice>;

/** Never stored: `room.<p>.<room>.signal`, edge to edges. */
export const roomSignal = tagged('kind', {
  typing: loose({ kind: literal('typing'), edge: id, user: id, name: text, on: boolean() }),
});
export type RoomSignal = Decoded<typeof roomSignal>;

/** The KV value of a room in bucket `rooms`. Members and roles get keys of their own: `member.<room>.<user>`. */
export const roomEntry = loose({ room: id, title: text, kind: text, owner: text, createdAt: int(0) });
export type RoomEntry = Decoded<typeof roomEntry>;

/** The KV value of a person in bucket `people`. */
export const personEntry = loose({ user: id, name: text, lastSeen: int(0) });
export type PersonEntry = Decoded<typeof personEntry>;

/** Keys of the bucket `rooms`, `people` and `install`. */
export const roomKey = (room: RoomId): string => `room.${room}`;
export const personKey = (user: UserId): string => `person.${user}`;
export const INSTALL_PARTITIONS_KEY = 'partitions';
export const installStreamKey = (stream: string): string => `stream.${stream}`;

/** Bucket `install`, key `partitions`: written once, by the first chat that ever started here. */
export const installPartitions = loose({ partitions: int(1) });
export type InstallPartitions = Decoded<typeof installPartitions>;

/**
 * Bucket `install`, key `stream.<name>`: the incarnation that chat knows. A stream that is named here and does not
 * exist was lost; chat does not create it anew until somebody deletes the key.
 */
export const installStream = loose({ epoch: text });
export type InstallStream = Decoded<typeof installStream>;
