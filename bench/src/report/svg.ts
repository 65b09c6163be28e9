/** A bar chart as SVG, readable on light and dark pages. */

import type { BenchmarkResult } from '../benchmark.ts';

const WIDTH = 640;
const LABEL = 150;
const ROW = 34;
const HEAD = 40;

export function barChart({ title, unit, bars }: NonNullable<BenchmarkResult['chart']>): string {
  const most = Math.max(...bars.map((bar) => bar.value));
  const height = HEAD + bars.length * ROW + 10;
  const rows = bars.map(({ label, value }, index) => {
    const y = HEAD + index * ROW;
    const width = Math.max(2, ((WIDTH - LABEL - 90) * value) / most);
    return [
      `<text x="${LABEL - 10}" y="${y + 16}" text-anchor="end">${label}</text>`,
      `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="22" rx="3" fill="${index === 0 ? '#1f8a8a' : '#8a979f'}"/>`,
      `<text x="${(LABEL + width + 8).toFixed(1)}" y="${y + 16}">${value.toFixed(2)} ${unit}</text>`,
    ].join('\n');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${title}">`,
    '<style>text{font:14px system-ui,sans-serif;fill:#54656f}@media(prefers-color-scheme:dark){text{fill:#93a5b0}}</style>',
    `<text x="${LABEL}" y="22" font-weight="600">${title}</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}
