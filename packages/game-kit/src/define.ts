import type { GameContext, Player } from './context.ts';
import { GameError } from './errors.ts';
import { decodeFields, type Fields, type FieldValues } from './fields.ts';
import type { Migration, MigrationSpecs } from './migrate.ts';
import { isColumnName, isTableName, MAX_TABLES, type PublishedSchema } from './schema.ts';
import { SYSTEM_TABLES } from './system-tables.ts';
import type { TableSpecs } from './table.ts';
import { DEFAULT_MAX_ROWS } from './table-store.ts';

/**
 * `committed`: a state is shown once it is stored. `volatile`: shown at once, and a crash may lose the last second of
 * it. A type cannot change from one to the other: its games would not be read any more.
 */
export type Durability = 'committed' | 'volatile';

/** A command: its arguments, and what it does. What `run` changed is undone if it throws or rejects. */
export interface CommandSpec<F, X> {
  readonly args: F;
  run(ctx: X, player: Player, args: FieldValues<F>): void;
}

/** Hooks of a game. Each may change tables; none may keep state of its own, look at a clock or wait. */
export interface GameHooks<X> {
  /** Once, when the game is created. */
  setup?(ctx: X): void;
  /** A player takes a new seat. May reject. */
  join?(ctx: X, player: Player): void;
  /** The player's connection is gone; the seat is kept for `seatGraceMs`. */
  disconnected?(ctx: X, player: Player): void;
  /** The player is back in the same seat. */
  reconnected?(ctx: X, player: Player): void;
  /** The seat is given up: the player left, or did not come back. The rows that the player owns go after this. */
  leave?(ctx: X, player: Player): void;
  tick?(ctx: X): void;
}

export interface GameSettings {
  /** Name of the game type: letters, digits, `-` and `_`. */
  readonly type: string;
  /** Raise it when the tables change, so that a game is only hosted where its tables are understood. */
  readonly schemaVersion: number;
  readonly tickHz: number;
  readonly maxPlayers: number;
  readonly durability: Durability;
  /** How long the seat of a player without a connection is kept. */
  readonly seatGraceMs: number;
  /** A game without connected players stops ticking after this long. */
  readonly sleepAfterMs: number;
  /** A game without connected players ends after this long; 0: never. */
  readonly endAfterMs: number;
  /** Largest full state, all parts together; checked when a game is created. */
  readonly maxStateBytes: number;
  /** Awards that may wait until the ledger has them; what would earn one more is rejected as `awards_full`. */
  readonly maxPendingAwards: number;
  /**
   * Of these, awards of one user; what would earn one more is rejected as `own_awards_full`. Default: a sixteenth, or
   * with fewer seats one part for each of them.
   */
  readonly maxPendingAwardsPerUser: number;
}

const DEFAULTS = {
  tickHz: 20,
  maxPlayers: 100,
  durability: 'committed',
  seatGraceMs: 30_000,
  sleepAfterMs: 10_000,
  endAfterMs: 0,
  maxStateBytes: 512 * 1024,
  maxPendingAwards: 1_024,
} as const;

/** So many users at least fill an outbox together, where there are seats for so many. */
const USERS_TO_FILL_OUTBOX = 16;

type Commands<C, X> = { readonly [K in keyof C]: CommandSpec<C[K], X> };

export type GameSpec<T, O, C, M = NoMigrations> = Pick<GameSettings, 'type' | 'schemaVersion'> &
  Partial<GameSettings> &
  GameHooks<GameContext<T, O>> & {
    readonly options?: O;
    readonly tables: T;
    readonly commands: Commands<C, GameContext<T, O>>;
    /** By older `schemaVersion`: how games of that version go on in this one. */
    readonly migrate?: MigrationSpecs<M, GameContext<T, O>>;
  };

/** What a game that takes over no older version has of them. */
type NoMigrations = { readonly [version in never]: TableSpecs };

