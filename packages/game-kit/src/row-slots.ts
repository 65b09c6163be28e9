import { ColumnStore } from './column-store.ts';
import type { Columns, ColumnValue } from './columns.ts';
import { GONE, makeRowClass, type Row, type RowClass } from './row.ts';

const FIRST_CAPACITY = 16;
/** Fewer holes than this are not worth squeezing out. */
const MIN_HOLES = 64;

/**
 * Where the rows of a table lie: columns of values, addressed by slot. Slots follow the order of the row ids, so
 * that a walk does not depend on how the table came to be. Removed rows leave holes, squeezed out now and then.
 */
export class RowSlots {
  readonly columns: readonly ColumnStore[];
  /** The id that the next row gets. */
  nextId = 1;
  /** Slots in use, holes included. */
  used = 0;
  size = 0;
  /** Rises whenever a row may have changed its slot. */
  layout = 0;
  ids = new Float64Array(FIRST_CAPACITY);
  owners = new Float64Array(FIRST_CAPACITY);
  /** Changed columns of each row since the last delta. */
  masks = new Uint32Array(FIRST_CAPACITY);
  /** 1 for rows inserted since the last delta. */
  fresh = new Uint8Array(FIRST_CAPACITY);
  readonly rows: (Row | undefined)[] = [];
  protected readonly byId = new Map<number, Row>();
  private readonly rowClass: RowClass;
  private capacity = FIRST_CAPACITY;

  constructor(columns: Columns) {
    this.columns = Object.keys(columns).map((name, index) => new ColumnStore(name, index, columns[name]!));
    for (const column of this.columns) column.grow(FIRST_CAPACITY);
    this.rowClass = makeRowClass(this.columns);
  }

  has(id: number): boolean {
    return this.byId.has(id);
  }

  row(id: number): Row | undefined {
    return this.byId.get(id);
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

  /** A row with this id, its values still to be written; `back` is the row itself when a removal is undone. */
  protected place(id: number, owner: number, back?: Row): Row {
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

  protected drop(row: Row): void {
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

  protected clear(): void {
    for (let slot = this.used - 1; slot >= 0; slot--) {
      const row = this.rows[slot];
      if (row !== undefined) this.drop(row);
    }
  }

  /** Squeezes the holes out when they are the most of it. */
  protected compact(): void {
    if (this.used - this.size <= MIN_HOLES || this.size >= this.used / 2) return;
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
