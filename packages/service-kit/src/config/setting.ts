import { Secret } from './secret.ts';

/** Either the parsed value or what is wrong with the text, in words that follow the variable's name. */
export type Parsed<T> = { readonly value: T } | { readonly fault: string };

/** One setting of a service: its variable, its documentation and how its text is read. */
export interface Setting<T> {
  readonly env: string;
  readonly kind: string;
  readonly doc: string;
  readonly unit: string | undefined;
  /** What the value may be, for the documentation: a range, a list of words, a pattern. */
  readonly constraint: string | undefined;
  readonly default: T | undefined;
  /** Used when the variable is unset and `BREAKWATER_DEV` is on; elsewhere the setting stays required. */
  readonly devDefault: T | undefined;
  readonly optional: boolean;
  parse(text: string): Parsed<NonNullable<T>>;
}

interface Named {
  /** Environment variable: `BREAKWATER_<SERVICE>_…` for a service's own settings. */
  env: string;
  /** One sentence for the documentation. */
  doc: string;
  unit?: string;
}

interface Given<T> extends Named {
  default?: T;
  devDefault?: T;
  optional?: false;
}

interface Optional extends Named {
  optional: true;
}

/** Builds a setting; without `default` it is required, with `optional: true` it may be `undefined`. */
interface Builder<T, Extra = unknown> {
  (options: Optional & Extra): Setting<T | undefined>;
  (options: Given<T> & Extra): Setting<T>;
}

interface Range {
  min?: number;
  max?: number;
}

interface Text {
  pattern?: RegExp;
  minLength?: number;
  maxLength?: number;
}

interface Items {
  pattern?: RegExp;
  /** Every item is a URL with one of these protocols. */
  protocols?: readonly string[];
  minItems?: number;
  maxItems?: number;
}

type AnyOptions<T, Extra> = (Optional | Given<T>) & Extra;

function build<T>(
  kind: string,
  options: Optional | Given<T>,
  parse: (text: string) => Parsed<NonNullable<T>>,
  constraint?: string,
  unit?: string,
): Setting<T> {
  return {
    env: options.env,
    kind,
    doc: options.doc,
    unit: options.unit ?? unit,
    constraint,
    default: options.optional ? undefined : options.default,
    devDefault: options.optional ? undefined : options.devDefault,
    optional: options.optional ?? false,
    parse,
  };
}

function rangeText({ min, max }: Range): string | undefined {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `at least ${min}`;
  return max === undefined ? undefined : `at most ${max}`;
}

function parseNumber(text: string, range: Range, shape: RegExp, noun: string): Parsed<number> {
  const value = Number(text);
  if (!shape.test(text) || !Number.isFinite(value)) return { fault: `must be ${noun}` };
  const tooSmall = range.min !== undefined && value < range.min;
  const tooLarge = range.max !== undefined && value > range.max;
  return tooSmall || tooLarge ? { fault: `must be ${rangeText(range)}` } : { value };
}

const INTEGER = /^-?\d{1,15}$/;
const DECIMAL = /^-?\d{1,15}(\.\d{1,15})?$/;

function integerOf(kind: string, unit?: string, range: Range = {}): Builder<number, Range> {
  return ((options: AnyOptions<number, Range>) => {
    const limits = {
      ...range,
      ...(options.min !== undefined && { min: options.min }),
      ...(options.max !== undefined && { max: options.max }),
    };
    const noun = unit === undefined ? 'a whole number' : `a whole number of ${unit}`;
    return build<number>(
      kind,
      options,
      (text) => parseNumber(text, limits, INTEGER, noun),
      rangeText(limits),
      unit,
    );
  }) as Builder<number, Range>;
}

function parseText(text: string, { pattern, minLength = 0, maxLength = 4096 }: Text): Parsed<string> {
  if (text.length < minLength) return { fault: `must have at least ${minLength} characters` };
  if (text.length > maxLength) return { fault: `must have at most ${maxLength} characters` };
  return pattern === undefined || pattern.test(text)
    ? { value: text }
    : { fault: `must match ${pattern.source}` };
}

