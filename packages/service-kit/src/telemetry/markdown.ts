import type { MetricTable } from './metrics.ts';

/** Header of the table that `metricsMarkdownRows` fills. */
export const METRICS_MARKDOWN_HEAD = '| metric | kind | unit | labels | meaning |\n|---|---|---|---|---|';

/** One Markdown table row for each metric, in table order. */
export function metricsMarkdownRows(table: MetricTable): string[] {
  return Object.values(table).map(({ name, kind, unit, labels, doc }) => {
    const labelCell = (labels ?? []).map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${kind} | ${unit} | ${labelCell} | ${doc.replaceAll('|', '\\|')} |`;
  });
}
