/** The public face: what a program that uses the SDK holds in its hands. */

import type { AnyRows, Replica } from '@breakwater/game-kit/replica';
import type { GameInfo, Message, Person, RoomInfo } from '@breakwater/protocol';
import type { BreakwaterError } from './errors.ts';

export type Unsubscribe = () => void;

/** Typed listeners and streams. A listener that throws is reported as the client's `error` event. */
export interface Events<E> {
  on<K extends keyof E>(event: K, listener: (value: E[K]) => void): Unsubscribe;
  /** The events from now on, one by one. Ends when the owner is closed or left; a slow reader gets `StreamOverflowError`. */
  events<K extends keyof E>(event: K): AsyncIterableIterator<E[K]>;
}

export type ClientState = 'connecting' | 'connected' | 'reconnecting' | 'closed';

export interface ClientEvents {
  /** `error` says why where the state is `reconnecting` or `closed`. */
  state: { readonly state: ClientState; readonly error?: BreakwaterError };
  /** Round trip or clock offset was measured anew. */
  ping: { readonly roundTripMs: number };
  /** The edge asked the client to move, and the client did: another edge serves it now, nothing was missed. */
  moved: { readonly fromEdge: string; readonly toEdge: string };
  /** What no call could be told about: a listener that threw, a frame that was not understood, an error frame without a request. */
  error: { readonly error: Error };
}

/** One user's connection to an installation; it outlives sockets. */
export interface Client extends Events<ClientEvents>, AsyncDisposable {
  readonly state: ClientState;
  /** Since when `state` holds, Unix ms by the local clock. */
  readonly stateSince: number;
  /** Why the client is closed or not connected. */
  readonly error: BreakwaterError | undefined;
  /** Empty before the first connection. */
  readonly user: string;
  readonly name: string;
  /** The edge that serves the client now: its id, and the URL it was reached by. */
  readonly edge: string;
  readonly url: string;
  readonly transport: 'websocket';
  /** Smoothed round trip, in ms; undefined before the first pong. */
  readonly roundTripMs: number | undefined;
  /** Server's clock, Unix ms. */
  serverTimeMs(): number;
  readonly lobby: LobbyApi;
  readonly rooms: RoomsApi;
  readonly games: GamesApi;
  readonly people: PeopleApi;
  /** Resolves when the first connection stands; rejects when it is given up. */
  ready(): Promise<void>;
  /** Cuts a reconnection delay short, for example when the network is back. */
  reconnectNow(): void;
  /**
   * Closes the socket; what waits is rejected with `ClientClosedError`. Rooms and games are not left by it: to the
   * others it is a lost connection, and a seat is kept for its grace. `room.leave()` and `game.leave()` go at once.
   */
  close(): Promise<void>;
}

export interface LobbyApi {
  /** The live list of games and rooms; one watch is shared by all callers. Resolves with the first list. */
  watch(): Promise<Lobby>;
}

export interface LobbyEvents {
  change: Lobby;
}

export interface Lobby extends Events<LobbyEvents> {
  /** By title. */
  readonly games: readonly GameInfo[];
  readonly rooms: readonly RoomInfo[];
  /** Game types that can be created now. */
  readonly types: readonly string[];
  close(): void;
}

export interface PeopleEvents {
  /** One's own total has become known, or has risen. */
  xp: { readonly total: number };
}

/** Listening to `xp` begins to watch one's own total, until the client is closed. */
export interface PeopleApi extends Events<PeopleEvents> {
  /** XP that all games together gave a user, as the ledger says now; without `user` one's own. 0 for who never got any. */
  xp(user?: string): Promise<number>;
  /** One's own, kept up to date while it is watched; undefined until it is known. */
  readonly total: number | undefined;
}

export interface RoomsApi {
  list(): Promise<RoomInfo[]>;
  /** Makes a room; `room_exists` when there is one with this id. */
  create(room: string, options?: { readonly title?: string }): Promise<RoomInfo>;
  /** Joins, or gives the room that was joined before. `limit`: messages of the first page, default 50. */
  join(room: string, options?: { readonly limit?: number }): Promise<Room>;
  /** Rooms that are joined now. */
  readonly joined: readonly Room[];
}

/** A message of one's own on its way. */
export interface OutgoingMessage {
  /** Names it within this client, for lists on a screen; stays the same over retries. */
  readonly key: string;
  /** The message id, as it comes back in `Message.msg`. */
  readonly msg: string;
  readonly text: string;
  /** Server's clock, Unix ms. */
  readonly time: number;
  /** `sent`: stored, and about to come through the feed. */
  readonly state: 'pending' | 'sent' | 'failed';
  /** Of a failed one: why. */
  readonly error: BreakwaterError | undefined;
  /** Sends a failed one again; after `expired` as a new message. */
  retry(): Promise<{ readonly seq: number }>;
  /** Takes a failed one off the list. */
  discard(): void;
}

export interface RoomEvents {
  /** A stored message, each once and in the room's order, one's own included. */
  message: Message;
  /** `messages` was replaced: what was missed cannot be had any more. */
  reset: { readonly messages: readonly Message[] };
  /** `people` or `count` changed. */
  people: { readonly count: number; readonly joined: readonly Person[]; readonly left: readonly string[] };
  /** `typing` changed. */
  typing: readonly Person[];
  /** The room was joined again after a lost connection. */
  resumed: { readonly recovered: boolean };
  /** An own message is stored. */
  sent: { readonly message: OutgoingMessage; readonly seq: number };
  failed: { readonly message: OutgoingMessage; readonly error: BreakwaterError };
  /** `outgoing` changed. */
  outgoing: readonly OutgoingMessage[];
  /** The server does not let this user in any more; the room is left. */
  closed: { readonly error: BreakwaterError };
}

