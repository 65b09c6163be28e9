export type { Award } from './awards.ts';
export { MAX_AWARD } from './awards.ts';
export type { Column, Columns, ColumnType, ColumnValue, ValueOf } from './columns.ts';
export { bool, f64, i8, i16, i32, text, u8, u16, u32 } from './columns.ts';
export type { GameContext, Player } from './context.ts';
export type { CommandSpec, Durability, GameDefinition, GameHooks, GameSettings, GameSpec } from './define.ts';
export { defineGame } from './define.ts';
export type { EncodedParts, Slice } from './encode.ts';
export type { GameErrorCode, ReplicaErrorCode } from './errors.ts';
export { CommandRejected, GameError, ReplicaError } from './errors.ts';
export type { Field, FieldShape, Fields, FieldValues } from './fields.ts';
export { choice, int } from './fields.ts';
export { hashParts } from './hash.ts';
export type { Parts } from './host.ts';
export { createInstance, emptyInstance, hydrate, stateBytes, verifyInstance } from './host.ts';
export type { GameInstance } from './instance.ts';
export type { Migration, MigrationSpec, OldTable, OldTablesOf } from './migrate.ts';
export { migrateInstance } from './migrate.ts';
export type { Random } from './random.ts';
export type { CommandResult, HookFailure, InstanceOptions, JoinResult } from './results.ts';
export type {
  ArgSchema,
  ColumnSchema,
  CommandSchema,
  GameSchema,
  PublishedSchema,
  TableSchema,
  Visibility,
} from './schema.ts';
export { decodeSchema } from './schema.ts';
export type { JoinRequest } from './seats.ts';
export type { SystemTables } from './system-tables.ts';
export type { InsertOf, RowOf, Table, TableSpec, TableSpecs, TablesOf } from './table.ts';
export { table } from './table.ts';
