/** One line of a service's metric table. Counter names end in `_total`, names say their unit. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** `breakwater_<service>_…`, lower case. */
  readonly name: string;
  /** What one step means: `1`, `s`, `bytes`, `connections`, … */
  readonly unit: string;
  readonly doc: string;
  /** Label names. Values must come from a small fixed set: never ids, never user text. */
  readonly labels?: readonly string[];
  /** Upper bounds of a histogram, rising. */
  readonly buckets?: readonly number[];
}

export type MetricTable = Readonly<Record<string, MetricDefinition>>;

type LabelsOf<D extends MetricDefinition> = D extends { labels: readonly (infer L extends string)[] }
  ? Record<L, string>
  : Record<string, never>;
type LabelArgument<D extends MetricDefinition> = D extends { labels: readonly string[] }
  ? [labels: LabelsOf<D>]
  : [];

/** Counts up. `with` gives the handle of one label set, for hot paths; `observe` reads a count kept elsewhere. */
export interface Counter<D extends MetricDefinition> {
  add(n: number, ...labels: LabelArgument<D>): void;
  observe(read: () => number, ...labels: LabelArgument<D>): void;
  with(labels: LabelsOf<D>): { add(n: number): void };
}

/** A value that goes up and down. `observe` reads it when somebody looks. */
export interface Gauge<D extends MetricDefinition> {
  set(value: number, ...labels: LabelArgument<D>): void;
  add(n: number, ...labels: LabelArgument<D>): void;
  observe(read: () => number, ...labels: LabelArgument<D>): void;
  with(labels: LabelsOf<D>): { set(value: number): void; add(n: number): void };
}

/** Counts values into fixed buckets, in the unit of the table. */
export interface Histogram<D extends MetricDefinition> {
  record(value: number, ...labels: LabelArgument<D>): void;
  with(labels: LabelsOf<D>): { record(value: number): void };
}

type HandleOf<D extends MetricDefinition> = D['kind'] extends 'counter'
  ? Counter<D>
  : D['kind'] extends 'gauge'
    ? Gauge<D>
    : Histogram<D>;

export type MetricHandles<T extends MetricTable> = { readonly [K in keyof T]: HandleOf<T[K]> };

/** Durations in seconds, from half a millisecond to ten seconds. */
export const SECONDS_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

const NAME = /^breakwater_[a-z][a-z0-9_]{1,100}$/;
const LABEL = /^[a-z][a-z0-9_]{0,40}$/;

function assertDefinition(key: string, definition: MetricDefinition): void {
  const fail = (why: string): never => {
    throw new Error(`metric ${key} (${definition.name}): ${why}`);
  };
  if (!NAME.test(definition.name)) fail('the name must match breakwater_[a-z0-9_]+');
  if ((definition.kind === 'counter') !== definition.name.endsWith('_total'))
    fail('counters end in _total, nothing else does');
  if (definition.labels?.some((label) => !LABEL.test(label))) fail('label names are lower case words');
  const rising = (definition.buckets ?? []).every((bound, i, all) => i === 0 || bound > all[i - 1]!);
  if (!rising) fail('buckets must rise');
  if ((definition.kind === 'histogram') !== (definition.buckets !== undefined))
    fail('histograms, and only they, have buckets');
}

/**
 * The metric table of one service: plain data that docs and dashboards are tested against.
 * `registry.register(table)` gives the handles.
 */
export function defineMetrics<const T extends MetricTable>(table: T): T {
  for (const [key, definition] of Object.entries(table)) assertDefinition(key, definition);
  return table;
}

/** The numbers of one label set. */
export class Series {
  readonly labels: readonly string[];
  value = 0;
  read: (() => number) | undefined;
  sum = 0;
  count = 0;
  /** One count for each bucket and one for values above the last bound. */
  readonly counts: number[];
  readonly #bounds: readonly number[];

  constructor(labels: readonly string[], bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.counts = bounds.length === 0 ? [] : new Array<number>(bounds.length + 1).fill(0);
  }

  add(n: number): void {
    this.value += n;
  }

  set(value: number): void {
    this.value = value;
  }

  record(value: number): void {
    let i = 0;
    while (i < this.#bounds.length && value > this.#bounds[i]!) i += 1;
    this.counts[i]! += 1;
    this.sum += value;
    this.count += 1;
  }

  /** The value now; `undefined` when it cannot be read. */
  current(): number | undefined {
    if (this.read === undefined) return this.value;
    try {
      return this.read();
    } catch {
      return undefined;
    }
  }
}

const MAX_SERIES = 200;

/** One metric with all its label sets; behind every handle. */
export class Metric {
  readonly definition: MetricDefinition;
  readonly #series = new Map<string, Series>();
  readonly #labelNames: readonly string[];
  readonly #plain: Series | undefined;

  constructor(definition: MetricDefinition) {
    this.definition = definition;
    this.#labelNames = definition.labels ?? [];
    if (this.#labelNames.length === 0) this.#plain = this.#create('', []);
  }

  #create(key: string, values: readonly string[]): Series {
    const series = new Series(values, this.definition.buckets ?? []);
    this.#series.set(key, series);
    return series;
  }

  /** The series of a label set; beyond 200 sets everything new is counted as `other`. */
  with(labels?: Readonly<Record<string, string>>): Series {
    if (this.#plain !== undefined) return this.#plain;
    const values = this.#labelNames.map((name) => labels?.[name] ?? '');
    const key = values.length === 1 ? values[0]! : values.join('\u0000');
    const found = this.#series.get(key);
    if (found !== undefined) return found;
    if (this.#series.size < MAX_SERIES) return this.#create(key, values);
    return (
      this.#series.get('\u0000other') ??
      this.#create(
        '\u0000other',
        values.map(() => 'other'),
      )
    );
  }

  add(n: number, labels?: Readonly<Record<string, string>>): void {
    if (this.#plain !== undefined) this.#plain.value += n;
    else this.with(labels).value += n;
  }

  set(value: number, labels?: Readonly<Record<string, string>>): void {
    this.with(labels).value = value;
  }

  record(value: number, labels?: Readonly<Record<string, string>>): void {
    this.with(labels).record(value);
  }

  observe(read: () => number, labels?: Readonly<Record<string, string>>): void {
    this.with(labels).read = read;
  }

  series(): Iterable<Series> {
    return this.#series.values();
  }
}

/** All metrics of one process (or of one service inside a test). */
export class MetricRegistry {
  readonly #metrics = new Map<string, Metric>();

  /** Makes the handles of a table. @throws Error when a name is taken */
  register<const T extends MetricTable>(table: T): MetricHandles<T> {
    const handles: Record<string, Metric> = {};
    for (const [key, definition] of Object.entries(table)) {
      if (this.#metrics.has(definition.name))
        throw new Error(`metric ${definition.name} is registered twice`);
      const metric = new Metric(definition);
      this.#metrics.set(definition.name, metric);
      handles[key] = metric;
    }
    return handles as unknown as MetricHandles<T>;
  }

  metrics(): Iterable<Metric> {
    return this.#metrics.values();
  }
}