export interface Room extends Events<RoomEvents> {
  readonly id: string;
  readonly info: RoomInfo;
  /** False while the room is being joined again. */
  readonly isLive: boolean;
  /** The newest, oldest first. At most `limits.maxRoomMessages`, and what `history` added before them. */
  readonly messages: readonly Message[];
  /** There are messages before the first of `messages`. */
  readonly hasMore: boolean;
  /** Who is here. Above the server's roster limit a sample: then `isRosterComplete` is false, and `count` tells the truth. */
  readonly people: readonly Person[];
  readonly count: number;
  readonly isRosterComplete: boolean;
  /** Who is typing now, oneself excluded. */
  readonly typing: readonly Person[];
  /** Own messages that `messages` does not hold yet, in order. */
  readonly outgoing: readonly OutgoingMessage[];
  /**
   * Resolves when the message is stored. While offline it waits in the queue; own messages are stored in the
   * order of the calls. Rejects with `QueueFullError`, `BadArgumentError` (empty or too long), `ServerError`.
   */
  send(text: string): Promise<{ readonly seq: number }>;
  /** A page before `before` (default: the oldest in `messages`), oldest first; does not change `messages`. */
  history(options?: { readonly before?: number; readonly limit?: number }): Promise<{
    readonly messages: readonly Message[];
    readonly hasMore: boolean;
  }>;
  /** As `history`, and puts the page in front of `messages`. */
  loadMore(limit?: number): Promise<void>;
  /** Tells the others; repeats are thinned out. Nothing happens while offline. */
  setTyping(isTyping: boolean): void;
  /** Messages from now on, each once and in order. */
  stream(): AsyncIterableIterator<Message>;
  leave(): Promise<void>;
}

export interface GamesApi {
  list(type?: string): Promise<GameInfo[]>;
  /** Makes a game. A retry after a lost connection finds the same one. */
  create(type: string, options?: CreateGameOptions): Promise<GameInfo>;
  /** Joins any game of the type with a free seat; creates one if there is none. */
  quickMatch<Rows = AnyRows>(type: string): Promise<Game<Rows>>;
  /**
   * Joins, or gives the game that was joined before. Resolves when the first state is there. A game that cannot be
   * played for now is asked for again and again; after `requestTimeoutMs` it rejects with why (`no_capacity`: no
   * process takes the game), or with `TimeoutError`.
   */
  join<Rows = AnyRows>(game: string, options?: { readonly spectate?: boolean }): Promise<Game<Rows>>;
  readonly joined: readonly Game[];
}

export interface CreateGameOptions {
  readonly title?: string;
  /** Options of the game type. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** The caller's own name for the creation; default: a random one. */
  readonly key?: string;
}

/**
 * `live`: deltas flow. `rejoining`: the connection or a delta was lost, or another process owns a volatile game now;
 * full state is on its way. `lost`: it cannot be joined again, or another session of the user plays it now (code
 * `replaced`). `ended`: it is over. `left`: by `leave()`.
 */
export type GameStatus = 'live' | 'rejoining' | 'lost' | 'ended' | 'left';

export interface GameEvents {
  /** The whole state was replaced: after each join, and when deltas were skipped. */
  state: {
    readonly epoch: number;
    readonly seq: number;
    readonly tick: number;
    /** `replica` is another object, because the game's schema changed: listeners on its tables are to be set anew. */
    readonly isNewReplica: boolean;
  };
  /** One committed delta was applied, shared and private part at once. */
  delta: { readonly epoch: number; readonly seq: number; readonly tick: number };
  status: { readonly status: GameStatus; readonly error?: BreakwaterError };
  /** Another process hosts the game from now on. */
  owner: { readonly epoch: number; readonly fromPod: string; readonly toPod: string };
  /** An owner change during which no delta came for `ms`. */
  pause: { readonly ms: number; readonly epoch: number; readonly fromPod: string; readonly toPod: string };
  reject: { readonly n: number; readonly reason: string };
  ended: { readonly reason: string };
}

export interface SentCommand {
  /** The command's number. */
  readonly n: number;
  /** Resolves when the state covers the command; rejects with `CommandRejectedError`, `CommandLostError` or `ReplacedError`. */
  readonly applied: Promise<void>;
}

export interface Game<Rows = AnyRows> extends Events<GameEvents> {
  readonly id: string;
  readonly status: GameStatus;
  readonly isSpectator: boolean;
  /** Number of this player in the game; undefined for a spectator. */
  readonly pid: number | undefined;
  /** The process that hosts the game. */
  readonly pod: string;
  readonly epoch: number;
  readonly seq: number;
  /** Ticks a second, as the game's schema says. */
  readonly tickHz: number;
  /**
   * What this player may see of the game's state, kept up to date. Changes come whole: listeners on its tables run
   * when a delta is in. `Rows` can be taken from a game's definition: `Replica<RowsOf<typeof world>>`.
   */
  readonly replica: Replica<Rows>;
  /** Number of the last own command that the state covers. */
  readonly ack: number;
  /** Own commands that are not covered yet. */
  readonly pendingCommands: number;
  /** Sends a command; throws `QueueFullError` above `limits.maxPendingCommands`. */
  command(name: string, args?: Readonly<Record<string, unknown>>): SentCommand;
  leave(): Promise<void>;
}
