import { ColumnStore } from './column-store.ts';
import type { Columns, ColumnValue } from './columns.ts';
import { GameError } from './errors.ts';
import type { Journal } from './journal.ts';
import { GONE, makeRowClass, type Row, type RowClass } from './row.ts';
import { RowIterator } from './row-iterator.ts';
import type { Visibility } from './schema.ts';

export const DEFAULT_MAX_ROWS = 16_384;
const FIRST_CAPACITY = 16;
/** Fewer holes than this are not worth squeezing out. */
const MIN_HOLES = 64;
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

/**
 * One table: columns of values, addressed by slot; slots lie in the order of the row ids, so that iteration does
 * not depend on how the table came to be. Removed rows leave holes, which `settle` squeezes out now and then.
 */
export class TableStore {
  readonly name: string;
  readonly index: number;
  readonly definition: TableDefinition;
  readonly columns: readonly ColumnStore[];
  /** The id that the next row gets. */
  nextId = 1;
  /** `nextId` as of the last delta. */
  encodedNextId = 1;
  /** Slots in use, holes included. */
  used = 0;
  size = 0;
  /** Rises whenever a row may have changed its slot. */
  layout = 0;
  /** Something may have changed since the last delta. */
  touched = false;
  ids = new Float64Array(FIRST_CAPACITY);
  owners = new Float64Array(FIRST_CAPACITY);
  /** Changed columns of each row since the last delta. */
  masks = new Uint32Array(FIRST_CAPACITY);
  /** 1 for rows inserted since the last delta. */
  fresh = new Uint8Array(FIRST_CAPACITY);
  readonly rows: (Row | undefined)[] = [];
  /** Rows of the last delta that are gone since, with their owners. */
  readonly removed: { id: number; owner: number }[] = [];
  private readonly journal: Journal;
  /** Who may own rows; only `owner` tables ask. */
  private readonly seats: { has(pid: number): boolean };
  private readonly byId = new Map<number, Row>();
  private readonly columnByName = new Map<string, ColumnStore>();
  private readonly rowClass: RowClass;
  private capacity = FIRST_CAPACITY;

  constructor(
    name: string,
    index: number,
    definition: TableDefinition,
    journal: Journal,
    seats: { has(pid: number): boolean },
  ) {
    this.name = name;
    this.index = index;
    this.definition = definition;
    this.journal = journal;
    this.seats = seats;
    this.columns = Object.keys(definition.columns).map(
      (column, place) => new ColumnStore(column, place, definition.columns[column]!),
    );
    for (const column of this.columns) {
      column.grow(FIRST_CAPACITY);
      this.columnByName.set(column.name, column);
    }
    this.rowClass = makeRowClass(this.columns);
  }

  [Symbol.iterator](): RowIterator {
    return new RowIterator(this);
  }

  has(id: number): boolean {
    return this.byId.has(id);
  }

  row(id: number): Row | undefined {
    return this.byId.get(id);
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

  ownerOf(row: Row): number {
    if (row.$slot === GONE) throw new GameError('not_found', `row ${row.id} of ${this.name} was removed`);
    return this.owners[row.$slot]!;
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
    const slot = row.$slot;
    if (slot === GONE) throw new GameError('not_found', `row ${row.id} of ${this.name} was removed`);
    column.check(value);
    const old = column.read(slot);
    if (old === value) return;
    const mask = this.masks[slot]!;
    if (this.journal.active) this.journal.noteSet(row, column.index, old, mask);
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

  /** Takes in a row from encoded state, unmarked. The caller has checked that the id is free. */
  load(id: number, owner: number, values: readonly ColumnValue[]): void {
    const row = this.place(id, owner);
    for (const column of this.columns) column.write(row.$slot, values[column.index]!);
  }

  /** Takes out a row because encoded state says so, unmarked. */
  unload(id: number): void {
    const row = this.byId.get(id);
    if (row !== undefined) this.drop(row);
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
    if (this.used - this.size > MIN_HOLES && this.size < this.used / 2) this.compact();
  }

  /** First slot whose id is above `id`. */
  slotAfter(id: number): number {
    let low = 0;
    let high = this.used;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ids[middle]! > id) high = middle;
      else low = middle + 1;
    }
    return low;
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

  private place(id: number, owner: number, back?: Row): Row {
    const slot = this.openSlot(id);
    const row = back ?? new this.rowClass(this, id, slot);
    row.$slot = slot;
    this.ids[slot] = id;
    this.owners[slot] = owner;
    this.masks[slot] = 0;
    this.fresh[slot] = 0;
    this.rows[slot] = row;
    this.byId.set(id, row);
    this.size++;
    if (id >= this.nextId) this.nextId = id + 1;
    return row;
  }

  private drop(row: Row): void {
    const slot = row.$slot;
    row.$slot = GONE;
    this.byId.delete(row.id);
    this.rows[slot] = undefined;
    this.masks[slot] = 0;
    this.fresh[slot] = 0;
    for (const column of this.columns) if (column.isText) column.write(slot, '');
    this.size--;
    while (this.used > 0 && this.rows[this.used - 1] === undefined) this.used--;
  }

  /** The slot where a row with this id belongs: behind all others nearly always, else a hole or a gap made there. */
  private openSlot(id: number): number {
    if (this.used === 0 || this.ids[this.used - 1]! < id) {
      if (this.used === this.capacity) this.grow();
      return this.used++;
    }
    this.layout++;
    const slot = this.slotAfter(id);
    if (slot > 0 && this.rows[slot - 1] === undefined) return slot - 1;
    if (this.used === this.capacity) this.grow();
    this.shiftUp(slot);
    return slot;
  }

  private shiftUp(slot: number): void {
    for (const column of this.columns) column.shiftUp(slot, this.used);
    for (const array of [this.ids, this.owners, this.masks, this.fresh])
      array.copyWithin(slot + 1, slot, this.used);
    for (let i = this.used; i > slot; i--) {
      const row = this.rows[i - 1];
      this.rows[i] = row;
      if (row !== undefined) row.$slot = i;
    }
    this.rows[slot] = undefined;
    this.used++;
  }

  private grow(): void {
    this.capacity *= 2;
    for (const column of this.columns) column.grow(this.capacity);
    this.ids = enlarge(this.ids, new Float64Array(this.capacity));
    this.owners = enlarge(this.owners, new Float64Array(this.capacity));
    this.masks = enlarge(this.masks, new Uint32Array(this.capacity));
    this.fresh = enlarge(this.fresh, new Uint8Array(this.capacity));
  }

  private clear(): void {
    for (let slot = this.used - 1; slot >= 0; slot--) {
      const row = this.rows[slot];
      if (row !== undefined) this.drop(row);
    }
  }

  private compact(): void {
    let to = 0;
    for (let from = 0; from < this.used; from++) {
      const row = this.rows[from];
      if (row === undefined) continue;
      if (from !== to) this.moveRow(row, from, to);
      to++;
    }
    this.used = to;
    this.rows.length = to;
    for (const column of this.columns) column.truncate(to);
    this.layout++;
  }

  private moveRow(row: Row, from: number, to: number): void {
    for (const column of this.columns) column.move(from, to);
    this.ids[to] = this.ids[from]!;
    this.owners[to] = this.owners[from]!;
    this.rows[to] = row;
    row.$slot = to;
  }
}

function enlarge<A extends Float64Array | Uint32Array | Uint8Array>(from: A, into: A): A {
  into.set(from);
  return into;
}
