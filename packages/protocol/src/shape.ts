/** Total decoders for untrusted values: a value of the stated type, or one `DecodeError` that says where and why. */

/** What is wrong with a value, and where: `path` is like `at.seq`, empty for the value itself. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  path = '';

  /** Called by each enclosing shape on the way out, so that a good value never pays for paths. */
  within(key: string): this {
    this.path = this.path === '' ? key : `${key}.${this.path}`;
    return this;
  }

  /** `at.seq: must be a whole number`, never an echo of the value. */
  get sentence(): string {
    return this.path === '' ? this.message : `${this.path}: ${this.message}`;
  }
}

export type Decoder<T> = (value: unknown) => T;
export type OptionalDecoder<T> = Decoder<T | undefined> & { readonly isOptional: true };
export type Decoded<D> = D extends Decoder<infer T> ? T : never;
export type DecodeResult<T> = { ok: true; value: T } | { ok: false; error: DecodeError };

type Fields = Readonly<Record<string, Decoder<unknown>>>;
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends { isOptional: true } ? K : never;
}[keyof F];
type Flatten<T> = { [K in keyof T]: T[K] };
export type DecodedObject<F extends Fields> = Flatten<
  { [K in Exclude<keyof F, OptionalKeys<F>>]: Decoded<F[K]> } & {
    [K in OptionalKeys<F>]?: Exclude<Decoded<F[K]>, undefined>;
  }
>;

/** What a decoder takes, in words and, of an object or union, by its members. For documents and their tests. */
export interface Description {
  readonly expects: string;
  readonly fields?: Readonly<Record<string, Decoder<unknown>>>;
  readonly members?: Readonly<Record<string, Decoder<unknown>>>;
  /** What a list or a record holds. */
  readonly item?: Decoder<unknown>;
}

const descriptions = new WeakMap<Decoder<unknown>, Description>();

/** Says what a decoder of one's own making expects. */
export function describe<D extends Decoder<unknown>>(decoder: D, description: Description): D {
  descriptions.set(decoder, description);
  return decoder;
}

/** `undefined` for a decoder that was not made by this file. */
export function descriptionOf(decoder: Decoder<unknown>): Description | undefined {
  return descriptions.get(decoder);
}

const wordsFor = (decoder: Decoder<unknown>): string => descriptionOf(decoder)?.expects ?? 'other';

function fail(message: string): never {
  throw new DecodeError(message);
}

/** Runs a decoder; anything it throws that is not a `DecodeError` is a bug and passes through. */
export function decode<T>(decoder: Decoder<T>, value: unknown): DecodeResult<T> {
  try {
    return { ok: true, value: decoder(value) };
  } catch (error) {
    if (error instanceof DecodeError) return { ok: false, error };
    throw error;
  }
}

export interface StringRule {
  readonly minLength?: number;
  /** In UTF-16 code units. */
  readonly maxLength?: number;
  readonly pattern?: RegExp;
  /** What the pattern asks for, in words. */
  readonly expected?: string;
}

/** A well-formed string (no lone surrogate, no NUL). */
export function string(rule: StringRule = {}): Decoder<string> {
  const {
    minLength = 0,
    maxLength = 65_536,
    pattern,
    expected = 'has characters that are not allowed',
  } = rule;
  const decodeString = (value: unknown): string => {
    if (typeof value !== 'string') fail('must be a string');
    if (value.length < minLength)
      fail(minLength === 1 ? 'must not be empty' : `must have at least ${minLength} characters`);
    if (value.length > maxLength) fail(`must have at most ${maxLength} characters`);
    if (pattern !== undefined && !pattern.test(value)) fail(expected);
    if (!value.isWellFormed() || value.includes('\0')) fail('must be well-formed text without NUL');
    return value;
  };
  const kind = pattern === undefined ? 'text' : `text /${pattern.source}/`;
  return describe(decodeString, { expects: `${kind}, ${minLength} to ${maxLength}` });
}

/** A whole number; -0 is refused, it does not survive JSON. */
export function int(min = 0, max: number = Number.MAX_SAFE_INTEGER): Decoder<number> {
  const decodeInt = (value: unknown): number => {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) fail('must be a whole number');
    const number = value as number;
    if (number < min || number > max) fail(`must be from ${min} to ${max}`);
    return number;
  };
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `${min} to ${max}`;
  return describe(decodeInt, { expects: `whole number, ${range}` });
}

/** A finite number. */
export function finite(): Decoder<number> {
  const decodeFinite = (value: unknown): number => {
    if (typeof value !== 'number' || !Number.isFinite(value)) fail('must be a finite number');
    return value as number;
  };
  return describe(decodeFinite, { expects: 'number' });
}

export function boolean(): Decoder<boolean> {
  const decodeBoolean = (value: unknown): boolean =>
    typeof value === 'boolean' ? value : fail('must be true or false');
  return describe(decodeBoolean, { expects: 'true or false' });
}

