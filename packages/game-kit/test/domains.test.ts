import { describe, expect, it } from 'vitest';
import {
  bool,
  choice,
  createInstance,
  defineGame,
  f64,
  GameError,
  hydrate,
  i8,
  i16,
  i32,
  int,
  table,
  text,
  u8,
  u16,
  u32,
} from '../src/index.ts';
import { Replica } from '../src/replica.ts';

const numbers = { u8: u8(), u16: u16(), u32: u32(), i8: i8(), i16: i16(), i32: i32(), f64: f64() };

const game = defineGame({
  type: 'domains',
  schemaVersion: 1,
  options: { size: int(1, 9, 3), mode: choice(['a', 'b'], 'a'), open: bool(true), title: text(4, 'none') },
  tables: {
    values: table({ visibility: 'all', columns: { ...numbers, bool: bool(), text: text(8) } }),
  },
  commands: {
    set: {
      args: { n: int(-5, 5), on: bool(false), word: text(8, '') },
      run(ctx, _player, { n, on, word }) {
        const row = ctx.tables.values.need(1);
        row.i8 = n;
        row.bool = on;
        row.text = word;
      },
    },
  },
  setup(ctx) {
    ctx.tables.values.insert({});
  },
});

function started() {
  const instance = createInstance(game, { seed: 1 });
  instance.join({ user: 'u', name: 'Ann', join: 1 });
  instance.encodeDelta();
  return { instance, row: instance.tables.values.need(1) };
}

const LIMITS: readonly [keyof typeof numbers, number, number][] = [
  ['u8', 0, 255],
  ['u16', 0, 65_535],
  ['u32', 0, 4_294_967_295],
  ['i8', -128, 127],
  ['i16', -32_768, 32_767],
  ['i32', -2_147_483_648, 2_147_483_647],
  ['f64', -Number.MAX_VALUE, Number.MAX_VALUE],
];

