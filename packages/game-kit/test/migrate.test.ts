import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createInstance,
  defineGame,
  emptyInstance,
  type GameDefinition,
  type GameInstance,
  hydrate,
  int,
  migrateInstance,
  table,
  text,
  u8,
  u16,
  u32,
} from '../src/index.ts';
import { action, Driver } from './actions.ts';
import { sample } from './sample-game.ts';

const tables1 = {
  units: table({ visibility: 'all', columns: { x: u16(), y: u16(), life: u8() } }),
  hands: table({ visibility: 'owner', columns: { card: u8() } }),
  gone: table({ visibility: 'all', columns: { word: text(20) } }),
  plans: table({ visibility: 'server', columns: { step: u32() } }),
};

const first = defineGame({
  type: 'war',
  schemaVersion: 1,
  options: { units: int(0, 100, 3) },
  tables: tables1,
  commands: {
    draw: {
      args: {},
      run: (ctx, player) => void ctx.tables.hands.insert({ owner: player.pid, card: ctx.random.int(0, 200) }),
    },
    earn: { args: {}, run: (ctx, player) => ctx.award(player.pid, 5) },
  },
  setup(ctx) {
    for (let i = 1; i <= ctx.options.units; i++) ctx.tables.units.insert({ x: i, y: i * 10, life: 100 });
    ctx.tables.units.remove(1);
    ctx.tables.gone.insert({ word: 'hello' });
    ctx.tables.plans.insert({ step: 9 });
  },
});

const second = defineGame({
  type: 'war',
  schemaVersion: 2,
  options: { count: int(0, 100, 3) },
  tables: {
    /** Stands in front, so that every table has another number. */
    words: table({ visibility: 'all', columns: { text: text(40) } }),
    hands: table({ visibility: 'owner', columns: { card: u16(), isNew: u8() } }),
    units: table({ visibility: 'all', columns: { at: u32(), life: u16() } }),
    plans: table({ visibility: 'all', columns: { step: u32() } }),
  },
  commands: {},
  migrate: {
    1: {
      tables: tables1,
      options: ({ units }) => ({ count: units }),
      run(ctx, old) {
        for (const unit of ctx.tables.units) {
          const { x, y } = old.units.need(unit.id);
          unit.at = x * 1_000 + y;
        }
        for (const { word } of old.gone)
          ctx.tables.words.insert({ text: `${word} from ${ctx.options.count}` });
      },
    },
  },
});

/** As a process of the newer version has a game of the older: read from its encoding, by the tables of the migration. */
function oldOf(instance: GameInstance<never>, definition: GameDefinition): GameInstance {
  const { from } = definition.migrations.get(1)!;
  return hydrate(from, instance.encodeState(), instance.madeWith);
}

function played() {
  const instance = createInstance(first, { seed: 5 });
  const { pid } = instance.join({ user: 'ann', name: 'Ann', join: 7, edge: 'e' }) as { pid: number };
  instance.command(pid, 1, 'draw', {});
  instance.command(pid, 2, 'earn', {});
  for (let tick = 0; tick < 30; tick++) instance.step();
  instance.nameAwards(3, 4);
  instance.encodeDelta();
  return { instance, pid };
}

const erased = <T>(instance: GameInstance<T>) => instance as unknown as GameInstance<never>;
const migrated = () => {
  const { instance, pid } = played();
  const old = oldOf(erased(instance), second as unknown as GameDefinition);
  return { instance: migrateInstance(second, old, { seed: 5, options: { count: 3 } }), old, pid };
};

