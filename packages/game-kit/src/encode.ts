import { ByteWriter } from './bytes.ts';
import { type ColumnStore, FORM_BYTE, FORM_F64, FORM_VARINT, FORM_ZIGZAG } from './column-store.ts';
import type { TableStore } from './table-store.ts';
import { KIND_DELTA, KIND_STATE, PART_SERVER, PART_SHARED, PART_SLICE, type Part } from './wire.ts';

/** One player's part. */
export interface Slice {
  readonly pid: number;
  readonly bytes: Uint8Array;
}

/** A full state or a delta: what everyone gets, what nobody but the owner of the game gets, what one player gets. */
export interface EncodedParts {
  readonly tick: number;
  readonly shared: Uint8Array;
  readonly server: Uint8Array;
  /** By rising pid. A state has one for each seated player, a delta one for each whose own rows changed. */
  readonly slices: readonly Slice[];
}

function writeValue(out: ByteWriter, column: ColumnStore, slot: number): void {
  switch (column.form) {
    case FORM_BYTE:
      out.u8(column.numbers[slot]! & 0xff);
      return;
    case FORM_VARINT:
      out.varint(column.numbers[slot]!);
      return;
    case FORM_ZIGZAG:
      out.zigzag(column.numbers[slot]!);
      return;
    case FORM_F64:
      out.f64(column.numbers[slot]!);
      return;
    default:
      out.text(column.texts[slot]!);
  }
}

function writeRow(out: ByteWriter, table: TableStore, slot: number, previous: number): number {
  const id = table.ids[slot]!;
  out.varint(id - previous);
  const { columns } = table;
  for (let i = 0; i < columns.length; i++) writeValue(out, columns[i]!, slot);
  return id;
}

function writeChanges(out: ByteWriter, table: TableStore, slot: number, previous: number): number {
  const id = table.ids[slot]!;
  const mask = table.masks[slot]!;
  out.varint(id - previous);
  out.varint(mask);
  for (const column of table.columns) if (mask & column.bit) writeValue(out, column, slot);
  return id;
}

function writeIds(out: ByteWriter, ids: readonly number[]): void {
  let previous = 0;
  for (const id of ids) {
    out.varint(id - previous);
    previous = id;
  }
  out.varint(0);
}

const byNumber = (a: number, b: number): number => a - b;

/** Removed, inserted and changed rows of a table, taken from `slots` only if given. */
function writeDeltaSection(
  out: ByteWriter,
  table: TableStore,
  removed: number[],
  slots?: readonly number[],
): void {
  const start = out.length;
  out.varint(table.index + 1);
  const header = out.length;
  writeIds(out, removed.sort(byNumber));
  const count = slots === undefined ? table.used : slots.length;
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const slot = slots === undefined ? i : slots[i]!;
    if (table.fresh[slot] === 1) previous = writeRow(out, table, slot, previous);
  }
  out.varint(0);
  previous = 0;
  for (let i = 0; i < count; i++) {
    const slot = slots === undefined ? i : slots[i]!;
    if (table.masks[slot] !== 0) previous = writeChanges(out, table, slot, previous);
  }
  out.varint(0);
  if (out.length === header + 3) out.length = start;
}

function writeStateSection(out: ByteWriter, table: TableStore, slots?: readonly number[]): void {
  const count = slots === undefined ? table.used : slots.length;
  if (count === 0) return;
  out.varint(table.index + 1);
  out.varint(0);
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const slot = slots === undefined ? i : slots[i]!;
    if (table.rows[slot] !== undefined) previous = writeRow(out, table, slot, previous);
  }
  out.varint(0);
  out.varint(0);
}

/** For each owner: slots of the rows that matter, and ids of rows that are gone. */
interface Owned {
  readonly slots: number[];
  readonly removed: number[];
}

type OwnedByPid = Map<number, Map<TableStore, Owned>>;

function ownedOf(owned: OwnedByPid, pid: number, table: TableStore): Owned {
  let tables = owned.get(pid);
  if (tables === undefined) {
    tables = new Map();
    owned.set(pid, tables);
  }
  let entry = tables.get(table);
  if (entry === undefined) {
    entry = { slots: [], removed: [] };
    tables.set(table, entry);
  }
  return entry;
}

