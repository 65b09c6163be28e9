import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInstance, type EncodedParts, emptyInstance, hydrate, verifyInstance } from '../src/index.ts';
import { Replica } from '../src/replica.ts';
import { type Action, action, Driver } from './actions.ts';
import { sample } from './sample-game.ts';

const OPTIONS = { seed: 42, options: { mode: 'wild', things: 12 } } as const;

/** A game with the log of its deltas, and a snapshot with the hash after each. */
function record(actions: readonly Action[], perDelta: number) {
  const instance = createInstance(sample, OPTIONS);
  const driver = new Driver(instance);
  const deltas: EncodedParts[] = [instance.encodeDelta()];
  const snapshots = [{ state: instance.encodeState(), hash: instance.hash() }];
  actions.forEach((next, i) => {
    driver.play(next);
    if (i % perDelta !== 0 && i !== actions.length - 1) return;
    deltas.push(instance.encodeDelta());
    snapshots.push({ state: instance.encodeState(), hash: instance.hash() });
  });
  return { instance, deltas, snapshots };
}

/** The rows of the shared tables of an instance, as plain values. */
function sharedRows(instance: { readonly tables: object }, replica: Replica): unknown {
  const tables = instance.tables as {
    readonly [name: string]: Iterable<{ readonly [column: string]: unknown }>;
  };
  return replica.schema.tables
    .filter((table) => table.visibility === 'all' && !table.transient)
    .map((table) =>
      Array.from(tables[table.name]!, (row) => [row.id, ...table.columns.map((column) => row[column.name])]),
    );
}

function replicaRows(replica: Replica): unknown {
  return replica.schema.tables
    .filter((table) => table.visibility === 'all' && !table.transient)
    .map((table) =>
      [...replica.table(table.name).rows]
        .sort(([a], [b]) => a - b)
        .map(([id, row]) => [id, ...table.columns.map((column) => row[column.name])]),
    );
}

const actions = fc.array(action, { minLength: 1, maxLength: 60 });
const perDelta = fc.integer({ min: 1, max: 4 });

