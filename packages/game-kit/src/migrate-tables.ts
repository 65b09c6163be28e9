import type { ColumnType } from './columns.ts';
import type { TableStore, Values } from './table-store.ts';

/** A column's values can be taken over into the other: whether each one fits is checked as it is written. */
function isAlike(from: TableStore, to: TableStore, name: string): boolean {
  const old = from.definition.columns[name]?.type;
  const now = to.definition.columns[name]?.type;
  if (old === undefined || now === undefined) return false;
  const isNumber = (type: ColumnType) => type !== 'text' && type !== 'bool';
  return old === now || (isNumber(old) && isNumber(now));
}

function carryTable(from: TableStore, to: TableStore): void {
  const names = Object.keys(to.definition.columns).filter((name) => isAlike(from, to, name));
  const isOwned = to.definition.visibility === 'owner';
  for (const row of from) {
    const values: Record<string, Values[string]> = isOwned ? { owner: row.owner } : {};
    for (const name of names) values[name] = from.get(row.id, name);
    to.insert(values, row.id);
  }
  // Ids are never used again, over versions too.
  to.nextId = Math.max(to.nextId, from.nextId);
}

/** Rows of what both versions have. The kit's own tables first: they say who may own the others' rows. */
export function carryTables(from: readonly TableStore[], to: readonly TableStore[]): void {
  const isOfKit = ({ name }: TableStore) => name.startsWith('$');
  for (const store of [...to.filter(isOfKit), ...to.filter((each) => !isOfKit(each))]) {
    const old = from.find(({ name }) => name === store.name);
    const isKept = old?.definition.visibility === store.definition.visibility;
    if (old === undefined || !isKept || old.definition.transient || store.definition.transient) continue;
    carryTable(old, store);
  }
}
