import type { ColumnStore } from './column-store.ts';
import type { Columns, ColumnValue } from './columns.ts';
import { GameError } from './errors.ts';
import type { Journal } from './journal.ts';
import { type Row, slotOf } from './row.ts';
import { RowIterator } from './row-iterator.ts';
import { RowSlots } from './row-slots.ts';
import type { Visibility } from './schema.ts';

export const DEFAULT_MAX_ROWS = 16_384;
const MAX_ID = 0xffff_fffe;

export interface TableDefinition {
  readonly visibility: Visibility;
  readonly transient: boolean;
  readonly maxRows: number;
  readonly columns: Columns;
}

/** All there is to know about a row that was removed, to put it back. */
export interface RemovedRow {
  readonly row: Row;
  readonly owner: number;
  readonly values: readonly ColumnValue[];
  readonly mask: number;
  readonly fresh: boolean;
}

export type Values = { readonly [column: string]: ColumnValue | undefined };

/** One table as the rules change it: every change is checked, marked for the next delta and noted for an undo. */
export class TableStore extends RowSlots {
  readonly name: string;
  readonly index: number;
  readonly definition: TableDefinition;
  /** `nextId` as of the last delta. */
  encodedNextId = 1;
  /** Something may have changed since the last delta. */
  touched = false;
  /** Rows of the last delta that are gone since, with their owners. */
  readonly removed: { id: number; owner: number }[] = [];
  private readonly journal: Journal;
  /** Who may own rows; only `owner` tables ask. */
  private readonly seats: { has(pid: number): boolean };
  private readonly columnByName: ReadonlyMap<string, ColumnStore>;

  constructor(
    name: string,
    index: number,
    definition: TableDefinition,
    journal: Journal,
    seats: { has(pid: number): boolean },
  ) {
    super(definition.columns);
    this.name = name;
    this.index = index;
    this.definition = definition;
    this.journal = journal;
    this.seats = seats;
    this.columnByName = new Map(this.columns.map((column) => [column.name, column]));
  }

  [Symbol.iterator](): RowIterator {
    return new RowIterator(this);
  }

  need(id: number): Row {
    const row = this.byId.get(id);
    if (row === undefined) throw new GameError('not_found', `${this.name} has no row ${id}`);
    return row;
  }

  get(id: number, name: string): ColumnValue {
    return this.column(name).read(this.need(id).$slot);
  }

  set(id: number, name: string, value: ColumnValue): void {
    this.write(this.need(id), this.column(name), value);
  }

  /** Columns left out get their zero. An `id` of the caller's must be free; without one ids rise and never come back. */
  insert(values: Values, id = this.nextId): number {
    this.checkInsert(values, id);
    const oldNextId = this.nextId;
    const row = this.place(id, (values.owner as number | undefined) ?? 0);
    for (const column of this.columns) column.write(row.$slot, values[column.name] ?? column.zero);
    this.fresh[row.$slot] = 1;
    this.touched = true;
    if (this.journal.active) this.journal.noteInsert(this, row, oldNextId);
    return id;
  }

  remove(id: number): boolean {
    const row = this.byId.get(id);
    if (row === undefined) return false;
    const removed = this.describe(row);
    this.drop(row);
    if (!removed.fresh) this.removed.push({ id, owner: removed.owner });
    this.touched = true;
    if (this.journal.active) this.journal.noteRemove(this, removed);
    return true;
  }

  /** The one way a value changes: checked, and marked only when it differs. */
  write(row: Row, column: ColumnStore, value: ColumnValue): void {
    const slot = slotOf(row);
    column.check(value);
    const old = column.read(slot);
    if (old === value) return;
    const mask = this.masks[slot]!;
    if (this.journal.active) this.journal.noteSet(this, row, column.index, old, mask);
    column.write(slot, value);
    if (this.fresh[slot] === 0) this.masks[slot] = mask | column.bit;
    this.touched = true;
  }

  revertSet(row: Row, column: number, old: ColumnValue, oldMask: number): void {
    this.columns[column]!.write(row.$slot, old);
    this.masks[row.$slot] = oldMask;
  }

  revertInsert(row: Row, oldNextId: number): void {
    this.drop(row);
    this.nextId = oldNextId;
  }

  revertRemove(removed: RemovedRow): void {
    const { row } = removed;
    this.place(row.id, removed.owner, row);
    for (const column of this.columns) column.write(row.$slot, removed.values[column.index]!);
    this.masks[row.$slot] = removed.mask;
    this.fresh[row.$slot] = removed.fresh ? 1 : 0;
    if (!removed.fresh) this.removed.pop();
  }

  /** Everything marked was encoded: forget the marks, drop transient rows, squeeze out holes. */
  settle(): void {
    this.encodedNextId = this.nextId;
    if (!this.touched) return;
    this.touched = false;
    this.removed.length = 0;
    if (this.definition.transient) this.clear();
    this.masks.fill(0, 0, this.used);
    this.fresh.fill(0, 0, this.used);
    this.compact();
  }

  private column(name: string): ColumnStore {
    const column = this.columnByName.get(name);
    if (column === undefined) throw new GameError('not_found', `${this.name} has no column ${name}`);
    return column;
  }

  private checkInsert(values: Values, id: number): void {
    if (this.size >= this.definition.maxRows) {
      throw new GameError('too_large', `${this.name} is full (${this.definition.maxRows} rows)`);
    }
    if (!Number.isInteger(id) || id < 1 || id > MAX_ID)
      throw new GameError('bad_value', `${id} is not a row id`);
    if (this.byId.has(id)) throw new GameError('bad_value', `${this.name} already has a row ${id}`);
    const owned = this.definition.visibility === 'owner';
    if (owned && !this.seats.has(values.owner as number)) {
      throw new GameError('not_found', `a row of ${this.name} needs the pid of a seated player as its owner`);
    }
    for (const name of Object.keys(values)) {
      const value = values[name];
      if (name === 'owner' && owned) continue;
      if (value !== undefined) this.column(name).check(value);
    }
  }

  private describe(row: Row): RemovedRow {
    const slot = row.$slot;
    return {
      row,
      owner: this.owners[slot]!,
      values: this.columns.map((column) => column.read(slot)),
      mask: this.masks[slot]!,
      fresh: this.fresh[slot] === 1,
    };
  }
}
