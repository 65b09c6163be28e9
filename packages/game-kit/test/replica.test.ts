import { describe, expect, it, vi } from 'vitest';
import { createInstance, defineGame, table, text, u8 } from '../src/index.ts';
import { Replica, ReplicaError, type RowsOf } from '../src/replica.ts';

const game = defineGame({
  type: 'watched',
  schemaVersion: 1,
  tables: {
    things: table({ visibility: 'all', columns: { n: u8(), word: text(8) } }),
    hands: table({ visibility: 'owner', columns: { card: u8() } }),
    events: table({ visibility: 'all', transient: true, columns: { n: u8() } }),
  },
  commands: {},
  join(ctx, player) {
    ctx.tables.hands.insert({ owner: player.pid, card: player.pid * 10 });
  },
});

type Rows = RowsOf<typeof game>;

function watched() {
  const instance = createInstance(game, { seed: 1 });
  instance.tables.things.insert({ n: 1, word: 'one' });
  instance.tables.things.insert({ n: 2, word: 'two' });
  instance.encodeDelta();
  const replica = new Replica<Rows>(JSON.parse(JSON.stringify(game.schema)));
  replica.applyState(instance.encodeState().shared);
  const heard: unknown[] = [];
  replica.table('things').on({
    inserted: (id, row) => heard.push(['inserted', id, row.word]),
    changed: (id, row, previous) => heard.push(['changed', id, { ...row }, previous]),
    removed: (id, row) => heard.push(['removed', id, row.word]),
  });
  return { instance, replica, heard };
}

describe('a replica', () => {
  it('tells its listeners what a delta did, after all of it is in', () => {
    const { instance, replica, heard } = watched();
    instance.tables.things.set(1, 'n', 9);
    instance.tables.things.remove(2);
    instance.tables.things.insert({ n: 3, word: 'three' });
    replica.applyDelta(instance.encodeDelta().shared);
    expect(heard).toEqual([
      ['removed', 2, 'two'],
      ['inserted', 3, 'three'],
      ['changed', 1, { n: 9, word: 'one' }, { n: 1 }],
    ]);
  });

  it('tells of the differences only when full state comes again, and keeps its row objects', () => {
    const { instance, replica, heard } = watched();
    const first = replica.table('things').rows.get(1);
    instance.tables.things.set(1, 'word', 'uno');
    instance.tables.things.remove(2);
    instance.encodeDelta();
    replica.applyState(instance.encodeState().shared);
    expect(heard).toEqual([
      ['removed', 2, 'two'],
      ['changed', 1, { n: 1, word: 'uno' }, { word: 'one' }],
    ]);
    expect(replica.table('things').rows.get(1)).toBe(first);
  });

  it('hears rows of a transient table as events and keeps none', () => {
    const { instance, replica } = watched();
    const events: number[] = [];
    const off = replica.table('events').on({ event: (row) => events.push(row.n) });
    instance.tables.events.insert({ n: 5 });
    instance.tables.events.insert({ n: 5 });
    replica.applyDelta(instance.encodeDelta().shared);
    expect(events).toEqual([5, 5]);
    expect(replica.table('events').rows.size).toBe(0);
    off();
    instance.tables.events.insert({ n: 6 });
    replica.applyDelta(instance.encodeDelta().shared);
    expect(events).toEqual([5, 5]);
  });

  it('has the rows of its own slice, and loses them with a state that has none', () => {
    const { instance, replica } = watched();
    instance.join({ user: 'u', name: 'Ann', join: 1 });
    const { shared, slices } = instance.encodeDelta();
    replica.applyDelta(shared, slices[0]!.bytes);
    expect([...replica.table('hands').rows.values()]).toEqual([{ card: 10 }]);
    expect(replica.table('$seats').rows.get(1)).toMatchObject({ ack: 0 });
    replica.applyState(instance.encodeState().shared);
    expect(replica.table('hands').rows.size).toBe(0);
  });

  it('goes on when a listener throws, tells the others, and throws what it threw', () => {
    const { instance, replica } = watched();
    const other = vi.fn();
    replica.table('things').on({
      changed: () => {
        throw new Error('listener');
      },
    });
    replica.table('things').on({ changed: other });
    instance.tables.things.set(1, 'n', 9);
    const { shared } = instance.encodeDelta();
    expect(() => replica.applyDelta(shared)).toThrow('listener');
    expect(other).toHaveBeenCalledTimes(1);
    expect(replica.table('things').rows.get(1)?.n).toBe(9);
  });

  it('says so when a game has no such table', () => {
    const replica = new Replica(game.schema);
    expect(() => replica.table('nothing')).toThrow(ReplicaError);
    expect(replica.tables.get('nothing')).toBeUndefined();
  });

  it('understands a newer game by its schema: tables and columns it never heard of are simply there', () => {
    const newer = defineGame({
      type: 'watched',
      schemaVersion: 2,
      tables: {
        weather: table({ visibility: 'all', columns: { rain: u8() } }),
        things: table({ visibility: 'all', columns: { colour: u8(), n: u8(), word: text(8) } }),
      },
      commands: {},
    });
    const instance = createInstance(newer, { seed: 1 });
    instance.tables.things.insert({ colour: 4, n: 1, word: 'one' });
    instance.tables.weather.insert({ rain: 1 });
    instance.encodeDelta();
    const replica = new Replica<Rows>(newer.schema);
    replica.applyState(instance.encodeState().shared);
    expect(replica.table('things').rows.get(1)).toMatchObject({ n: 1, word: 'one' });
    expect(replica.tables.get('weather')?.rows.get(1)).toEqual({ rain: 1 });
  });
});
