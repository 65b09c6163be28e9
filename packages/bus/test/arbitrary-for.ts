import { type Decoder, descriptionOf, ID_PATTERN, MESSAGE_ID_PATTERN } from '@breakwater/protocol';
import fc from 'fast-check';

type Any = fc.Arbitrary<unknown>;
const PATTERNS = [ID_PATTERN, MESSAGE_ID_PATTERN];

/** Values that a decoder takes, worked out from what it says that it expects. */
export function arbitraryFor(decoder: Decoder<unknown>): Any {
  const description = descriptionOf(decoder);
  if (description === undefined) throw new Error('a decoder that says nothing of itself');
  const { expects, fields, members, item } = description;
  if (members !== undefined) return fc.oneof(...Object.values(members).map(arbitraryFor));
  if (fields !== undefined) return objectFor(fields);
  if (item !== undefined) return expects.startsWith('list') ? listOf(item) : recordOf(item);
  return scalarFor(expects);
}

function objectFor(fields: Readonly<Record<string, Decoder<unknown>>>): Any {
  const model = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, arbitraryFor(field)]),
  );
  const requiredKeys = Object.keys(fields).filter((name) => !('isOptional' in fields[name]!));
  return fc.record(model, { requiredKeys, noNullPrototype: true });
}

const listOf = (item: Decoder<unknown>): Any => fc.array(arbitraryFor(item), { maxLength: 3 });
const recordOf = (item: Decoder<unknown>): Any =>
  fc.dictionary(fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,9}$/), arbitraryFor(item), {
    maxKeys: 3,
    noNullPrototype: true,
  });

function scalarFor(expects: string): Any {
  if (expects === 'true or false') return fc.boolean();
  if (expects === 'number')
    return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  if (expects === 'any JSON') return fc.oneof(fc.nat(), fc.boolean(), fc.constant('text'), fc.constant(null));
  if (expects.startsWith('"')) return fc.constant(JSON.parse(expects));
  if (expects.startsWith('one of ')) return fc.constantFrom(...expects.slice('one of '.length).split(', '));
  const whole = /^whole number, (?:from )?(-?\d+)(?: to (\d+))?$/.exec(expects);
  if (whole !== null)
    return fc.integer({ min: Number(whole[1]), max: Math.min(2 ** 31 - 1, Number(whole[2] ?? 2 ** 31 - 1)) });
  return textFor(expects);
}

function textFor(expects: string): Any {
  const pattern = PATTERNS.find(({ source }) => expects.startsWith(`text /${source}/`));
  if (pattern !== undefined) return fc.stringMatching(pattern);
  const length = /^text, (\d+) to (\d+)$/.exec(expects);
  if (length === null) throw new Error(`nothing is known about "${expects}"`);
  const limits = { minLength: Number(length[1]), maxLength: Math.min(32, Number(length[2])) };
  return fc
    .array(fc.integer({ min: 1, max: 0xffff }), limits)
    .map((units) => String.fromCharCode(...units).toWellFormed());
}
