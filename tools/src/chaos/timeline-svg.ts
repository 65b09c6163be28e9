import type { Noticed } from './noticed.ts';
import type { FaultKind } from './plan.ts';
import { clock, type Timeline, wordsFor } from './timeline.ts';

const WIDTH = 1_000;
const LABEL = 120;
const PLOT = WIDTH - LABEL - 20;
const ROW = 20;
const HEAD = 50;
const CURVE = 90;
const COLOURS: Readonly<Record<FaultKind, string>> = {
  kill: '#d1495b',
  pause: '#e0a526',
  drain: '#3d7ea6',
  cut: '#8f5fbf',
  silence: '#6b8f71',
};

/** The run as a picture: a row for each target, and below how many players waited and were away. */
export function timelineSvg(title: string, timeline: Timeline): string {
  const { inflicted, beginMs } = timeline;
  const endMs = Math.max(beginMs + timeline.durationMs, ...inflicted.map(({ toMs }) => toMs));
  const x = (ms: number) =>
    LABEL + (PLOT * Math.min(Math.max(0, ms - beginMs), endMs - beginMs)) / (endMs - beginMs);
  const targets = [...new Set(inflicted.map(({ fault }) => fault.target))].sort();
  const curvesAt = HEAD + targets.length * ROW + 20;
  const height = curvesAt + 2 * (CURVE + 20) + 20;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#54656f}@media(prefers-color-scheme:dark){text{fill:#93a5b0}}</style>',
    text(LABEL, 18, title, 'font-weight="600"'),
    ...legend(),
    ...targets.map((target, row) => text(LABEL - 8, HEAD + row * ROW + 13, target, 'text-anchor="end"')),
    ...inflicted.map((each) => {
      const row = targets.indexOf(each.fault.target);
      const width = Math.max(2, x(each.toMs) - x(each.fromMs));
      const name = `${clock(each.fromMs - beginMs)} ${wordsFor(each.fault)}`;
      return `<rect x="${x(each.fromMs).toFixed(1)}" y="${HEAD + row * ROW + 3}" width="${width.toFixed(1)}" height="12" rx="2" fill="${COLOURS[each.fault.kind]}"><title>${escaped(name)}</title></rect>`;
    }),
    ...curve('waiting', 'wait', '#d1495b', curvesAt, timeline, endMs),
    ...curve('not connected', 'away', '#3d7ea6', curvesAt + CURVE + 20, timeline, endMs),
    ...axis(height - 8, beginMs, endMs, x),
    '</svg>',
    '',
  ].join('\n');
}

function legend(): string[] {
  return Object.entries(COLOURS).flatMap(([kind, colour], index) => [
    `<rect x="${LABEL + index * 90}" y="28" width="12" height="12" rx="2" fill="${colour}"/>`,
    text(LABEL + index * 90 + 18, 38, kind),
  ]);
}

/** How many clients were in that state at each of 400 moments. */
function curve(
  label: string,
  kind: Noticed['kind'],
  colour: string,
  top: number,
  { beginMs, noticed }: Timeline,
  endMs: number,
): string[] {
  const buckets = new Array<number>(400).fill(0);
  const bucketMs = (endMs - beginMs) / buckets.length;
  for (const each of noticed) {
    if (each.kind !== kind) continue;
    const from = Math.max(0, Math.floor((each.fromMs - beginMs) / bucketMs));
    const to = Math.min(buckets.length - 1, Math.floor((each.toMs - beginMs) / bucketMs));
    for (let bucket = from; bucket <= to; bucket++) buckets[bucket]! += 1;
  }
  const most = Math.max(1, ...buckets);
  const step = PLOT / buckets.length;
  const points = buckets.map((count, index) => {
    const y = (top + CURVE - (CURVE * count) / most).toFixed(1);
    return `${(LABEL + index * step).toFixed(1)},${y} ${(LABEL + (index + 1) * step).toFixed(1)},${y}`;
  });
  const base = top + CURVE;
  return [
    text(LABEL - 8, top + 12, label, 'text-anchor="end"'),
    text(LABEL - 8, top + 28, `at most ${Math.max(0, ...buckets)}`, 'text-anchor="end"'),
    `<polygon points="${LABEL},${base} ${points.join(' ')} ${LABEL + PLOT},${base}" fill="${colour}" fill-opacity="0.6"/>`,
    `<line x1="${LABEL}" y1="${base}" x2="${LABEL + PLOT}" y2="${base}" stroke="#8a979f"/>`,
  ];
}

function axis(y: number, beginMs: number, endMs: number, x: (ms: number) => number): string[] {
  const marks = Array.from({ length: 7 }, (_, index) => beginMs + ((endMs - beginMs) * index) / 6);
  return marks.map((ms) => text(x(ms), y, clock(ms - beginMs), 'text-anchor="middle"'));
}

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${more}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
