import type { ByteReader } from './bytes.ts';
import type { ColumnValue } from './columns.ts';
import { ReplicaError } from './errors.ts';
import type { ColumnSchema, GameSchema, TableSchema, Visibility } from './schema.ts';

/**
 * The bytes of a game. A part is
 *
 *     kind  tick  (mark  allocators)?  section*  0
 *
 * `kind` is one byte: 0x10 for a state, 0x20 for a delta, plus 0 for the shared part, 1 for the server's, 2 for a
 * player's slice. `tick` and all numbers below without another word are varints: unsigned, up to 32 bits, seven bits
 * a byte, lowest first, the top bit set while more follow. The server part alone has the mark of the schema and
 * `allocators`: pairs of table number + 1 and next row id, ended by 0.
 *
 * A section is a table number + 1 (the table's place in the schema; rising from section to section), then three
 * lists, each ended by 0: removed ids; inserted rows with all columns; changed rows with a mask and the columns in
 * it, lowest bit first. An id is written as the distance to the one before it in the same list, beginning at 0, so it
 * is never 0 itself. A state only inserts; a transient table stands in deltas alone.
 *
 * Values: `u8`, `i8` one byte (two's complement); `bool` one byte, 0 or 1; `u16`, `u32` a varint; `i16`, `i32` a
 * varint of the zigzag form (0, -1, 1, -2, …); `f64` eight bytes, little-endian; `text` its length in bytes, then
 * UTF-8.
 */
export const PART_SHARED = 0;
export const PART_SERVER = 1;
export const PART_SLICE = 2;
export const KIND_STATE = 0x10;
export const KIND_DELTA = 0x20;

export type Part = typeof PART_SHARED | typeof PART_SERVER | typeof PART_SLICE;

const VISIBILITY: readonly [Visibility, Visibility, Visibility] = ['all', 'server', 'owner'];

/** What a part says, in the order in which it says it. `values` is only good during the call. */
export interface PartSink {
  schemaMark(mark: number): void;
  allocator(table: number, nextId: number): void;
  removed(table: number, id: number): void;
  inserted(table: number, id: number, values: readonly ColumnValue[]): void;
  changed(table: number, id: number, mask: number, values: readonly ColumnValue[]): void;
}

function malformed(what: string): never {
  throw new ReplicaError('malformed', what);
}

function readValue(reader: ByteReader, column: ColumnSchema): ColumnValue {
  switch (column.type) {
    case 'u8':
      return reader.u8();
    case 'i8':
      return (reader.u8() << 24) >> 24;
    case 'bool':
      return readBool(reader);
    case 'u16':
      return inRange(reader.varint(), 0, 0xffff);
    case 'u32':
      return reader.varint();
    case 'i16':
      return inRange(reader.zigzag(), -0x8000, 0x7fff);
    case 'i32':
      return reader.zigzag();
    case 'f64':
      return reader.f64();
    case 'text':
      return reader.text(column.maxBytes ?? 0);
    default:
      return column.type satisfies never;
  }
}

function readBool(reader: ByteReader): boolean {
  const value = reader.u8();
  return value > 1 ? malformed('not a boolean') : value === 1;
}

function inRange(value: number, min: number, max: number): number {
  return value < min || value > max ? malformed('a number is outside its column') : value;
}

/** The next id of a list, or 0 at its end. */
function readId(reader: ByteReader, previous: number): number {
  const gap = reader.varint();
  if (gap === 0) return 0;
  const id = previous + gap;
  return id > 0xffff_fffe ? malformed('a row id is too large') : id;
}

function readSection(reader: ByteReader, index: number, table: TableSchema, sink: PartSink): void {
  const { columns } = table;
  const values: ColumnValue[] = [];
  for (let id = readId(reader, 0); id !== 0; id = readId(reader, id)) sink.removed(index, id);
  for (let id = readId(reader, 0); id !== 0; id = readId(reader, id)) {
    for (let c = 0; c < columns.length; c++) values[c] = readValue(reader, columns[c]!);
    sink.inserted(index, id, values);
  }
  for (let id = readId(reader, 0); id !== 0; id = readId(reader, id)) {
    const mask = reader.varint();
    if (mask === 0 || (columns.length < 32 && mask >>> columns.length !== 0))
      malformed('a mask names no column');
    for (let c = 0; c < columns.length; c++) if (mask & (1 << c)) values[c] = readValue(reader, columns[c]!);
    sink.changed(index, id, mask, values);
  }
}

function readAllocators(reader: ByteReader, schema: GameSchema, sink: PartSink): void {
  for (let number = reader.varint(); number !== 0; number = reader.varint()) {
    if (number > schema.tables.length) throw new ReplicaError('unknown_table', 'an allocator of no table');
    sink.allocator(number - 1, reader.varint());
  }
}

/**
 * Reads one part into `sink` and returns its tick. Total: any bytes end in the tick or in one `ReplicaError`, after
 * work in proportion to their length.
 */
export function readPart(
  reader: ByteReader,
  schema: GameSchema,
  part: Part,
  delta: boolean,
  sink: PartSink,
): number {
  const kind = (delta ? KIND_DELTA : KIND_STATE) | part;
  if (reader.u8() !== kind) malformed('these bytes are another kind of part');
  const tick = reader.varint();
  if (part === PART_SERVER) {
    sink.schemaMark(reader.varint());
    readAllocators(reader, schema, sink);
  }
  for (let number = reader.varint(), previous = 0; number !== 0; number = reader.varint()) {
    const table = schema.tables[number - 1];
    if (table === undefined) throw new ReplicaError('unknown_table', 'a section of no table');
    if (table.visibility !== VISIBILITY[part])
      throw new ReplicaError('unknown_table', `${table.name} in a wrong part`);
    if (number <= previous) malformed('sections out of order');
    previous = number;
    readSection(reader, number - 1, table, sink);
  }
  if (!reader.atEnd) malformed('bytes after the end');
  return tick;
}