function gatherOwned(tables: readonly TableStore[], delta: boolean): OwnedByPid {
  const owned: OwnedByPid = new Map();
  for (const table of tables) {
    if (delta && !table.touched) continue;
    for (let slot = 0; slot < table.used; slot++) {
      const wanted = delta
        ? table.fresh[slot] === 1 || table.masks[slot] !== 0
        : table.rows[slot] !== undefined;
      if (wanted) ownedOf(owned, table.owners[slot]!, table).slots.push(slot);
    }
    if (delta) for (const { id, owner } of table.removed) ownedOf(owned, owner, table).removed.push(id);
  }
  return owned;
}

/** Encodes the tables of one game; buffers are kept and used again. */
export class Encoder {
  private readonly out = new ByteWriter();
  private readonly shared: readonly TableStore[];
  private readonly server: readonly TableStore[];
  private readonly owned: readonly TableStore[];
  private readonly all: readonly TableStore[];
  private readonly mark: number;

  constructor(tables: readonly TableStore[], mark: number) {
    this.all = tables;
    this.mark = mark;
    this.shared = tables.filter((table) => table.definition.visibility === 'all');
    this.server = tables.filter((table) => table.definition.visibility === 'server');
    this.owned = tables.filter((table) => table.definition.visibility === 'owner');
  }

  /** What changed since the last delta; the caller settles the tables afterwards. */
  delta(tick: number): EncodedParts {
    return this.encode(tick, true, []);
  }

  /** Everything but transient rows. */
  state(tick: number, pids: readonly number[]): EncodedParts {
    return this.encode(tick, false, pids);
  }

  private encode(tick: number, delta: boolean, pids: readonly number[]): EncodedParts {
    this.out.length = 0;
    const sharedEnd = this.writePart(tick, delta, PART_SHARED, this.shared);
    const serverEnd = this.writePart(tick, delta, PART_SERVER, this.server);
    const ends = this.writeSlices(tick, delta, pids);
    const bytes = this.out.take();
    let start = serverEnd;
    const slices = ends.map(({ pid, end }) => {
      const slice = { pid, bytes: bytes.subarray(start, end) };
      start = end;
      return slice;
    });
    return {
      tick,
      shared: bytes.subarray(0, sharedEnd),
      server: bytes.subarray(sharedEnd, serverEnd),
      slices,
    };
  }

  private writeHeader(tick: number, delta: boolean, part: Part): void {
    this.out.u8((delta ? KIND_DELTA : KIND_STATE) | part);
    this.out.varint(tick);
  }

  private writePart(tick: number, delta: boolean, part: Part, tables: readonly TableStore[]): number {
    const { out } = this;
    this.writeHeader(tick, delta, part);
    if (part === PART_SERVER) {
      out.varint(this.mark);
      this.writeAllocators(delta);
    }
    for (const table of tables) {
      if (delta) {
        if (table.touched)
          writeDeltaSection(
            out,
            table,
            table.removed.map((row) => row.id),
          );
      } else if (!table.definition.transient) {
        writeStateSection(out, table);
      }
    }
    out.varint(0);
    return out.length;
  }

  private writeAllocators(delta: boolean): void {
    for (const table of this.all) {
      if (table.nextId === (delta ? table.encodedNextId : 1)) continue;
      this.out.varint(table.index + 1);
      this.out.varint(table.nextId);
    }
    this.out.varint(0);
  }

  private writeSlices(tick: number, delta: boolean, pids: readonly number[]): { pid: number; end: number }[] {
    const tables = delta ? this.owned : this.owned.filter((table) => !table.definition.transient);
    const owned = gatherOwned(tables, delta);
    for (const pid of pids) if (!owned.has(pid)) owned.set(pid, new Map());
    return [...owned.keys()].sort(byNumber).map((pid) => {
      this.writeHeader(tick, delta, PART_SLICE);
      for (const [table, { slots, removed }] of owned.get(pid)!) {
        if (delta) writeDeltaSection(this.out, table, removed, slots);
        else writeStateSection(this.out, table, slots);
      }
      this.out.varint(0);
      return { pid, end: this.out.length };
    });
  }
}
