import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createInstance,
  decodeSchema,
  type EncodedParts,
  emptyInstance,
  GameError,
  hydrate,
  ReplicaError,
} from '../src/index.ts';
import { Replica } from '../src/replica.ts';
import { Driver } from './actions.ts';
import { sample } from './sample-game.ts';

const OPTIONS = { seed: 5 };

function playedParts(): { state: EncodedParts; delta: EncodedParts } {
  const driver = new Driver(createInstance(sample, OPTIONS));
  for (const user of [1, 2, 3]) driver.play({ do: 'join', user, name: `Ann ${user}` });
  driver.play({ do: 'command', user: 1, name: 'draw', args: {} });
  driver.instance.encodeDelta();
  const state = driver.instance.encodeState();
  driver.play({ do: 'command', user: 1, name: 'draw', args: {} });
  driver.play({ do: 'command', user: 2, name: 'hit', args: { thing: 2 } });
  driver.play({ do: 'leave', user: 3 });
  for (let i = 0; i < 4; i++) driver.play({ do: 'step' });
  return { state, delta: driver.instance.encodeDelta() };
}

const { state, delta } = playedParts();

function contents(replica: Replica): unknown {
  return [...replica.tables].map(([name, { rows }]) => [
    name,
    [...rows].map(([id, row]) => [id, { ...row }]),
  ]);
}

function following(): Replica {
  const replica = new Replica(sample.schema);
  replica.applyState(state.shared, state.slices[0]!.bytes);
  return replica;
}

/** Runs `read` and says what came of it; anything but a `ReplicaError` is a failure of the test. */
function outcome(read: () => void): 'read' | 'refused' {
  try {
    read();
    return 'read';
  } catch (error) {
    if (error instanceof ReplicaError) return 'refused';
    throw error;
  }
}

interface Edit {
  readonly at: number;
  readonly take: number;
  readonly put: Uint8Array;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(400),
  take: fc.nat(6),
  put: fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.constant(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x0f])),
    fc.constant(new Uint8Array([0x80])),
  ),
});

function edited(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const list = [...bytes];
  for (const { at, take, put } of edits) list.splice(at % (list.length + 1), take, ...put);
  return Uint8Array.from(list);
}

const edits = fc.array(edit, { minLength: 1, maxLength: 4 });

describe('a replica', () => {
  it('answers any bytes with rows or with a ReplicaError that changes nothing', () => {
    const seen = { read: 0, refused: 0 };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isDelta) => {
        const replica = following();
        const before = contents(replica);
        const part = Uint8Array.from([isDelta ? 0x20 : 0x10, ...bytes]);
        const result = outcome(() => (isDelta ? replica.applyDelta(part) : replica.applyState(part)));
        seen[result]++;
        if (result === 'refused') expect(contents(replica)).toEqual(before);
      }),
      { numRuns: 800 },
    );
    expect(seen.refused).toBeGreaterThan(0);
  });

  it('answers mutated valid bytes with rows or with a ReplicaError that changes nothing', () => {
    const seen = { read: 0, refused: 0 };
    fc.assert(
      fc.property(edits, fc.boolean(), fc.boolean(), (list, isDelta, inSlice) => {
        const { shared, slices } = isDelta ? delta : state;
        const slice = slices[0]!.bytes;
        const [a, b] = inSlice ? [shared, edited(slice, list)] : [edited(shared, list), slice];
        const replica = following();
        const before = contents(replica);
        const result = outcome(() => (isDelta ? replica.applyDelta(a, b) : replica.applyState(a, b)));
        seen[result]++;
        if (result === 'refused') expect(contents(replica)).toEqual(before);
      }),
      { numRuns: 800 },
    );
    expect(seen.refused).toBeGreaterThan(0);
    expect(seen.read).toBeGreaterThan(0);
  });

  it('refuses every prefix of a valid part', () => {
    for (const part of [delta.shared, state.shared]) {
      for (let length = 0; length < part.length; length++) {
        const replica = following();
        const cut = part.subarray(0, length);
        const result = outcome(() =>
          part === delta.shared ? replica.applyDelta(cut) : replica.applyState(cut),
        );
        expect(result).toBe('refused');
      }
    }
  });

  it('refuses a state as a delta, a slice as the shared part, and the server part as either', () => {
    const replica = following();
    expect(outcome(() => replica.applyDelta(state.shared))).toBe('refused');
    expect(outcome(() => replica.applyState(delta.shared))).toBe('refused');
    expect(outcome(() => replica.applyDelta(delta.slices[0]!.bytes))).toBe('refused');
    expect(outcome(() => replica.applyDelta(delta.server))).toBe('refused');
    expect(outcome(() => replica.applyDelta(delta.shared, delta.server))).toBe('refused');
  });

  /** A delta of the table `things` (second of the schema) in which row 1 is what the lists say. */
  const handmade = (...lists: number[]) => Uint8Array.from([0x20, 1, ...lists, 0]);

  it.each([
    ['removed and changed', handmade(2, 1, 0, 0, 1, 1, 7, 0)],
    ['removed in two sections', handmade(2, 1, 0, 0, 0, 2, 1, 0, 0, 0)],
    ['changed in no column', handmade(2, 0, 0, 1, 0, 0)],
    ['changed in an eighth column of seven', handmade(2, 0, 0, 1, 0x80, 1, 0)],
    ['given a number too large for its column', handmade(2, 0, 0, 1, 2, 0x80, 0x80, 4, 0)],
    ['given a number of more than 32 bits', handmade(2, 0, 0, 1, 8, 0xff, 0xff, 0xff, 0xff, 0x1f, 0)],
    ['given NaN', handmade(2, 0, 0, 1, 16, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 0)],
    ['given -0', handmade(2, 0, 0, 1, 16, 0, 0, 0, 0, 0, 0, 0, 0x80, 0)],
    ['given a boolean of 2', handmade(2, 0, 0, 1, 32, 2, 0)],
    ['given a text that is too long', handmade(2, 0, 0, 1, 64, 25, ...Array(25).fill(97), 0)],
    ['given a text that is not UTF-8', handmade(2, 0, 0, 1, 64, 2, 0xc3, 0x28, 0)],
    ['inserted though it is there', handmade(2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['in a table of the server', handmade(4, 1, 0, 0, 0)],
    ['in no table', handmade(60, 1, 0, 0, 0)],
    ['followed by more bytes', Uint8Array.from([...handmade(2, 1, 0, 0, 0), 0])],
  ])('refuses a row that is %s', (_, bytes) => {
    expect(outcome(() => following().applyDelta(bytes))).toBe('refused');
  });

  it('reads a delta made by hand, so that the refusals above are not about its form', () => {
    const replica = following();
    replica.applyDelta(handmade(2, 2, 0, 0, 1, 1, 7, 0));
    expect(replica.table('things').rows.get(1)?.a).toBe(7);
    expect(replica.table('things').rows.has(2)).toBe(false);
  });

  it('refuses a delta that is applied twice', () => {
    const replica = following();
    replica.applyDelta(delta.shared);
    expect(outcome(() => replica.applyDelta(delta.shared))).toBe('refused');
  });
});