describe('a game of an older version', () => {
  it('keeps what both versions have, and gets the rest from its migration', () => {
    const { instance, pid } = migrated();
    expect(Array.from(instance.tables.units, ({ id, at, life }) => [id, at, life])).toEqual([
      [2, 2_020, 100],
      [3, 3_030, 100],
    ]);
    expect(Array.from(instance.tables.hands, ({ owner, isNew }) => [owner, isNew])).toEqual([[pid, 0]]);
    expect(Array.from(instance.tables.words, ({ text: word }) => word)).toEqual(['hello from 3']);
    expect(instance.tables.plans.size).toBe(0);
    expect(instance.tables.units.insert({})).toBe(4);
  });

  it('goes on with its seats, numbers, randomness, awards and time', () => {
    const { instance, old, pid } = migrated();
    expect(instance.tick).toBe(30);
    expect(instance.seatOf('ann')).toEqual({ pid, join: 7, ack: 2 });
    expect(instance.awards()).toMatchObject([{ user: 'ann', amount: 5, epoch: 3, n: 4, index: 0 }]);
    expect(instance.join({ user: 'ann', name: 'Ann', join: 8 })).toEqual({ kind: 'joined', pid, ack: 2 });
    const words = (from: GameInstance) => {
      const { a, b, c, d } = from.tables.$random.need(1);
      return [a, b, c, d];
    };
    expect(words(instance as unknown as GameInstance)).toEqual(words(old));
  });

  it('says all of itself with its first delta, and only then', () => {
    const { instance } = migrated();
    expect(instance.isMigrated).toBe(true);
    const parts = instance.encodeDelta();
    expect(instance.isMigrated).toBe(false);
    const copy = emptyInstance(second, instance.madeWith);
    copy.applyDelta(parts);
    expect(copy.hash()).toBe(instance.hash());
    instance.step();
    copy.applyDelta(instance.encodeDelta());
    expect(copy.hash()).toBe(instance.hash());
  });

  it('is refused with what does not fit, and is as it was', () => {
    const { instance } = played();
    const narrow = defineGame({
      type: 'war',
      schemaVersion: 2,
      tables: { gone: table({ visibility: 'all', columns: { word: text(3) } }) },
      commands: {},
      migrate: { 1: { tables: tables1 } },
    });
    const old = oldOf(erased(instance), narrow as unknown as GameDefinition);
    const hash = old.hash();
    expect(() => migrateInstance(narrow, old, { seed: 5 })).toThrow(
      'war@1 cannot become war@2: word (text) cannot hold a text of 5 characters',
    );
    expect(old.hash()).toBe(hash);
    expect(() => migrateInstance(second, old, { seed: 5, options: {} })).toThrow('there is no migration');
  });

  it('is not misread where the migration declares other tables than it had', () => {
    const { instance } = played();
    const wrong = defineGame({
      type: 'war',
      schemaVersion: 2,
      tables: {},
      commands: {},
      migrate: {
        1: { tables: { ...tables1, plans: table({ visibility: 'server', columns: { step: u16() } }) } },
      },
    });
    expect(() => oldOf(erased(instance), wrong as unknown as GameDefinition)).toThrow('other tables');
  });

  it('can only be one of a lower version', () => {
    const define = (version: number) => () =>
      defineGame({
        type: 'war',
        schemaVersion: 2,
        tables: {},
        commands: {},
        migrate: { [version]: { tables: tables1 } },
      });
    for (const version of [0, 2, 3, 1.5])
      expect(define(version)).toThrow('a version in migrate must be 1 to 1');
    expect(define(1)).not.toThrow();
  });
});

const ofAuthor = Object.fromEntries(Object.entries(sample.tables).filter(([name]) => !name.startsWith('$')));
const turned = defineGame({
  type: 'sample',
  schemaVersion: 2,
  maxPlayers: 4,
  tables: { extra: table({ visibility: 'all', columns: { a: u8() } }), ...reversed(ofAuthor) },
  commands: {},
  migrate: { 1: { tables: ofAuthor, options: () => ({}) } },
});

function reversed<T extends object>(of: T): T {
  return Object.fromEntries(Object.entries(of).reverse()) as T;
}

function rowsOf(instance: GameInstance, { schema }: GameDefinition): unknown {
  const tables = instance.tables as unknown as Readonly<
    Record<string, Iterable<Readonly<Record<string, unknown>>>>
  >;
  return schema.tables
    .filter(({ transient }) => !transient)
    .map(({ name, visibility, columns }) => [
      name,
      Array.from(tables[name]!, (row) => [
        row.id,
        visibility === 'owner' ? row.owner : 0,
        ...columns.map((column) => row[column.name]),
      ]),
    ]);
}

describe('any game', () => {
  it('has every row of every table after it was migrated to the same tables in another order', () => {
    let rows = 0;
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 60 }), (actions) => {
        const driver = new Driver(createInstance(sample, { seed: 3, options: { mode: 'wild' } }));
        for (const next of actions) driver.play(next);
        const definition = turned as unknown as GameDefinition;
        const { from } = definition.migrations.get(1)!;
        const old = hydrate(from, driver.instance.encodeState(), { seed: 3 });
        const now = migrateInstance(definition, old, { seed: 3 });
        expect(rowsOf(now, from)).toEqual(rowsOf(old, from));
        const copy = emptyInstance(definition, { seed: 3 });
        copy.applyDelta(now.encodeDelta());
        expect(copy.hash()).toBe(now.hash());
        rows += old.tables.$players.size;
      }),
      { numRuns: 60 },
    );
    expect(rows).toBeGreaterThan(0);
  });
});
