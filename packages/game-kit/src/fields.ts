import { GameError } from './errors.ts';

/** What a field takes, as plain JSON for those who are to fill it. */
export type FieldShape =
  | { readonly type: 'int'; readonly min: number; readonly max: number }
  | { readonly type: 'choice'; readonly values: readonly string[] }
  | { readonly type: 'text'; readonly maxBytes: number }
  | { readonly type: 'bool' };

/** One argument of a command, or one option of a game. */
export interface Field<V> {
  readonly shape: FieldShape;
  /** Used when the field is left out; without one, leaving it out is an error. */
  readonly fallback: V | undefined;
  accepts(value: unknown): boolean;
}

export type Fields = { readonly [name: string]: Field<unknown> };
export type FieldValues<F> = { readonly [K in keyof F]: F[K] extends Field<infer V> ? V : never };

/** A field whose fallback is one of its values. */
export function field<V>(
  shape: FieldShape,
  fallback: V | undefined,
  accepts: (value: unknown) => boolean,
): Field<V> {
  if (fallback !== undefined && !accepts(fallback)) {
    throw new GameError('bad_definition', `${JSON.stringify(fallback)} is no value of ${shape.type}`);
  }
  return { shape, fallback, accepts };
}

/** A whole number from `min` to `max`, both included. */
export function int(min: number, max: number, fallback?: number): Field<number> {
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min > max) {
    throw new GameError('bad_definition', `int(${min}, ${max}) is not a range of whole numbers`);
  }
  return field(
    { type: 'int', min, max },
    fallback,
    (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max,
  );
}

/** One of the given words. */
export function choice<const V extends string>(values: readonly V[], fallback?: V): Field<V> {
  const allowed: ReadonlySet<unknown> = new Set(values);
  return field({ type: 'choice', values }, fallback, (value) => allowed.has(value));
}

/** The values of `fields` in `input`, or the name of what is wrong with it. */
export type DecodedFields =
  | { readonly ok: true; readonly values: unknown }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads untrusted input: a plain object with these fields and no others. The result is built from the declared
 * names alone, so `__proto__` and its kind are unknown fields like any other.
 */
export function decodeFields(fields: Fields, input: unknown): DecodedFields {
  const given = input === undefined ? {} : input;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { ok: false, problem: 'not an object' };
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(fields, name)) return { ok: false, problem: 'unknown field' };
  }
  const values: { [name: string]: unknown } = {};
  for (const name of Object.keys(fields)) {
    const field = fields[name]!;
    const value = Object.hasOwn(given, name) ? (given as { [name: string]: unknown })[name] : field.fallback;
    if (!field.accepts(value)) return { ok: false, problem: name };
    values[name] = Object.is(value, -0) ? 0 : value;
  }
  return { ok: true, values };
}