const string = ((options: AnyOptions<string, Text>) =>
  build<string>('string', options, (text) => parseText(text, options), options.pattern?.source)) as Builder<
  string,
  Text
>;

const secret = ((options: AnyOptions<Secret, Text>) =>
  build<Secret>(
    'secret',
    options,
    (text) => {
      const parsed = parseText(text, options);
      return 'fault' in parsed ? parsed : { value: new Secret(parsed.value) };
    },
    options.minLength === undefined ? undefined : `at least ${options.minLength} characters`,
  )) as Builder<Secret, Text>;

const number = ((options: AnyOptions<number, Range>) =>
  build<number>(
    'number',
    options,
    (text) => parseNumber(text, options, DECIMAL, 'a number'),
    rangeText(options),
  )) as Builder<number, Range>;

const WORDS = new Map([
  ['1', true],
  ['true', true],
  ['yes', true],
  ['on', true],
  ['0', false],
  ['false', false],
  ['no', false],
  ['off', false],
]);

const bool = ((options: AnyOptions<boolean, unknown>) =>
  build<boolean>('bool', options, (text) => {
    const value = WORDS.get(text.toLowerCase());
    return value === undefined ? { fault: 'must be true or false (also 1/0, yes/no, on/off)' } : { value };
  })) as Builder<boolean>;

function parseUrl(text: string, protocols: readonly string[] | undefined): Parsed<string> {
  if (!URL.canParse(text)) return { fault: 'must be a URL' };
  const { protocol: scheme, hostname } = new URL(text);
  const protocol = scheme.slice(0, -1);
  if (protocols !== undefined && !protocols.includes(protocol))
    return { fault: `must begin with ${protocols.join(':// or ')}://` };
  if (hostname === '') return { fault: 'must be a URL with a host' };
  return { value: text };
}

const url = ((options: AnyOptions<string, { protocols?: readonly string[] }>) =>
  build<string>(
    'url',
    options,
    (text) => parseUrl(text, options.protocols),
    options.protocols?.map((p) => `${p}://`).join(', '),
  )) as Builder<string, { protocols?: readonly string[] }>;

function parseItem(item: string, { pattern, protocols }: Items): Parsed<string> {
  const parsed = parseText(item, pattern === undefined ? {} : { pattern });
  return 'fault' in parsed || protocols === undefined ? parsed : parseUrl(item, protocols);
}

function parseList(text: string, options: Items): Parsed<readonly string[]> {
  const { minItems = 0, maxItems = 100 } = options;
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length < minItems) return { fault: `must have at least ${minItems} items` };
  if (items.length > maxItems) return { fault: `must have at most ${maxItems} items` };
  for (const [i, item] of items.entries()) {
    const parsed = parseItem(item, options);
    if ('fault' in parsed) return { fault: `item ${i + 1} ${parsed.fault}` };
  }
  return { value: items };
}

const list = ((options: AnyOptions<readonly string[], Items>) =>
  build<readonly string[]>(
    'list',
    options,
    (text) => parseList(text, options),
    'separated by commas',
  )) as Builder<readonly string[], Items>;

interface OneOf {
  <const V extends string>(options: Optional & { values: readonly V[] }): Setting<V | undefined>;
  <const V extends string>(options: Given<NoInfer<V>> & { values: readonly V[] }): Setting<V>;
}

const oneOf = ((options: AnyOptions<string, { values: readonly string[] }>) =>
  build<string>(
    'oneOf',
    options,
    (text) =>
      options.values.includes(text)
        ? { value: text }
        : { fault: `must be one of ${options.values.join(', ')}` },
    options.values.join(', '),
  )) as OneOf;

/** Builders for settings. Every one takes `env`, `doc` and, as it needs, `default`, `optional`, limits. */
export const setting = {
  string,
  secret,
  int: integerOf('int'),
  number,
  bool,
  durationMs: integerOf('durationMs', 'ms', { min: 0 }),
  bytes: integerOf('bytes', 'bytes', { min: 0 }),
  port: integerOf('port', undefined, { min: 0, max: 65_535 }),
  url,
  list,
  oneOf,
} as const;