describe('hydration', () => {
  it('answers mutated snapshots with a game or with a typed error', () => {
    fc.assert(
      fc.property(edits, fc.constantFrom('shared', 'server', 'slice'), (list, part) => {
        const slices = state.slices.map((slice, i) =>
          part === 'slice' && i === 0 ? { pid: slice.pid, bytes: edited(slice.bytes, list) } : slice,
        );
        const shared = part === 'shared' ? edited(state.shared, list) : state.shared;
        const server = part === 'server' ? edited(state.server, list) : state.server;
        outcome(() => hydrate(sample, { shared, server, slices }, OPTIONS));
      }),
      { numRuns: 400 },
    );
  });

  it('refuses a state and a delta that were written with other tables, and says what to do', () => {
    const { tables, ...rest } = sample.schema;
    const other = {
      ...sample,
      schema: { ...rest, tables: tables.map((t) => (t.name === 'secrets' ? { ...t, columns: [] } : t)) },
    };
    expect(() => hydrate(other, state, OPTIONS)).toThrow(/raise schemaVersion/);
    expect(() => emptyInstance(other, OPTIONS).applyDelta(delta)).toThrow(/raise schemaVersion/);
  });

  it('refuses a delta when the instance has changes of its own', () => {
    const instance = hydrate(sample, state, OPTIONS);
    instance.step();
    instance.tables.secrets.insert({ value: 1 });
    expect(() => instance.applyDelta(delta)).toThrow(GameError);
  });
});

describe('a schema', () => {
  it('is read from any JSON or refused with a ReplicaError', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => void outcome(() => decodeSchema(value))));
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.nat(3),
        fc.nat(8),
        fc.constantFrom('name', 'type', 'maxBytes'),
        (value, t, c, key) => {
          const schema = structuredClone(sample.schema) as unknown as {
            tables: { columns: Record<string, unknown>[] }[];
          };
          const column = schema.tables[t]?.columns[c];
          if (column !== undefined) column[key] = value;
          outcome(() => new Replica(schema));
        },
      ),
    );
  });

  it('survives JSON, and fields that this version does not know', () => {
    const newer = JSON.parse(JSON.stringify({ ...sample.schema, later: { a: 1 } }));
    const { commands, ...read } = sample.schema;
    expect(commands.length).toBeGreaterThan(0);
    expect(decodeSchema(newer)).toEqual(read);
  });

  it.each([
    ['__proto__', 'column name'],
    ['constructor', 'column name'],
    ['id', 'column name'],
    ['owner', 'column name'],
  ])('refuses a column named %s', (name) => {
    const schema = structuredClone(sample.schema) as unknown as { tables: { columns: { name: string }[] }[] };
    schema.tables[0]!.columns[0]!.name = name;
    expect(() => decodeSchema(schema)).toThrow(ReplicaError);
  });
});