/** A command or hook as the instance calls it: the types were checked where the game was defined. */
export type AnyContext = GameContext<TableSpecs, Fields>;
export type AnyCommand = { readonly args: Fields; run(ctx: AnyContext, player: Player, args: unknown): void };

/** A game type, ready to be hosted. */
export interface GameDefinition<T = TableSpecs, O = Fields, C = unknown> extends GameSettings {
  /** What clients are sent once, so that they can read everything after it and know what they may say. */
  readonly schema: PublishedSchema;
  /** Options from a create request: defaults filled in. Throws `GameError('bad_value')`. */
  decodeOptions(input: unknown): FieldValues<O>;
  readonly tables: TableSpecs;
  readonly commands: ReadonlyMap<string, AnyCommand>;
  readonly hooks: GameHooks<AnyContext>;
  /** By the older version that each takes over. */
  readonly migrations: ReadonlyMap<number, Migration>;
  /** Only a type: the author's tables and commands, for clients that want them. */
  readonly types?: { readonly tables: T; readonly options: O; readonly commands: C };
}

const TYPE_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const HOOKS = ['setup', 'join', 'disconnected', 'reconnected', 'leave', 'tick'] as const;

function refuse(why: string): never {
  throw new GameError('bad_definition', why);
}

function checkNumber(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    refuse(`${name} must be ${min} to ${max}, not ${value}`);
}

function settle(spec: Partial<GameSettings> & Pick<GameSettings, 'type' | 'schemaVersion'>): GameSettings {
  const maxPlayers = spec.maxPlayers ?? DEFAULTS.maxPlayers;
  const maxPendingAwards = spec.maxPendingAwards ?? DEFAULTS.maxPendingAwards;
  const share = Math.ceil(maxPendingAwards / Math.max(1, Math.min(USERS_TO_FILL_OUTBOX, maxPlayers)));
  const settings: GameSettings = {
    type: spec.type,
    schemaVersion: spec.schemaVersion,
    tickHz: spec.tickHz ?? DEFAULTS.tickHz,
    maxPlayers,
    durability: spec.durability ?? DEFAULTS.durability,
    seatGraceMs: spec.seatGraceMs ?? DEFAULTS.seatGraceMs,
    sleepAfterMs: spec.sleepAfterMs ?? DEFAULTS.sleepAfterMs,
    endAfterMs: spec.endAfterMs ?? DEFAULTS.endAfterMs,
    maxStateBytes: spec.maxStateBytes ?? DEFAULTS.maxStateBytes,
    maxPendingAwards,
    maxPendingAwardsPerUser: spec.maxPendingAwardsPerUser ?? share,
  };
  if (!TYPE_NAME.test(settings.type)) refuse(`"${settings.type}" cannot be the name of a game type`);
  checkNumber('schemaVersion', settings.schemaVersion, 1, 0xffff_ffff);
  checkNumber('tickHz', settings.tickHz, 1, 120);
  checkNumber('maxPlayers', settings.maxPlayers, 1, 10_000);
  for (const name of ['seatGraceMs', 'sleepAfterMs', 'endAfterMs'] as const) {
    checkNumber(name, settings[name], 0, 2_592_000_000);
  }
  checkNumber('maxStateBytes', settings.maxStateBytes, 1024, 64 * 1024 * 1024);
  checkNumber('maxPendingAwards', maxPendingAwards, 1, DEFAULT_MAX_ROWS);
  checkNumber('maxPendingAwardsPerUser', settings.maxPendingAwardsPerUser, 1, maxPendingAwards);
  return settings;
}

