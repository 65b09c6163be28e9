import { ByteReader } from './bytes.ts';
import type { ColumnValue } from './columns.ts';
import type { EncodedParts } from './encode.ts';
import { ReplicaError } from './errors.ts';
import type { GameSchema } from './schema.ts';
import type { TableStore } from './table-store.ts';
import { PART_SERVER, PART_SHARED, PART_SLICE, type PartSink, readPart } from './wire.ts';

/** Takes encoded parts into the tables of a game, without marking anything as changed. */
class TableSink implements PartSink {
  owner = 0;
  private readonly tables: readonly TableStore[];
  private readonly mark: number;

  constructor(tables: readonly TableStore[], mark: number) {
    this.tables = tables;
    this.mark = mark;
  }

  schemaMark(mark: number): void {
    if (mark !== this.mark) {
      throw new ReplicaError(
        'schema',
        'written with other tables: raise schemaVersion whenever the tables change',
      );
    }
  }

  allocator(index: number, nextId: number): void {
    if (nextId === 0) throw new ReplicaError('malformed', 'row ids begin at 1');
    this.tables[index]!.nextId = nextId;
  }

  removed(index: number, id: number): void {
    const table = this.tables[index]!;
    this.expect(table.has(id), table, id);
    table.unload(id);
  }

  inserted(index: number, id: number, values: readonly ColumnValue[]): void {
    const table = this.tables[index]!;
    if (table.definition.transient) return;
    this.expect(!table.has(id), table, id);
    table.load(id, this.owner, values);
  }

  changed(index: number, id: number, mask: number, values: readonly ColumnValue[]): void {
    const table = this.tables[index]!;
    const row = table.row(id);
    this.expect(row !== undefined, table, id);
    for (const column of table.columns)
      if (mask & column.bit) column.write(row!.$slot, values[column.index]!);
  }

  private expect(holds: boolean, table: TableStore, id: number): void {
    if (!holds) throw new ReplicaError('mismatch', `row ${id} of ${table.name} does not fit this state`);
  }
}

/**
 * Reads all parts of a state or delta into `tables` and returns the tick. Throws `ReplicaError`; the tables are then
 * good for nothing more.
 */
export function loadParts(
  tables: readonly TableStore[],
  schema: GameSchema,
  mark: number,
  parts: Omit<EncodedParts, 'tick'>,
  delta: boolean,
): number {
  const sink = new TableSink(tables, mark);
  const tick = readPart(new ByteReader(parts.server), schema, PART_SERVER, delta, sink);
  const ticks = [readPart(new ByteReader(parts.shared), schema, PART_SHARED, delta, sink)];
  for (const { pid, bytes } of parts.slices) {
    sink.owner = pid;
    ticks.push(readPart(new ByteReader(bytes), schema, PART_SLICE, delta, sink));
  }
  if (ticks.some((other) => other !== tick)) throw new ReplicaError('mismatch', 'parts of different ticks');
  for (const table of tables) table.settle();
  return tick;
}
