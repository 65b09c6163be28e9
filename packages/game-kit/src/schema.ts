import { type ColumnType, MAX_COLUMNS, MAX_TEXT_BYTES, NUMBER_RANGE } from './columns.ts';
import { ReplicaError } from './errors.ts';
import type { FieldShape } from './fields.ts';

/** `all`: everyone sees the rows; `owner`: each row is one player's; `server`: nobody outside the game does. */
export type Visibility = 'all' | 'owner' | 'server';

export interface ColumnSchema {
  readonly name: string;
  readonly type: ColumnType;
  /** Only of `text`: its limit in bytes of UTF-8. */
  readonly maxBytes?: number;
}

export interface TableSchema {
  readonly name: string;
  readonly visibility: Visibility;
  /** Rows live for one delta and are never part of a full state: events. */
  readonly transient: boolean;
  readonly columns: readonly ColumnSchema[];
}

/** What a decoder needs to read a game's bytes; plain JSON. A table's number on the wire is its place in `tables`. */
export interface GameSchema {
  readonly type: string;
  readonly schemaVersion: number;
  readonly tickHz: number;
  readonly tables: readonly TableSchema[];
}

/** What one argument of a command may be; without `default` it has to be given. */
export type ArgSchema = FieldShape & { readonly name: string; readonly default?: unknown };

export interface CommandSchema {
  readonly name: string;
  readonly args: readonly ArgSchema[];
}

/** What a host sends to clients: how to read the game, and what can be said to it. */
export interface PublishedSchema extends GameSchema {
  readonly commands: readonly CommandSchema[];
}

export const MAX_TABLES = 64;
const TABLE_NAME = /^\$?[a-z][A-Za-z0-9_]{0,31}$/;
const COLUMN_NAME = /^[a-z][A-Za-z0-9_]{0,31}$/;
const RESERVED: ReadonlySet<string> = new Set(['id', 'owner']);

export const isTableName = (name: unknown): name is string =>
  typeof name === 'string' && TABLE_NAME.test(name);
export const isColumnName = (name: unknown): name is string =>
  typeof name === 'string' && COLUMN_NAME.test(name) && !RESERVED.has(name) && !(name in Object.prototype);

type Loose = { readonly [key: string]: unknown };

function refuse(what: string): never {
  throw new ReplicaError('schema', `not a game schema: ${what}`);
}

function asObject(value: unknown, what: string): Loose {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(what);
  return value as Loose;
}

function asList(value: unknown, max: number, what: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) refuse(what);
  return value;
}

function asCount(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 0xffff_ffff) refuse(what);
  return value;
}

function decodeColumn(input: unknown): ColumnSchema {
  const { name, type, maxBytes } = asObject(input, 'column');
  if (!isColumnName(name)) refuse('column name');
  if (typeof type !== 'string' || !Object.hasOwn(NUMBER_RANGE, type)) refuse('column type');
  if (type !== 'text') return { name, type: type as ColumnType };
  const limit = asCount(maxBytes, 'maxBytes');
  if (limit > MAX_TEXT_BYTES) refuse('maxBytes');
  return { name, type, maxBytes: limit };
}

function decodeTable(input: unknown): TableSchema {
  const { name, visibility, transient, columns } = asObject(input, 'table');
  if (!isTableName(name)) refuse('table name');
  if (visibility !== 'all' && visibility !== 'owner' && visibility !== 'server') refuse('visibility');
  if (typeof transient !== 'boolean') refuse('transient');
  return { name, visibility, transient, columns: asList(columns, MAX_COLUMNS, 'columns').map(decodeColumn) };
}

function refuseTwins(names: readonly string[]): void {
  if (new Set(names).size !== names.length) refuse('a name twice');
}

/** Reads a schema from untrusted JSON; fields that it does not know are ignored. Throws `ReplicaError('schema')`. */
export function decodeSchema(input: unknown): GameSchema {
  const { type, schemaVersion, tickHz, tables } = asObject(input, 'object');
  if (typeof type !== 'string') refuse('type');
  const decoded = asList(tables, MAX_TABLES, 'tables').map(decodeTable);
  refuseTwins(decoded.map((table) => table.name));
  for (const table of decoded) refuseTwins(table.columns.map((column) => column.name));
  return {
    type,
    schemaVersion: asCount(schemaVersion, 'schemaVersion'),
    tickHz: asCount(tickHz, 'tickHz'),
    tables: decoded,
  };
}

/**
 * A short mark of the tables of a game, 14 bits: stands in every server part, so that a state or log of other tables
 * under the same type and version is refused instead of misread. Tables that the kit got `later` are left out.
 */
export function schemaMark(schema: GameSchema, later: ReadonlySet<string>): number {
  const shape = JSON.stringify(
    schema.tables
      .filter(({ name }) => !later.has(name))
      .map(({ name, visibility, transient, columns }) => [
        name,
        visibility,
        transient,
        columns.map((column) => [column.name, column.type, column.maxBytes]),
      ]),
  );
  let mark = 0;
  for (let i = 0; i < shape.length; i++) mark = (Math.imul(mark, 31) + shape.charCodeAt(i)) | 0;
  return (mark ^ (mark >>> 14)) & 0x3fff;
}