function schemaOf(
  settings: GameSettings,
  tables: TableSpecs,
  commands: { readonly [name: string]: { readonly args: Fields } },
): PublishedSchema {
  return {
    type: settings.type,
    schemaVersion: settings.schemaVersion,
    tickHz: settings.tickHz,
    tables: Object.keys(tables).map((name) => {
      const { visibility, transient, columns } = tables[name]!;
      return {
        name,
        visibility,
        transient,
        columns: Object.keys(columns).map((column) => {
          const { type, maxBytes } = columns[column]!;
          return type === 'text' ? { name: column, type, maxBytes } : { name: column, type };
        }),
      };
    }),
    commands: Object.entries(commands).map(([name, { args }]) => ({
      name,
      args: Object.entries(args).map(([arg, { shape, fallback }]) => ({
        name: arg,
        ...shape,
        ...(fallback === undefined ? {} : { default: fallback }),
      })),
    })),
  };
}

function checkNames(tables: TableSpecs, commands: object): void {
  for (const name of Object.keys(tables)) {
    if (!isTableName(name) || name.startsWith('$')) refuse(`"${name}" cannot be the name of a table`);
  }
  if (Object.keys(tables).length + Object.keys(SYSTEM_TABLES).length > MAX_TABLES) refuse('too many tables');
  for (const name of Object.keys(commands)) {
    if (!isColumnName(name)) refuse(`"${name}" cannot be the name of a command`);
  }
}

type ErasedMigrations = {
  readonly [version: string]: { readonly tables: TableSpecs } & Partial<Omit<Migration, 'from'>>;
};

function migrationsOf(settings: GameSettings, specs: ErasedMigrations): Map<number, Migration> {
  const migrations = new Map<number, Migration>();
  const keep: Migration['options'] = (old) => old;
  for (const [key, { tables, options = keep, run = () => undefined }] of Object.entries(specs)) {
    const version = Number(key);
    checkNumber('a version in migrate', version, 1, settings.schemaVersion - 1);
    checkNames(tables, {});
    migrations.set(version, { from: olderVersion(settings, version, tables), options, run });
  }
  return migrations;
}

/** Reads what games of an older version stored; its options are not looked at, as it never runs. */
function olderVersion(settings: GameSettings, schemaVersion: number, older: TableSpecs): GameDefinition {
  const tables: TableSpecs = { ...older, ...SYSTEM_TABLES };
  const old = { ...settings, schemaVersion };
  const decodeOptions = (input: unknown) => (input ?? {}) as FieldValues<Fields>;
  const schema = schemaOf(old, tables, {});
  return { ...old, schema, tables, commands: new Map(), hooks: {}, migrations: new Map(), decodeOptions };
}

/** What a game without options has of them. */
type NoFields = { readonly [name in never]: Fields[string] };

/** Declares a game type. Throws `GameError('bad_definition')` with what is wrong. */
export function defineGame<
  T extends TableSpecs,
  C extends { readonly [name: string]: Fields },
  O extends Fields = NoFields,
  M extends { readonly [version: number]: TableSpecs } = NoMigrations,
>(spec: GameSpec<T, O, C, M>): GameDefinition<T, O, C> {
  const settings = settle(spec);
  checkNames(spec.tables, spec.commands);
  const tables: TableSpecs = { ...spec.tables, ...SYSTEM_TABLES };
  const options: Fields = spec.options ?? {};
  // The one place where the author's types are let go: the instance hands each hook the tables declared here.
  const erased = spec as unknown as GameHooks<AnyContext> & {
    commands: { readonly [name: string]: AnyCommand };
    migrate?: ErasedMigrations;
  };
  const hooks: { [name in (typeof HOOKS)[number]]?: unknown } = {};
  for (const name of HOOKS) if (erased[name] !== undefined) hooks[name] = erased[name];
  return {
    ...settings,
    schema: schemaOf(settings, tables, erased.commands),
    tables,
    commands: new Map(Object.entries(erased.commands)),
    hooks: hooks as GameHooks<AnyContext>,
    migrations: migrationsOf(settings, erased.migrate ?? {}),
    decodeOptions(input) {
      const decoded = decodeFields(options, input ?? {});
      if (!decoded.ok) throw new GameError('bad_value', `option ${decoded.problem} is not valid`);
      return decoded.values as FieldValues<O>;
    },
  };
}
