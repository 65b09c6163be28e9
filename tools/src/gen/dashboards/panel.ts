/** One graph: a query of Prometheus for each legend. */
export interface Panel {
  readonly title: string;
  /** Says what is seen and what would be bad. */
  readonly description: string;
  /** A unit of Grafana: `short`, `s`, `bytes`, `reqps`, … */
  readonly unit: string;
  readonly queries: Readonly<Record<string, string>>;
  readonly isStacked?: boolean;
}

export interface Dashboard {
  /** File name without `.json`. */
  readonly name: string;
  /** Never changes: links and bookmarks go by it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly panels: readonly Panel[];
}

const FILTER = 'namespace=~"$namespace"';

/** The metric's series in the chosen namespaces. */
export const series = (metric: string, labels = ''): string =>
  `${metric}{${labels === '' ? FILTER : `${FILTER},${labels}`}}`;

/** Sum of a gauge, by labels if given. */
export const total = (metric: string, by = ''): string => `sum${grouping(by)}(${series(metric)})`;

/** Growth of a counter a second, by labels if given. */
export const rate = (metric: string, by = '', labels = ''): string =>
  `sum${grouping(by)}(rate(${series(metric, labels)}[$__rate_interval]))`;

/** A quantile of a histogram. */
export const quantile = (q: number, metric: string, by = ''): string =>
  `histogram_quantile(${q}, sum by (${by === '' ? 'le' : `le, ${by}`}) (rate(${series(`${metric}_bucket`)}[$__rate_interval])))`;

const grouping = (by: string): string => (by === '' ? ' ' : ` by (${by}) `);
