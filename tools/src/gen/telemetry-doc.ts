import {
  kitMetrics,
  METRICS_MARKDOWN_HEAD,
  type MetricTable,
  metricsMarkdownRows,
} from '@breakwater/service-kit';
import type { ServiceDeclaration } from '../schemas.ts';

/** One table of the metrics that every service has, then one for each service's own. */
export function metricTables(services: readonly ServiceDeclaration[]): string {
  return [
    section('Every service', kitMetrics),
    ...services.map(({ name, metrics }) => section(`\`${name}\``, metrics)),
  ].join('\n\n');
}

function section(title: string, metrics: MetricTable): string {
  const rows = metricsMarkdownRows(metrics);
  const table = rows.length === 0 ? 'None of its own.' : [METRICS_MARKDOWN_HEAD, ...rows].join('\n');
  return `### ${title}\n\n${table}`;
}
