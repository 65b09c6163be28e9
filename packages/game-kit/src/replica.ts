import { ByteReader } from './bytes.ts';
import type { ColumnValue, ValueOf } from './columns.ts';
import { ReplicaError } from './errors.ts';
import { type Change, type Notice, type ReplicaRow, ReplicaTable } from './replica-table.ts';
import { decodeSchema, type GameSchema } from './schema.ts';
import type { SystemTables } from './system-tables.ts';
import type { TableSpec } from './table.ts';
import { PART_SHARED, PART_SLICE, type PartSink, readPart } from './wire.ts';

export type { ReplicaErrorCode } from './errors.ts';
export { ReplicaError } from './errors.ts';
export type { ReplicaRow, TableListeners } from './replica-table.ts';
export { ReplicaTable } from './replica-table.ts';
export type { ColumnSchema, GameSchema, TableSchema, Visibility } from './schema.ts';
export { decodeSchema } from './schema.ts';

type RowIn<S> = S extends TableSpec<infer C> ? { readonly [K in keyof C]: ValueOf<C[K]> } : ReplicaRow;

/** Rows by table name, from the type of a game definition: `Replica<RowsOf<typeof world>>`. */
export type RowsOf<D> = D extends { readonly types?: { readonly tables: infer T } }
  ? { readonly [K in keyof (T & SystemTables)]: RowIn<(T & SystemTables)[K]> }
  : AnyRows;
export type AnyRows = { readonly [table: string]: ReplicaRow };

/** Reads a part into a list, checking against the rows there are, so that a bad part changes nothing. */
class Collector implements PartSink {
  readonly changes: { readonly table: number; readonly change: Change }[] = [];
  private readonly has: (table: number, id: number) => boolean;
  private readonly width: (table: number) => number;
  private readonly gone = new Set<number>();
  private current = -1;

  constructor(has: (table: number, id: number) => boolean, width: (table: number) => number) {
    this.has = has;
    this.width = width;
  }

  // Only the server part has these, and no client gets that.
  schemaMark(): void {}
  allocator(): void {}

  removed(table: number, id: number): void {
    this.enter(table);
    if (!this.has(table, id)) mismatch(id);
    this.gone.add(id);
    this.changes.push({ table, change: { kind: 'removed', id } });
  }

  inserted(table: number, id: number, values: readonly ColumnValue[]): void {
    this.enter(table);
    if (this.has(table, id) && !this.gone.has(id)) mismatch(id);
    this.changes.push({
      table,
      change: { kind: 'inserted', id, values: values.slice(0, this.width(table)) },
    });
  }

  changed(table: number, id: number, mask: number, values: readonly ColumnValue[]): void {
    this.enter(table);
    if (!this.has(table, id) || this.gone.has(id)) mismatch(id);
    this.changes.push({
      table,
      change: { kind: 'changed', id, mask, values: values.slice(0, this.width(table)) },
    });
  }

  private enter(table: number): void {
    if (table === this.current) return;
    this.current = table;
    this.gone.clear();
  }
}

function mismatch(id: number): never {
  throw new ReplicaError('mismatch', `row ${id} does not fit this state`);
}

/**
 * A game as one client sees it, kept up to date by the deltas. Everything it reads may be anything: bad bytes throw
 * `ReplicaError`, and nothing of them was applied; ask for full state then.
 */
export class Replica<Rows = AnyRows> {
  readonly schema: GameSchema;
  readonly tables: ReadonlyMap<string, ReplicaTable>;
  /** The tick that the tables show; 0 before the first state. */
  tick = 0;
  private readonly byIndex: readonly ReplicaTable[];

  /** Throws `ReplicaError('schema')`. */
  constructor(schema: unknown) {
    this.schema = decodeSchema(schema);
    this.byIndex = this.schema.tables.map((table) => new ReplicaTable(table));
    this.tables = new Map(this.byIndex.map((table) => [table.schema.name, table]));
  }

  /** A table by name; throws `ReplicaError('unknown_table')` if this game has none of that name. */
  table<K extends keyof Rows & string>(name: K): ReplicaTable<Rows[K]> {
    const found = this.tables.get(name);
    if (found === undefined) throw new ReplicaError('unknown_table', `this game has no table ${name}`);
    return found as unknown as ReplicaTable<Rows[K]>;
  }

  /** Everything anew: the shared part of a full state and, with a seat, one's own slice. */
  applyState(shared: Uint8Array, slice?: Uint8Array): void {
    const collector = this.collector(() => false);
    const tick = this.read(collector, false, shared, slice);
    const next = this.byIndex.map(() => new Map<number, readonly ColumnValue[]>());
    for (const { table, change } of collector.changes) {
      if (change.kind === 'inserted') next[table]!.set(change.id, change.values);
    }
    const notices: Notice[] = [];
    this.byIndex.forEach((table, index) => {
      if (!table.schema.transient) table.replace(next[index]!, notices);
    });
    this.finish(tick, notices);
  }

  /** The next delta: its shared part and, if there is one, one's own slice. */
  applyDelta(shared: Uint8Array, slice?: Uint8Array): void {
    const collector = this.collector((table, id) => this.byIndex[table]!.rows.has(id));
    const tick = this.read(collector, true, shared, slice);
    const notices: Notice[] = [];
    for (const { table, change } of collector.changes) this.byIndex[table]!.apply(change, notices);
    this.finish(tick, notices);
  }

  private collector(has: (table: number, id: number) => boolean): Collector {
    return new Collector(has, (table) => this.byIndex[table]!.schema.columns.length);
  }

  private read(
    collector: Collector,
    delta: boolean,
    shared: Uint8Array,
    slice: Uint8Array | undefined,
  ): number {
    const tick = readPart(new ByteReader(shared), this.schema, PART_SHARED, delta, collector);
    if (slice === undefined) return tick;
    if (readPart(new ByteReader(slice), this.schema, PART_SLICE, delta, collector) !== tick) {
      throw new ReplicaError('mismatch', 'parts of different ticks');
    }
    return tick;
  }

  /** Tells the listeners; one that throws does not keep the others from hearing. */
  private finish(tick: number, notices: readonly Notice[]): void {
    this.tick = tick;
    const errors: unknown[] = [];
    for (const notice of notices) {
      try {
        notice();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
