import type { ColumnStore } from './column-store.ts';
import type { ColumnValue } from './columns.ts';
import { GameError } from './errors.ts';

/** The slot of a row that was removed. */
export const GONE = -1;

/** What a row needs of the table it is in. */
export interface RowHome {
  owners: Float64Array;
  write?(row: Row, column: ColumnStore, value: ColumnValue): void;
}

/** A row as the author holds it: made once, with a property for each column that reads and writes the table. */
export class Row {
  readonly id: number;
  readonly $table: RowHome;
  $slot: number;

  constructor(table: RowHome, id: number, slot: number) {
    this.id = id;
    this.$table = table;
    this.$slot = slot;
  }

  /** The player that a row of an `owner` table belongs to. */
  get owner(): number {
    return this.$table.owners[slotOf(this)]!;
  }
}

export type RowClass = new (table: RowHome, id: number, slot: number) => Row;

/** Where a row lies; throws `GameError('not_found')` once it was removed. */
export function slotOf(row: Row): number {
  if (row.$slot === GONE) throw new GameError('not_found', `row ${row.id} was removed`);
  return row.$slot;
}

function defineColumn(prototype: object, column: ColumnStore): void {
  const set = function (this: Row, value: ColumnValue): void {
    this.$table.write?.(this, column, value);
  };
  const get = column.isText
    ? function (this: Row): ColumnValue {
        return column.texts[slotOf(this)]!;
      }
    : column.isBool
      ? function (this: Row): ColumnValue {
          return column.numbers[slotOf(this)] === 1;
        }
      : function (this: Row): ColumnValue {
          return column.numbers[slotOf(this)]!;
        };
  Object.defineProperty(prototype, column.name, { get, set, enumerable: true });
}

/** A class of rows with the accessors of one table's columns. */
export function makeRowClass(columns: readonly ColumnStore[]): RowClass {
  class TableRow extends Row {}
  for (const column of columns) defineColumn(TableRow.prototype, column);
  return TableRow;
}
