import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInstance, defineGame, GameError, hydrate, table, text, u8, u16 } from '../src/index.ts';

const game = defineGame({
  type: 'rows',
  schemaVersion: 1,
  tables: {
    rows: table({ visibility: 'all', maxRows: 500, columns: { n: u16(), word: text(8) } }),
    events: table({ visibility: 'all', transient: true, maxRows: 3, columns: { n: u8() } }),
  },
  commands: {},
});

const start = () => createInstance(game, { seed: 1 });

type Step =
  | { readonly do: 'insert'; readonly n: number }
  | { readonly do: 'insert at'; readonly id: number; readonly n: number }
  | { readonly do: 'remove'; readonly id: number }
  | { readonly do: 'set'; readonly id: number; readonly n: number }
  | { readonly do: 'encode' };

const id = fc.integer({ min: 1, max: 30 });
const n = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('insert' as const), n }),
  fc.record({ do: fc.constant('insert at' as const), id, n }),
  fc.record({ do: fc.constant('remove' as const), id }),
  fc.record({ do: fc.constant('set' as const), id, n }),
  fc.record({ do: fc.constant('encode' as const) }),
);

describe('a table', () => {
  it('holds what a plain map would hold, in the order of ids, live and replayed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const live = start();
        live.encodeDelta();
        const replayed = hydrate(game, live.encodeState(), { seed: 1 });
        const model = new Map<number, number>();
        const { rows } = live.tables;
        let nextId = 1;
        for (const next of [...steps, { do: 'encode' as const }]) {
          if (next.do === 'insert') {
            expect(rows.insert({ n: next.n, word: `w${next.n}` })).toBe(nextId);
            model.set(nextId++, next.n);
          } else if (next.do === 'insert at' && !model.has(next.id)) {
            rows.insert({ n: next.n, word: `w${next.n}` }, next.id);
            model.set(next.id, next.n);
            nextId = Math.max(nextId, next.id + 1);
          } else if (next.do === 'remove') {
            expect(rows.remove(next.id)).toBe(model.delete(next.id));
          } else if (next.do === 'set' && model.has(next.id)) {
            rows.set(next.id, 'n', next.n);
            rows.set(next.id, 'word', `w${next.n}`);
            model.set(next.id, next.n);
          } else if (next.do === 'encode') {
            replayed.applyDelta(live.encodeDelta());
            expect(replayed.hash()).toBe(live.hash());
          }
          const wanted = [...model]
            .sort(([a], [b]) => a - b)
            .map(([key, value]) => [key, value, `w${value}`]);
          expect(Array.from(rows, (row) => [row.id, row.n, row.word])).toEqual(wanted);
          expect(rows.size).toBe(model.size);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('marks nothing when a value is written that is already there', () => {
    const instance = start();
    instance.tables.rows.insert({ n: 3, word: 'a' });
    const empty = start();
    instance.encodeDelta();
    empty.encodeDelta();
    const row = instance.tables.rows.need(1);
    row.n = 3;
    row.word = 'a';
    expect(instance.encodeDelta()).toEqual(empty.encodeDelta());
  });

  it('sends nothing of a row that came and went between two deltas, but never uses its id again', () => {
    const instance = start();
    instance.encodeDelta();
    const gone = instance.tables.rows.insert({ n: 1 });
    instance.tables.rows.remove(gone);
    const { shared } = instance.encodeDelta();
    expect(shared.length).toBe(3);
    expect(instance.tables.rows.insert({ n: 1 })).toBe(gone + 1);
  });

  it('survives thousands of rows that come and go, with a few that stay', () => {
    const live = start();
    live.encodeDelta();
    const replayed = hydrate(game, live.encodeState(), { seed: 1 });
    const { rows } = live.tables;
    for (let i = 1; i <= 4950; i++) {
      rows.insert({ n: i, word: `w${i}` });
      if (i > 50 && (i - 50) % 700 !== 0) rows.remove(i - 50);
      if (i % 150 !== 0) continue;
      replayed.applyDelta(live.encodeDelta());
      const wanted = Array.from({ length: i }, (_, at) => at + 1).filter(
        (at) => at % 700 === 0 || at > i - 50,
      );
      for (const { tables } of [live, replayed]) {
        expect(Array.from(tables.rows, (row) => row.id)).toEqual(wanted);
        for (const at of wanted) expect(tables.rows.need(at)).toMatchObject({ n: at, word: `w${at}` });
      }
    }
    expect(replayed.hash()).toBe(live.hash());
  });

  it('may lose and gain rows during a walk, which meets each row of the start that still lives once', () => {
    const { rows } = start().tables;
    for (let i = 0; i < 10; i++) rows.insert({ n: i });
    rows.remove(4);
    const met: number[] = [];
    for (const row of rows) {
      met.push(row.id);
      if (row.id === 2) rows.remove(6);
      if (row.id === 3) rows.insert({ n: 0 }, 4);
      if (row.id === 5) rows.insert({ n: 0 });
      if (row.id === 7) rows.remove(7);
    }
    expect(met).toEqual([1, 2, 3, 4, 5, 7, 8, 9, 10]);
  });

  it('meets no row twice when rows before it are inserted during the walk', () => {
    const { rows } = start().tables;
    for (const place of [10, 20, 30]) rows.insert({}, place);
    const met: number[] = [];
    for (const row of rows) {
      met.push(row.id);
      if (row.id === 20) for (const place of [11, 12, 25]) rows.insert({}, place);
    }
    expect(met).toEqual([10, 20, 25, 30]);
  });

  it('refuses more rows than it may hold, rows of columns it has not, and ids that are no ids', () => {
    const { rows } = start().tables;
    for (let i = 0; i < 500; i++) rows.insert({});
    expect(() => rows.insert({})).toThrow(GameError);
    rows.remove(1);
    expect(() => rows.insert({ other: 1 } as object)).toThrow(GameError);
    for (const bad of [0, -1, 1.5, 2 ** 32, Number.NaN, 2])
      expect(() => rows.insert({}, bad)).toThrow(GameError);
    expect(rows.size).toBe(499);
  });

  it('says so when a row is used that was removed', () => {
    const { rows } = start().tables;
    const row = rows.need(rows.insert({ n: 1 }));
    rows.remove(row.id);
    expect(() => row.n).toThrow(GameError);
    expect(() => (row.n = 2)).toThrow(GameError);
    expect(() => rows.need(row.id)).toThrow(GameError);
    expect(rows.row(row.id)).toBeUndefined();
  });
});

describe('a transient table', () => {
  it('is empty after each delta and never part of a state', () => {
    const instance = start();
    for (let round = 0; round < 3; round++) {
      const before = instance.encodeState().shared;
      instance.tables.events.insert({ n: round });
      expect(instance.encodeState().shared).toEqual(before);
      instance.encodeDelta();
      expect(instance.tables.events.size).toBe(0);
    }
    expect(instance.tables.events.insert({ n: 0 })).toBe(4);
  });
});
