import type { ReplicaRow, ReplicaTable } from '@breakwater/client';
import type { Replay } from './replay.ts';

/** Events of one record that are kept; the rest is counted. */
const MAX_EVENTS = 20;

/** What one record did to a game, as far as everybody sees it. Commands are not in the log: their numbers are. */
export interface Effects {
  /** Commands that were applied, rejected ones included: numbers above `after` up to `upTo`. */
  readonly commands: readonly { readonly pid: number; readonly after: number; readonly upTo: number }[];
  /** Rows by table. */
  readonly rows: Readonly<Record<string, RowCounts>>;
  readonly events: readonly { readonly table: string; readonly row: ReplicaRow }[];
  readonly eventCount: number;
}

export interface RowCounts {
  readonly inserted: number;
  readonly changed: number;
  readonly removed: number;
}

/** Watches a replay and tells what each record did. */
export class EffectWatch {
  readonly #replay: Replay;
  readonly #acks = new Map<number, number>();
  #rows = new Map<string, { inserted: number; changed: number; removed: number }>();
  #events: { table: string; row: ReplicaRow }[] = [];
  #eventCount = 0;

  constructor(replay: Replay) {
    this.#replay = replay;
    for (const table of replay.replica.tables.values()) this.#follow(table);
    this.#commands();
  }

  /** What happened since the last call. */
  take(): Effects {
    const effects: Effects = {
      commands: this.#commands(),
      rows: Object.fromEntries(this.#rows),
      events: this.#events,
      eventCount: this.#eventCount,
    };
    this.#rows = new Map();
    this.#events = [];
    this.#eventCount = 0;
    return effects;
  }

  #follow(table: ReplicaTable): void {
    const { name } = table.schema;
    table.on({
      inserted: () => void this.#count(name).inserted++,
      changed: () => void this.#count(name).changed++,
      removed: () => void this.#count(name).removed++,
      event: (row) => {
        this.#eventCount += 1;
        if (this.#events.length < MAX_EVENTS) this.#events.push({ table: name, row: { ...row } });
      },
    });
  }

  #count(table: string) {
    const known = this.#rows.get(table) ?? { inserted: 0, changed: 0, removed: 0 };
    this.#rows.set(table, known);
    return known;
  }

  #commands() {
    const commands: { pid: number; after: number; upTo: number }[] = [];
    for (const pid of this.#replay.replica.table('$players').rows.keys()) {
      const upTo = this.#replay.ackOf(pid) ?? 0;
      const after = this.#acks.get(pid) ?? 0;
      if (upTo > after) commands.push({ pid, after, upTo });
      this.#acks.set(pid, upTo);
    }
    return commands;
  }
}

/** A short line about what a record did; empty when nobody could see anything of it. */
export function describeEffects({ commands, rows, events, eventCount }: Effects): string {
  const parts = commands.map(({ pid, after, upTo }) =>
    upTo === after + 1 ? `player ${pid}: command ${upTo}` : `player ${pid}: commands ${after + 1}–${upTo}`,
  );
  for (const [table, { inserted, changed, removed }] of Object.entries(rows)) {
    const signs = [
      inserted > 0 && `+${inserted}`,
      changed > 0 && `~${changed}`,
      removed > 0 && `-${removed}`,
    ];
    parts.push(`${table} ${signs.filter((sign) => sign !== false).join(' ')}`);
  }
  for (const { table, row } of events.slice(0, 3)) parts.push(`${table} ${JSON.stringify(row)}`);
  if (eventCount > 3) parts.push(`… ${eventCount} events`);
  return parts.join(', ');
}
