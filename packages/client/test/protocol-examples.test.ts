import { Replica } from '@breakwater/game-kit/replica';
import { blocksOf, bytesOf, readDoc, sectionText, tableOf } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { counting } from './backend.ts';

const doc = readDoc('protocol.md');
const blocks = blocksOf(doc);
const bytes = (name: string): Uint8Array => bytesOf(blocks.get(name) ?? '');
const json = (name: string): unknown => JSON.parse(blocks.get(name) ?? '');

function rowsOf(replica: Replica): unknown {
  const kept = [...replica.tables].filter(([, table]) => !table.schema.transient);
  return Object.fromEntries(kept.map(([name, table]) => [name, Object.fromEntries(table.rows)]));
}

test('the worked example of a game state reads as the document says', () => {
  const replica = new Replica(json('schema'));
  const hits: unknown[] = [];
  replica.tables.get('hits')!.on({ event: (row, id) => hits.push({ id, ...row }) });
  replica.applyState(bytes('part-state'), bytes('part-state-slice'));
  expect(replica.tick).toBe(300);
  expect(rowsOf(replica)).toEqual(json('after-state'));
  replica.applyDelta(bytes('part-delta'), bytes('part-delta-slice'));
  expect(replica.tick).toBe(301);
  expect(rowsOf(replica)).toEqual(json('after-delta'));
  expect(hits).toEqual([{ id: 1, by: 3, power: 1.5 }]);
});

test("the server's own tables are described as every game has them", () => {
  const described = tableOf(sectionText(doc, 'Game state'));
  const sent = counting.schema.tables.filter(
    ({ name, visibility }) => name.startsWith('$') && visibility !== 'server',
  );
  const actual = sent.map(({ name, visibility, transient, columns }) => ({
    name,
    seenBy: transient ? `${visibility}, transient` : visibility,
    columns: columns.map((column) => `${column.name} ${column.type}`),
  }));
  expect(
    described.map(([name, seenBy, , columns]) => ({
      name,
      seenBy,
      columns: columns!.replace(/:.*/, '').split(', '),
    })),
  ).toEqual(actual);
});
