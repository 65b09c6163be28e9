export {
  type AnyRows,
  Replica,
  ReplicaError,
  type ReplicaRow,
  ReplicaTable,
  type RowsOf,
} from '@breakwater/game-kit/replica';
export type { GameInfo, Message, Person, RoomInfo } from '@breakwater/protocol';
export * from './api.ts';
export { connect, createClient } from './connect.ts';
export * from './errors.ts';
export type {
  ClientClock,
  ConnectOptions,
  FetchLike,
  KeyValueStorage,
  LimitOptions,
  ReconnectOptions,
  TimeOptions,
  TokenSource,
  WebSocketConstructor,
  WebSocketLike,
} from './options.ts';
