import { readDoc, sectionText, tableOf } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { world } from '../src/index.ts';
import { COOLDOWN_TICKS, DAMAGE, isVelocity, KINDS, MAP, MAX_SPEED, REACH, REASONS } from '../src/view.ts';

const doc = readDoc('world.md');
const table = (title: string): string[][] => tableOf(sectionText(doc, title));
const columns = (title: string, from: number, to: number): string[][] =>
  table(title).map((row) => row.slice(from, to));

test('the numbers of the document are those of the rules', () => {
  expect(columns('Numbers', 0, 2)).toEqual(
    Object.entries({
      'map width': MAP.width,
      'map height': MAP.height,
      speed: MAX_SPEED,
      reach: REACH,
      'cool-down': COOLDOWN_TICKS,
      damage: DAMAGE,
      players: world.maxPlayers,
      'seat hold': world.seatGraceMs,
    }).map(([name, value]) => [name, String(value)]),
  );
  expect(doc).toContain(`times are ticks, ${world.tickHz} a second`);
  expect(doc).toContain(`\`dx² + dy²\` is at most ${MAX_SPEED ** 2},`);
  expect([isVelocity({ dx: 6, dy: 8 }), isVelocity({ dx: 10, dy: 10 })]).toEqual([true, false]);
});

test('the commands of the document are those that clients are told in the schema', () => {
  const told = world.schema.commands.flatMap(({ name, args }) =>
    args.map((arg) => {
      if (arg.type !== 'int') throw new Error('the document has no words for this type of argument');
      return [name, arg.name, arg.type, String(arg.min), String(arg.max)];
    }),
  );
  expect(columns('Commands', 0, 5)).toEqual(told);
});

test('the reasons and kinds of the document are all there are', () => {
  expect(table('Reasons')).toEqual(Object.entries(REASONS));
  expect(table('Kinds of objects')).toEqual(
    KINDS.map(({ name, hp, worth, radius, share }, kind) =>
      [kind, name, hp, worth, radius, share].map((value) => String(value)),
    ),
  );
});

test('the tables of the document are those that clients see', () => {
  const seen = world.schema.tables.filter(
    ({ name, visibility }) => !name.startsWith('$') && visibility !== 'server',
  );
  const rows = table('Tables').map(([name, seenBy, , described]) => [name, seenBy, described]);
  expect(rows).toEqual(
    seen.map(({ name, visibility, transient, columns: of }) => [
      name,
      transient ? `${visibility}, transient` : visibility,
      of.map((column) => `${column.name} ${column.type}`).join(', '),
    ]),
  );
});

test('the options of the document have its bounds and defaults, and there are no others', () => {
  const rows = columns('Options', 0, 4);
  expect(world.decodeOptions({})).toEqual(
    Object.fromEntries(rows.map(([name, , , fallback]) => [name, Number(fallback)])),
  );
  for (const [name, from, to] of rows) {
    const decode = (value: number) => world.decodeOptions({ [name!]: value });
    for (const value of [Number(from), Number(to)]) expect(decode(value)).toMatchObject({ [name!]: value });
    for (const value of [Number(from) - 1, Number(to) + 1]) expect(() => decode(value)).toThrow(name!);
  }
});
