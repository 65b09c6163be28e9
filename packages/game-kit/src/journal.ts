import type { ColumnValue } from './columns.ts';
import type { Row } from './row.ts';
import type { RemovedRow, TableStore } from './table-store.ts';

type Entry =
  | { kind: 'set'; table: TableStore; row: Row; column: number; old: ColumnValue; oldMask: number }
  | { kind: 'insert'; table: TableStore; row: Row; oldNextId: number }
  | { kind: 'remove'; table: TableStore; removed: RemovedRow };

/**
 * What has to be done, in reverse, to make a command not have happened: rows, values, allocators and dirty marks.
 * Active during a command or a join only; outside it costs one comparison a write.
 */
export class Journal {
  active = false;
  private readonly entries: Entry[] = [];

  begin(): void {
    this.entries.length = 0;
    this.active = true;
  }

  commit(): void {
    this.entries.length = 0;
    this.active = false;
  }

  undo(): void {
    this.active = false;
    for (let i = this.entries.length - 1; i >= 0; i--) this.revert(this.entries[i]!);
    this.entries.length = 0;
  }

  noteSet(table: TableStore, row: Row, column: number, old: ColumnValue, oldMask: number): void {
    this.entries.push({ kind: 'set', table, row, column, old, oldMask });
  }

  noteInsert(table: TableStore, row: Row, oldNextId: number): void {
    this.entries.push({ kind: 'insert', table, row, oldNextId });
  }

  noteRemove(table: TableStore, removed: RemovedRow): void {
    this.entries.push({ kind: 'remove', table, removed });
  }

  private revert(entry: Entry): void {
    switch (entry.kind) {
      case 'set':
        entry.table.revertSet(entry.row, entry.column, entry.old, entry.oldMask);
        return;
      case 'insert':
        entry.table.revertInsert(entry.row, entry.oldNextId);
        return;
      case 'remove':
        entry.table.revertRemove(entry.removed);
        return;
      default:
        entry satisfies never;
    }
  }
}
