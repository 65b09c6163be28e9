import type { Row } from './row.ts';
import type { TableStore } from './table-store.ts';

/**
 * Rows by rising id. Rows may be removed on the way; of those inserted meanwhile only ids below the highest at the
 * start are met, so the walk is the same whatever the slots look like.
 */
export class RowIterator implements Iterator<Row, undefined> {
  private readonly table: TableStore;
  private readonly lastId: number;
  private layout: number;
  private slot = 0;
  private id = 0;
  /** One result object for the whole walk: `for … of` reads it at once. */
  private readonly result: { done: boolean; value: Row | undefined } = { done: false, value: undefined };

  constructor(table: TableStore) {
    this.table = table;
    this.layout = table.layout;
    this.lastId = table.used === 0 ? 0 : table.ids[table.used - 1]!;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Row, undefined> {
    const { table, result } = this;
    if (this.layout !== table.layout) this.findPlace();
    result.value = undefined;
    while (this.slot < table.used) {
      const row = table.rows[this.slot++];
      if (row === undefined) continue;
      if (row.id > this.lastId) break;
      this.id = row.id;
      result.value = row;
      break;
    }
    result.done = result.value === undefined;
    return result as IteratorResult<Row, undefined>;
  }

  private findPlace(): void {
    this.layout = this.table.layout;
    this.slot = this.table.slotAfter(this.id);
  }
}
