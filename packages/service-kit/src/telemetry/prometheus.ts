import type { Metric, MetricRegistry, Series } from './metrics.ts';

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function labelText(names: readonly string[], values: readonly string[], extra?: string): string {
  const parts = names.map((name, i) => `${name}="${escapeLabel(values[i] ?? '')}"`);
  if (extra !== undefined) parts.push(extra);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function histogramLines({ definition }: Metric, series: Series): string[] {
  const names = definition.labels ?? [];
  const bounds = definition.buckets ?? [];
  let below = 0;
  const lines = series.counts.map((count, i) => {
    below += count;
    const bound = i < bounds.length ? String(bounds[i]) : '+Inf';
    return `${definition.name}_bucket${labelText(names, series.labels, `le="${bound}"`)} ${below}`;
  });
  const labels = labelText(names, series.labels);
  return [
    ...lines,
    `${definition.name}_sum${labels} ${series.sum}`,
    `${definition.name}_count${labels} ${series.count}`,
  ];
}

function seriesLines(metric: Metric, series: Series): string[] {
  const { definition } = metric;
  if (definition.kind === 'histogram') return histogramLines(metric, series);
  const value = series.current();
  return value === undefined
    ? []
    : [`${definition.name}${labelText(definition.labels ?? [], series.labels)} ${value}`];
}

function metricLines(metric: Metric): string[] {
  const { name, doc, kind } = metric.definition;
  const lines = [...metric.series()].flatMap((series) => seriesLines(metric, series));
  return [
    `# HELP ${name} ${doc.replaceAll('\\', '\\\\').replaceAll('\n', ' ')}`,
    `# TYPE ${name} ${kind}`,
    ...lines,
  ];
}

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** All metrics in the Prometheus text format. */
export function renderPrometheus(registry: MetricRegistry): string {
  return `${[...registry.metrics()].flatMap(metricLines).join('\n')}\n`;
}