export function literal<const T extends string | number | boolean>(expected: T): Decoder<T> {
  const decodeLiteral = (value: unknown): T =>
    value === expected ? expected : fail(`must be ${JSON.stringify(expected)}`);
  return describe(decodeLiteral, { expects: JSON.stringify(expected) });
}

export function oneOf<const T extends string>(values: readonly T[]): Decoder<T> {
  const decodeWord = (value: unknown): T =>
    values.includes(value as T) ? (value as T) : fail(`must be one of ${values.join(', ')}`);
  return describe(decodeWord, { expects: `one of ${values.join(', ')}` });
}

export function optional<T>(decoder: Decoder<T>): OptionalDecoder<T> {
  const decodeOptional = (value: unknown): T | undefined =>
    value === undefined ? undefined : decoder(value);
  const { expects = 'other', ...rest } = descriptionOf(decoder) ?? {};
  return describe(Object.assign(decodeOptional, { isOptional: true as const }), { expects, ...rest });
}

export function array<T>(item: Decoder<T>, maxItems = 1_000, minItems = 0): Decoder<T[]> {
  const decodeArray = (value: unknown): T[] => {
    if (!Array.isArray(value)) fail('must be a list');
    if (value.length > maxItems) fail(`must have at most ${maxItems} items`);
    if (value.length < minItems) fail(`must have at least ${minItems} items`);
    return value.map((entry, index) => nested(item, entry, String(index)));
  };
  const size = minItems === maxItems ? `exactly ${maxItems}` : `at most ${maxItems}`;
  return describe(decodeArray, { expects: `list of ${size}: ${wordsFor(item)}`, item });
}

/** A JSON object with any keys of the id alphabet and values of one type. */
export function record<T>(item: Decoder<T>, maxEntries = 100): Decoder<Record<string, T>> {
  const decodeRecord = (value: unknown): Record<string, T> => {
    const entries = Object.entries(plainObject(value));
    if (entries.length > maxEntries) fail(`must have at most ${maxEntries} fields`);
    const result: Record<string, T> = Object.create(null) as Record<string, T>;
    for (const [key, entry] of entries) {
      if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(key)) fail('has a field name that is not allowed');
      result[key] = nested(item, entry, key);
    }
    return result;
  };
  return describe(decodeRecord, { expects: `object of at most ${maxEntries}: ${wordsFor(item)}`, item });
}

/** An object with exactly these fields: unknown ones are refused. For what clients send. */
export function strict<F extends Fields>(fields: F): Decoder<DecodedObject<F>> {
  const known = new Set(Object.keys(fields));
  const read = loose(fields);
  const decodeStrict = (value: unknown): DecodedObject<F> => {
    for (const key of Object.keys(plainObject(value))) {
      if (!known.has(key)) fail('has an unknown field');
    }
    return read(value);
  };
  return describe(decodeStrict, { expects: `{${[...known].join(', ')}}`, fields });
}

/** An object with at least these fields: unknown ones are dropped. For what services and servers send. */
export function loose<F extends Fields>(fields: F): Decoder<DecodedObject<F>> {
  const entries = Object.entries(fields);
  const decodeLoose = (value: unknown): DecodedObject<F> => {
    const source = plainObject(value);
    const result: Record<string, unknown> = {};
    for (const [key, decoder] of entries) {
      const decoded = nested(decoder, Object.hasOwn(source, key) ? source[key] : undefined, key);
      if (decoded !== undefined) result[key] = decoded;
    }
    return result as DecodedObject<F>;
  };
  return describe(decodeLoose, { expects: `{${Object.keys(fields).join(', ')}}`, fields });
}

/** A union told apart by one field. */
export function tagged<const K extends string, M extends Readonly<Record<string, Decoder<unknown>>>>(
  key: K,
  members: M,
): Decoder<Decoded<M[keyof M]>> {
  const decodeTagged = (value: unknown): Decoded<M[keyof M]> => {
    const tag = plainObject(value)[key];
    if (typeof tag !== 'string' || !Object.hasOwn(members, tag))
      throw new DecodeError('is not known').within(key);
    return members[tag]!(value) as Decoded<M[keyof M]>;
  };
  return describe(decodeTagged, { expects: `one of ${Object.keys(members).join(', ')}`, members });
}

/** Any JSON value, as it is. Only for values that are opaque to the decoder's owner. */
export function json(): Decoder<unknown> {
  return describe((value: unknown) => (value === undefined ? fail('is missing') : value), {
    expects: 'any JSON',
  });
}

function plainObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail('must be an object');
  return value as Readonly<Record<string, unknown>>;
}

function nested<T>(decoder: Decoder<T>, value: unknown, key: string): T {
  try {
    return decoder(value);
  } catch (error) {
    throw error instanceof DecodeError ? error.within(key) : error;
  }
}
