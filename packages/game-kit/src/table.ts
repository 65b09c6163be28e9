import { type Column, type Columns, MAX_COLUMNS, type ValueOf } from './columns.ts';
import { GameError } from './errors.ts';
import { isColumnName, type Visibility } from './schema.ts';
import { DEFAULT_MAX_ROWS } from './table-store.ts';

/** A table as its author declares it. */
export interface TableSpec<C extends Columns = Columns, V extends Visibility = Visibility> {
  readonly visibility: V;
  readonly transient: boolean;
  readonly maxRows: number;
  readonly columns: C;
}

export type TableSpecs = { readonly [name: string]: TableSpec };

/** A row: its id, and a property for each column that reads and writes the table at once. */
export type RowOf<S> =
  S extends TableSpec<infer C, infer V>
    ? { readonly id: number } & (V extends 'owner' ? { readonly owner: number } : unknown) & {
          -readonly [K in keyof C]: ValueOf<C[K]>;
        }
    : never;

/** Values for a new row. Columns left out are zero, false or empty; a row of an `owner` table needs its player. */
export type InsertOf<S> =
  S extends TableSpec<infer C, infer V>
    ? { readonly [K in keyof C]?: ValueOf<C[K]> } & (V extends 'owner' ? { readonly owner: number } : unknown)
    : never;

export type ColumnsOf<S> = S extends TableSpec<infer C> ? C : never;

/**
 * A table as the rules of a game see it. Walking it gives rows by rising id; rows may be removed on the way.
 * A write outside the column's domain throws `GameError('bad_value')`; one of the same value marks nothing.
 */
export interface Table<S> extends Iterable<RowOf<S>> {
  readonly size: number;
  has(id: number): boolean;
  row(id: number): RowOf<S> | undefined;
  /** Like `row`, but throws `GameError('not_found')`. */
  need(id: number): RowOf<S>;
  get<K extends keyof ColumnsOf<S>>(id: number, column: K): ValueOf<ColumnsOf<S>[K]>;
  set<K extends keyof ColumnsOf<S>>(id: number, column: K, value: ValueOf<ColumnsOf<S>[K]>): void;
  /** Returns the id: the next one, never used before, or the free one given (a pid, for a row per player). */
  insert(values: InsertOf<S>, id?: number): number;
  /** False if there was no such row. */
  remove(id: number): boolean;
}

export type TablesOf<T> = { readonly [K in keyof T]: Table<T[K]> };

/** Declares a table. `maxRows` (default 16,384) bounds it; `transient` rows live for one delta: events. */
export function table<C extends { readonly [name: string]: Column }, const V extends Visibility>(spec: {
  readonly visibility: V;
  readonly transient?: boolean;
  readonly maxRows?: number;
  readonly columns: C;
}): TableSpec<C, V> {
  const names = Object.keys(spec.columns);
  if (names.length > MAX_COLUMNS)
    throw new GameError('bad_definition', `a table has at most ${MAX_COLUMNS} columns`);
  for (const name of names) {
    if (!isColumnName(name))
      throw new GameError('bad_definition', `"${name}" cannot be the name of a column`);
  }
  const maxRows = spec.maxRows ?? DEFAULT_MAX_ROWS;
  if (!Number.isInteger(maxRows) || maxRows < 1)
    throw new GameError('bad_definition', 'maxRows must be at least 1');
  return { visibility: spec.visibility, transient: spec.transient ?? false, maxRows, columns: spec.columns };
}
