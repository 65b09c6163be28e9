import type { Replica, ReplicaRow, ReplicaTable } from '@breakwater/client';

/** FNV-1a over the UTF-16 code units of a text, then mixed, so that sums of such hashes spread well. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Hash of one row: of its table's name, its id and its values in the order of the schema, a line each. */
export function hashRow(table: string, columns: readonly string[], id: number, row: ReplicaRow): number {
  let text = `${table}\n${id}`;
  for (const column of columns) {
    const value = row[column];
    text += typeof value === 'string' ? `\n${JSON.stringify(value)}` : `\n${value}`;
  }
  return hashText(text);
}

/** Sums of row hashes, so that order does not matter and a change costs only what changed. */
export interface ViewDigests {
  /** Rows that everybody sees. */
  readonly shared: string;
  /** Rows that only this player sees. */
  readonly own: string;
  /** Shared rows of transient tables in the last delta. */
  readonly events: string;
}

export function toHex8(sum: number): string {
  return (sum >>> 0).toString(16).padStart(8, '0');
}

/** Keeps the digest of everything that a replica shows. */
export class ViewDigest {
  #shared = 0;
  #own = 0;
  #events = 0;
  readonly #stops: (() => void)[] = [];

  constructor(replica: Replica) {
    for (const table of replica.tables.values()) this.#follow(table);
  }

  /** The digests now; events are counted from zero again. */
  take(): ViewDigests {
    const digests = { shared: toHex8(this.#shared), own: toHex8(this.#own), events: toHex8(this.#events) };
    this.#events = 0;
    return digests;
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #follow(table: ReplicaTable): void {
    const { name, visibility, transient } = table.schema;
    const columns = table.schema.columns.map((column) => column.name);
    if (visibility === 'server') return;
    if (transient) {
      if (visibility === 'all') this.#followEvents(table, name, columns);
      return;
    }
    const add =
      visibility === 'all'
        ? (amount: number) => {
            this.#shared = (this.#shared + amount) | 0;
          }
        : (amount: number) => {
            this.#own = (this.#own + amount) | 0;
          };
    const hashes = new Map<number, number>();
    const put = (id: number, row: ReplicaRow) => {
      const hash = hashRow(name, columns, id, row);
      add(hash - (hashes.get(id) ?? 0));
      hashes.set(id, hash);
    };
    for (const [id, row] of table.rows) put(id, row);
    const removed = (id: number) => {
      add(-(hashes.get(id) ?? 0));
      hashes.delete(id);
    };
    this.#stops.push(table.on({ inserted: put, changed: put, removed }));
  }

  #followEvents(table: ReplicaTable, name: string, columns: readonly string[]): void {
    const event = (row: ReplicaRow, id: number) => {
      this.#events = (this.#events + hashRow(name, columns, id, row)) | 0;
    };
    this.#stops.push(table.on({ event }));
  }
}