describe('a number column (fault 9)', () => {
  it.each(LIMITS)('%s holds its whole range, and hydration and replica show it', (column, min, max) => {
    for (const value of [min, max]) {
      const { instance, row } = started();
      row[column] = value;
      const state = instance.encodeState();
      expect(hydrate(game, state, { seed: 1 }).tables.values.get(1, column)).toBe(value);
      const replica = new Replica(game.schema);
      replica.applyState(state.shared);
      expect(replica.table('values').rows.get(1)?.[column]).toBe(value);
      const { shared } = instance.encodeDelta();
      const follower = new Replica(game.schema);
      follower.applyState(started().instance.encodeState().shared);
      follower.applyDelta(shared);
      expect(follower.table('values').rows.get(1)?.[column]).toBe(value);
    }
  });

  it.each(LIMITS)('%s refuses what lies outside', (column, min, max) => {
    const { instance, row } = started();
    const hash = instance.hash();
    const outside = column === 'f64' ? [-0] : [min - 1, max + 1, 0.5, 2 ** 53 + 2];
    for (const value of [...outside, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(() => (row[column] = value)).toThrow(GameError);
      expect(() => instance.tables.values.insert({ [column]: value })).toThrow(GameError);
    }
    expect(() => ((row as unknown as { [name: string]: unknown })[column] = '1')).toThrow(GameError);
    expect(instance.hash()).toBe(hash);
  });

  it('never holds -0, which would not survive every encoding', () => {
    const { row } = started();
    row.i32 = 5;
    row.i32 = -0;
    expect(Object.is(row.i32, 0)).toBe(true);
    expect(() => (row.f64 = -0)).toThrow(GameError);
  });

  it('keeps a sum of doubles to the last bit', () => {
    const { instance, row } = started();
    row.f64 = 0.1 + 0.2;
    expect(hydrate(game, instance.encodeState(), { seed: 1 }).tables.values.get(1, 'f64')).toBe(0.1 + 0.2);
  });
});

describe('a text column (fault 10)', () => {
  it.each([
    ['plain', 'abc'],
    ['four bytes a character', '😀😀'],
    ['a byte order mark', '\ufeffab'],
    ['NUL and direction marks', '\u0000\u202e'],
  ])('keeps %s as it was', (_, value) => {
    const { instance, row } = started();
    row.text = value;
    expect(hydrate(game, instance.encodeState(), { seed: 1 }).tables.values.get(1, 'text')).toBe(value);
    const replica = new Replica(game.schema);
    replica.applyState(instance.encodeState().shared);
    expect(replica.table('values').rows.get(1)?.text).toBe(value);
  });

  it.each([
    ['a lone high surrogate', '\ud800'],
    ['a lone low surrogate', 'a\udc00'],
    ['nine bytes', 'abcdefghi'],
    ['four characters of three bytes', '€€€€'],
  ])('refuses %s', (_, value) => {
    const { instance, row } = started();
    expect(() => (row.text = value)).toThrow(GameError);
    expect(instance.command(1, 1, 'set', { n: 1, word: value })).toEqual({ rejected: 'bad_args' });
    expect(row.text).toBe('');
  });
});

describe('the arguments of a command', () => {
  it.each([
    ['text for a number', '{"n":"1"}'],
    ['too large', '{"n":6}'],
    ['an infinity', '{"n":1e999}'],
    ['a fraction', '{"n":0.5}'],
    ['null', '{"n":null}'],
    ['nothing', '{}'],
    ['an unknown field', '{"n":1,"m":1}'],
    ['a list', '[1]'],
    ['a number', '7'],
    ['null itself', 'null'],
    ['__proto__ (fault 8)', '{"n":1,"__proto__":{"admin":true}}'],
    ['constructor (fault 8)', '{"n":1,"constructor":{"prototype":{"admin":true}}}'],
  ])('are refused when they are %s', (_, json) => {
    const { instance } = started();
    const hash = instance.tables.values.get(1, 'i8');
    expect(instance.command(1, 1, 'set', JSON.parse(json))).toEqual({ rejected: 'bad_args' });
    expect(instance.tables.values.get(1, 'i8')).toBe(hash);
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
    expect(instance.command(1, 2, 'set', { n: 1 })).toBe('applied');
  });

  it('turn -0 into 0 and fill in what may be left out', () => {
    const { instance, row } = started();
    row.bool = true;
    expect(instance.command(1, 1, 'set', JSON.parse('{"n":-0,"word":"x"}'))).toBe('applied');
    expect(Object.is(row.i8, 0)).toBe(true);
    expect(row.bool).toBe(false);
  });

  it('do not reach names that every object has', () => {
    const { instance } = started();
    for (const name of ['toString', '__proto__', 'constructor', 'hasOwnProperty']) {
      const { ack } = instance.seatOf('u')!;
      expect(instance.command(1, ack + 1, name, {})).toEqual({ rejected: 'unknown_command' });
    }
  });
});

describe('the options of a game', () => {
  it('have defaults', () => {
    expect(game.decodeOptions(undefined)).toEqual({ size: 3, mode: 'a', open: true, title: 'none' });
    expect(game.decodeOptions({ size: 9, open: false })).toEqual({
      size: 9,
      mode: 'a',
      open: false,
      title: 'none',
    });
  });

  it.each([
    [{ size: 0 }],
    [{ size: 1.5 }],
    [{ mode: 'c' }],
    [{ open: 1 }],
    [{ title: 'long!' }],
    [{ more: 1 }],
    [[]],
  ])('refuse %j', (options) => {
    expect(() => createInstance(game, { seed: 1, options })).toThrow(GameError);
  });
});

describe('a definition', () => {
  const columns = { x: u8() };
  const define = (spec: object) => () =>
    defineGame({ type: 'ok', schemaVersion: 1, tables: {}, commands: {}, ...spec } as Parameters<
      typeof defineGame
    >[0]);

  it.each([
    ['a type with a dot', { type: 'a.b' }],
    ['a schema version of 0', { schemaVersion: 0 }],
    ['a thousand ticks a second', { tickHz: 1000 }],
    ['no players', { maxPlayers: 0 }],
    ['a negative grace', { seatGraceMs: -1 }],
    ['a table named like the kit’s', { tables: { $players: table({ visibility: 'all', columns }) } }],
    ['a table named __proto__', { tables: { ['__proto__']: table({ visibility: 'all', columns }) } }],
    ['a command with a space', { commands: { 'a b': { args: {}, run() {} } } }],
  ])('refuses %s', (_, spec) => {
    expect(define(spec)).toThrow(GameError);
  });

  it('refuses tables that cannot be', () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`c${i}`, u8()]));
    expect(() => table({ visibility: 'all', columns: many })).toThrow(GameError);
    expect(() => table({ visibility: 'all', columns: { id: u8() } })).toThrow(GameError);
    expect(() => table({ visibility: 'all', columns: { toString: u8() } })).toThrow(GameError);
    expect(() => table({ visibility: 'all', maxRows: 0, columns })).toThrow(GameError);
    expect(() => text(0)).toThrow(GameError);
    expect(() => int(2, 1)).toThrow(GameError);
    expect(() => int(1, 5, 9)).toThrow(GameError);
    expect(() => text(2, 'long')).toThrow(GameError);
    expect(() => choice(['a'], 'b' as 'a')).toThrow(GameError);
  });

  it('refuses a game whose first state is larger than it says', () => {
    const big = defineGame({
      type: 'big',
      schemaVersion: 1,
      maxStateBytes: 1024,
      tables: { rows: table({ visibility: 'all', columns: { x: u32() } }) },
      commands: {},
      setup(ctx) {
        for (let i = 0; i < 400; i++) ctx.tables.rows.insert({ x: i });
      },
    });
    expect(() => createInstance(big, { seed: 1 })).toThrow(/maxStateBytes/);
  });

  it('takes 32 columns, the last one included', () => {
    const wide = defineGame({
      type: 'wide',
      schemaVersion: 1,
      tables: {
        rows: table({
          visibility: 'all',
          columns: Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`c${i}`, u8()])),
        }),
      },
      commands: {},
      setup(ctx) {
        ctx.tables.rows.insert({});
      },
    });
    const instance = createInstance(wide, { seed: 1 });
    const replica = new Replica(wide.schema);
    instance.encodeDelta();
    replica.applyState(instance.encodeState().shared);
    instance.tables.rows.set(1, 'c31', 7);
    replica.applyDelta(instance.encodeDelta().shared);
    expect(replica.table('rows').rows.get(1)?.c31).toBe(7);
    expect(replica.table('rows').rows.get(1)?.c30).toBe(0);
  });
});
