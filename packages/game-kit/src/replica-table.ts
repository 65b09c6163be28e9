import type { ColumnType, ColumnValue } from './columns.ts';
import type { TableSchema } from './schema.ts';

export type ReplicaRow = { readonly [column: string]: ColumnValue };

/** What may be listened to on one table. `previous` holds the old values of the columns that changed. */
export interface TableListeners<R> {
  inserted?(id: number, row: R): void;
  changed?(id: number, row: R, previous: Partial<R>): void;
  removed?(id: number, row: R): void;
  /** A row of a transient table: something that happened. */
  event?(row: R, id: number): void;
}

type Mutable = { [column: string]: ColumnValue };

export type Change =
  | { readonly kind: 'inserted'; readonly id: number; readonly values: readonly ColumnValue[] }
  | {
      readonly kind: 'changed';
      readonly id: number;
      readonly mask: number;
      readonly values: readonly ColumnValue[];
    }
  | { readonly kind: 'removed'; readonly id: number };

/** A listener's call that waits until the whole delta is in. */
export type Notice = () => void;

export function zeroOf(type: ColumnType): ColumnValue {
  if (type === 'text') return '';
  return type === 'bool' ? false : 0;
}

/** One table as this client may see it. Row objects stay the same while the row lives. */
export class ReplicaTable<R = ReplicaRow> {
  readonly schema: TableSchema;
  /** By row id, in the order of arrival. Always empty for a transient table. */
  readonly rows: ReadonlyMap<number, R>;
  private readonly held = new Map<number, Mutable>();
  private readonly listeners = new Set<TableListeners<R>>();

  constructor(schema: TableSchema) {
    this.schema = schema;
    this.rows = this.held as unknown as ReadonlyMap<number, R>;
  }

  /** Listeners run after a whole delta is in. Returns a function that takes them off again. */
  on(listeners: TableListeners<R>): () => void {
    this.listeners.add(listeners);
    return () => {
      this.listeners.delete(listeners);
    };
  }

  /** For `Replica`, which has checked that the change fits. */
  apply(change: Change, notices: Notice[]): void {
    switch (change.kind) {
      case 'inserted':
        this.insert(change.id, this.build(change.values), notices);
        return;
      case 'changed':
        this.change(change.id, change.mask, change.values, notices);
        return;
      case 'removed':
        this.remove(change.id, notices);
        return;
      default:
        change satisfies never;
    }
  }

  /** Makes the rows equal to `next`, telling listeners of the differences only. */
  replace(next: ReadonlyMap<number, readonly ColumnValue[]>, notices: Notice[]): void {
    for (const id of [...this.held.keys()]) if (!next.has(id)) this.remove(id, notices);
    for (const [id, values] of next) {
      if (this.held.has(id)) this.change(id, this.differences(id, values), values, notices);
      else this.insert(id, this.build(values), notices);
    }
  }

  private differences(id: number, values: readonly ColumnValue[]): number {
    const row = this.held.get(id)!;
    let mask = 0;
    this.schema.columns.forEach((column, index) => {
      if (row[column.name] !== values[index]) mask |= 1 << index;
    });
    return mask;
  }

  private build(values: readonly ColumnValue[]): Mutable {
    const row: Mutable = {};
    const { columns } = this.schema;
    for (let i = 0; i < columns.length; i++) row[columns[i]!.name] = values[i]!;
    return row;
  }

  private insert(id: number, row: Mutable, notices: Notice[]): void {
    const seen = row as R;
    if (this.schema.transient) {
      for (const listener of this.listeners) notices.push(() => listener.event?.(seen, id));
      return;
    }
    this.held.set(id, row);
    for (const listener of this.listeners) notices.push(() => listener.inserted?.(id, seen));
  }

  private change(id: number, mask: number, values: readonly ColumnValue[], notices: Notice[]): void {
    if (mask === 0) return;
    const row = this.held.get(id)!;
    const previous: Mutable | undefined = this.listeners.size > 0 ? {} : undefined;
    const { columns } = this.schema;
    for (let i = 0; i < columns.length; i++) {
      if ((mask & (1 << i)) === 0) continue;
      const { name } = columns[i]!;
      if (previous !== undefined) previous[name] = row[name]!;
      row[name] = values[i]!;
    }
    for (const listener of this.listeners)
      notices.push(() => listener.changed?.(id, row as R, previous as Partial<R>));
  }

  private remove(id: number, notices: Notice[]): void {
    const row = this.held.get(id)!;
    this.held.delete(id);
    for (const listener of this.listeners) notices.push(() => listener.removed?.(id, row as R));
  }
}