describe('replay', () => {
  it('is tried with games in which everything happens', () => {
    const outcomes = new Set<string>();
    for (const list of fc.sample(fc.array(action, { minLength: 40, maxLength: 60 }), {
      numRuns: 200,
      seed: 1,
    })) {
      const driver = new Driver(createInstance(sample, OPTIONS));
      for (const next of list) driver.play(next);
      for (const outcome of driver.outcomes) outcomes.add(outcome);
    }
    for (const expected of [
      ...['joined', 'full', 'rejected', 'failed', 'late stale', 'late joined', 'seat expired'],
      ...[
        'move applied',
        'move bad_args',
        'hit applied',
        'hit no_such_thing',
        'draw applied',
        'give applied',
      ],
      ...[
        'give failed',
        'give empty_hand',
        'wreck failed',
        'wreck as_asked',
        'nonsense unknown_command',
        'say bad_args',
      ],
    ]) {
      expect(outcomes).toContain(expected);
    }
  });

  it('gives the hash of the live game from every snapshot and from the empty game', () => {
    fc.assert(
      fc.property(actions, perDelta, (list, every) => {
        const { deltas, snapshots } = record(list, every);
        const whole = emptyInstance(sample, OPTIONS);
        deltas.forEach((delta, i) => {
          whole.applyDelta(delta);
          expect(whole.hash()).toBe(snapshots[i]!.hash);
        });
        for (const [from, { state }] of snapshots.entries()) {
          const copy = hydrate(sample, state, OPTIONS);
          for (let i = from + 1; i < deltas.length; i++) copy.applyDelta(deltas[i]!);
          expect(copy.hash()).toBe(snapshots.at(-1)!.hash);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('goes on after a replay exactly as the live game does, with no event left over', () => {
    fc.assert(
      fc.property(actions, actions, (before, after) => {
        const { instance, deltas } = record(before, 1);
        const copy = emptyInstance(sample, OPTIONS);
        for (const delta of deltas) copy.applyDelta(delta);
        for (const name of ['hits', 'whispers', '$rejects'] as const) expect(copy.tables[name].size).toBe(0);
        const [live, replayed] = [new Driver(instance), new Driver(copy)];
        for (const next of [...after, { do: 'step' as const }]) {
          live.play(next);
          replayed.play(next);
          expect(copy.encodeDelta()).toEqual(instance.encodeDelta());
        }
      }),
    );
  });

  it('goes on after hydration exactly as the live game does', () => {
    fc.assert(
      fc.property(actions, actions, (before, after) => {
        const { instance } = record(before, 1);
        const copy = hydrate(sample, instance.encodeState(), OPTIONS);
        const [live, hydrated] = [new Driver(instance), new Driver(copy)];
        for (const next of [...after, { do: 'step' as const }]) {
          live.play(next);
          hydrated.play(next);
          expect(copy.encodeDelta()).toEqual(instance.encodeDelta());
        }
        expect(copy.hash()).toBe(instance.hash());
        verifyInstance(instance);
      }),
      { numRuns: 150 },
    );
  });

  it('does not depend on how many ticks one delta holds', () => {
    fc.assert(
      fc.property(actions, (list) => {
        expect(record(list, 1).instance.hash()).toBe(record(list, 7).instance.hash());
      }),
    );
  });

  it('keeps every replica equal to the shared tables of the live game', () => {
    fc.assert(
      fc.property(actions, perDelta, fc.nat(), (list, every, start) => {
        const { instance, deltas, snapshots } = record(list, every);
        const from = start % snapshots.length;
        const replica = new Replica(JSON.parse(JSON.stringify(sample.schema)));
        replica.applyState(snapshots[from]!.state.shared);
        for (let i = from + 1; i < deltas.length; i++) replica.applyDelta(deltas[i]!.shared);
        expect(replicaRows(replica)).toEqual(sharedRows(instance, replica));
        expect(replica.tick).toBe(instance.tick);
      }),
      { numRuns: 150 },
    );
  });

  it('moves a row from one hand to another through the slices of both', () => {
    const instance = createInstance(sample, OPTIONS);
    for (const user of ['a', 'b', 'c']) instance.join({ user, name: user, join: 1 });
    instance.command(3, 1, 'draw', {});
    instance.encodeDelta();
    const state = instance.encodeState();
    const replicas = [1, 2, 3].map((pid) => {
      const replica = new Replica(sample.schema);
      replica.applyState(state.shared, state.slices[pid - 1]!.bytes);
      return replica;
    });
    expect(replicas.map((replica) => replica.table('hands').rows.size)).toEqual([0, 0, 1]);
    expect(instance.command(3, 2, 'give', { to: 2 })).toBe('applied');
    const delta = instance.encodeDelta();
    expect(delta.slices.map((slice) => slice.pid)).toEqual([2, 3]);
    replicas.forEach((replica, i) => {
      replica.applyDelta(delta.shared, delta.slices.find((slice) => slice.pid === i + 1)?.bytes);
    });
    expect(replicas.map((replica) => replica.table('hands').rows.size)).toEqual([0, 1, 0]);
  });

  it('puts into a slice the rows of its owner and nothing else', () => {
    fc.assert(
      fc.property(actions, (list) => {
        const { instance, deltas, snapshots } = record(list, 1);
        const state = snapshots.at(-1)!.state;
        expect(state.slices.map((slice) => slice.pid)).toEqual(
          Array.from(instance.tables.$players, (row) => row.id),
        );
        for (const { pid, bytes } of state.slices) {
          const replica = new Replica(sample.schema);
          replica.applyState(state.shared, bytes);
          const own = Array.from(instance.tables.hands).filter((row) => row.owner === pid);
          expect([...replica.table('hands').rows.keys()]).toEqual(own.map((row) => row.id));
          expect([...replica.table('$seats').rows.keys()]).toEqual([pid]);
          expect(replica.table('secrets').rows.size).toBe(0);
          followAlone(pid, deltas, instance.tables.hands);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** One player's replica, from that player's slices alone, holds that player's hand. */
function followAlone(
  pid: number,
  deltas: readonly EncodedParts[],
  hands: Iterable<{ readonly id: number; readonly owner: number; readonly card: number }>,
): void {
  const replica = new Replica(sample.schema);
  for (const delta of deltas)
    replica.applyDelta(delta.shared, delta.slices.find((slice) => slice.pid === pid)?.bytes);
  const own = Array.from(hands).filter((row) => row.owner === pid);
  expect([...replica.table('hands').rows].map(([id, row]) => [id, row.card])).toEqual(
    own.map((r) => [r.id, r.card]),
  );
}
