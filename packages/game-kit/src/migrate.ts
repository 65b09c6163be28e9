import type { ValueOf } from './columns.ts';
import type { AnyContext, GameDefinition } from './define.ts';
import { GameError } from './errors.ts';
import { stateBytes } from './host.ts';
import { GameInstance } from './instance.ts';
import type { InstanceOptions } from './results.ts';
import type { ColumnsOf, RowOf, TablesOf } from './table.ts';

/** A table as an older version of the game left it. */
export interface OldTable<S> extends Iterable<Readonly<RowOf<S>>> {
  readonly size: number;
  has(id: number): boolean;
  row(id: number): Readonly<RowOf<S>> | undefined;
  /** Like `row`, but throws `GameError('not_found')`. */
  need(id: number): Readonly<RowOf<S>>;
  get<K extends keyof ColumnsOf<S>>(id: number, column: K): ValueOf<ColumnsOf<S>[K]>;
}

export type OldTablesOf<T> = { readonly [K in keyof T]: OldTable<T[K]> };

/** How a game of one older version goes on in this one. */
export interface MigrationSpec<T, X> {
  /** The tables as that version declared them, to the letter. */
  readonly tables: T;
  /** The options of this version from those of the old one; left out, they are the same. */
  options?(old: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /**
   * Fills the tables from the old ones. Rows of tables that both versions have by the same name and visibility are
   * there already, with the columns that both have; left out, that is all. May throw: the game stays as it is then.
   */
  run?(ctx: X, old: OldTablesOf<T>): void;
}

export type MigrationSpecs<M, X> = { readonly [V in keyof M]: MigrationSpec<M[V], X> };

/** A migration, ready to be used. */
export interface Migration {
  /** The older version as far as its states and deltas can be read; it has no rules. */
  readonly from: GameDefinition;
  readonly options: (old: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
  readonly run: (ctx: AnyContext, old: TablesOf<never>) => void;
}

/**
 * The game of an older version, in this one: seats, numbers of commands, randomness and awards that wait as they were,
 * the tables as the definition's `migrate` makes them. Its first delta holds all of it. Throws `GameError` with what
 * does not fit; `old` is as it was.
 */
export function migrateInstance<T, O, C>(
  definition: GameDefinition<T, O, C>,
  old: GameInstance,
  options: InstanceOptions,
): GameInstance<T> {
  const target = definition as unknown as GameDefinition;
  const { schemaVersion: version } = old.definition;
  const what = `${target.type}@${version} cannot become ${target.type}@${target.schemaVersion}`;
  const migration = target.migrations.get(version);
  if (migration === undefined || old.definition !== migration.from)
    throw new GameError('bad_definition', `${what}: there is no migration from it`);
  if (old.hasChanges) throw new GameError('misuse', `${what}: it has changes that no delta holds`);
  const instance = new GameInstance<T>(target, options);
  try {
    instance.takeOver(old, (ctx) => migration.run(ctx, old.tables as unknown as TablesOf<never>));
  } catch (cause) {
    const code = cause instanceof GameError ? cause.code : 'misuse';
    throw new GameError(code, `${what}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const bytes = stateBytes(instance.encodeState());
  if (bytes <= target.maxStateBytes) return instance;
  throw new GameError(
    'too_large',
    `${what}: the state takes ${bytes} bytes, more than ${target.maxStateBytes}`,
  );
}
