/** A row of dots for each group on one logarithmic axis, as SVG, readable on light and dark pages. */

export interface DotPlot {
  readonly title: string;
  readonly unit: string;
  readonly rows: readonly { readonly label: string; readonly values: readonly number[] }[];
}

const WIDTH = 640;
const LABEL = 90;
const ROW = 60;
const HEAD = 40;
const COLOURS = ['#d1495b', '#1f8a8a', '#3d7ea6'] as const;

export function dotPlot({ title, unit, rows }: DotPlot): string {
  const all = rows.flatMap(({ values }) => values).map((value) => Math.max(1, value));
  const from = Math.floor(Math.log10(Math.min(...all)));
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...all))));
  const x = (value: number) =>
    LABEL + ((WIDTH - LABEL - 30) * (Math.log10(Math.max(1, value)) - from)) / (to - from);
  const bottom = HEAD + rows.length * ROW;
  const decades = Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 30}" width="${WIDTH}" height="${bottom + 30}" role="img" aria-label="${title}">`,
    '<style>text{font:14px system-ui,sans-serif;fill:#54656f}@media(prefers-color-scheme:dark){text{fill:#93a5b0}}</style>',
    `<text x="${LABEL}" y="22" font-weight="600">${title}</text>`,
    ...decades.flatMap((value) => [
      `<line x1="${x(value).toFixed(1)}" y1="${HEAD}" x2="${x(value).toFixed(1)}" y2="${bottom}" stroke="#8a979f" stroke-opacity="0.4"/>`,
      `<text x="${x(value).toFixed(1)}" y="${bottom + 20}" text-anchor="middle">${value} ${unit}</text>`,
    ]),
    ...rows.flatMap(({ label, values }, row) => [
      `<text x="${LABEL - 10}" y="${HEAD + row * ROW + 35}" text-anchor="end">${label}</text>`,
      ...values.map((value, index) =>
        dot(x(value), HEAD + row * ROW + 14 + ((index * 7) % 33), COLOURS[row % 3]!),
      ),
    ]),
    '</svg>',
    '',
  ].join('\n');
}

function dot(x: number, y: number, colour: string): string {
  return `<circle cx="${x.toFixed(1)}" cy="${y}" r="2.5" fill="${colour}" fill-opacity="0.55"/>`;
}
