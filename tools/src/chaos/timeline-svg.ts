import type { Noticed } from './noticed.ts';
import type { FaultKind } from './plan.ts';
import { clock, type Timeline, wordsFor } from './timeline.ts';

const WIDTH = 1_000;
const LABEL = 120;
const PLOT = WIDTH - LABEL - 40;
const ROW = 20;
const HEAD = 50;
const CURVE = 90;
const STEPS_MS = [5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400].map((seconds) => seconds * 1_000);
const COLOURS: Readonly<Record<FaultKind, string>> = {
  kill: '#d1495b',
  pause: '#e0a526',
  drain: '#3d7ea6',
  cut: '#8f5fbf',
  silence: '#6b8f71',
};

/** The run as a picture: a row for each target, and below how many players waited and were away. */
export function timelineSvg(title: string, timeline: Timeline): string {
  const { beginMs } = timeline;
  const inflicted = timeline.inflicted.filter(({ fromMs, toMs }) => toMs > fromMs);
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

function curve(
  label: string,
  kind: Noticed['kind'],
  colour: string,
  top: number,
  { beginMs, noticed }: Timeline,
  endMs: number,
): string[] {
  const ofKind = noticed.filter((each) => each.kind === kind);
  const buckets = mostAtOnce(ofKind, beginMs, endMs);
  const most = Math.max(1, ...buckets);
  const step = PLOT / buckets.length;
  const points = buckets.map((count, index) => {
    const y = (top + CURVE - (CURVE * count) / most).toFixed(1);
    return `${(LABEL + index * step).toFixed(1)},${y} ${(LABEL + (index + 1) * step).toFixed(1)},${y}`;
  });
  const base = top + CURVE;
  return [
    text(LABEL - 8, top + 12, label, 'text-anchor="end"'),
    text(LABEL - 8, top + 28, `at most ${Math.max(...buckets)}`, 'text-anchor="end"'),
    `<polygon points="${LABEL},${base} ${points.join(' ')} ${LABEL + PLOT},${base}" fill="${colour}" fill-opacity="0.6"/>`,
    `<line x1="${LABEL}" y1="${base}" x2="${LABEL + PLOT}" y2="${base}" stroke="#8a979f"/>`,
  ];
}

/** How many clients were in that state at once, at most, in each of 400 stretches of time. */
function mostAtOnce(noticed: readonly Noticed[], beginMs: number, endMs: number): number[] {
  const most = new Array<number>(400).fill(0);
  const bucketOf = (ms: number) =>
    Math.min(most.length - 1, Math.max(0, Math.floor(((ms - beginMs) * most.length) / (endMs - beginMs))));
  const turns = noticed.flatMap(({ fromMs, toMs }) => [
    { atMs: fromMs, by: 1 },
    { atMs: toMs, by: -1 },
  ]);
  let count = 0;
  let last = 0;
  for (const { atMs, by } of turns.sort((a, b) => a.atMs - b.atMs || a.by - b.by)) {
    const bucket = bucketOf(atMs);
    for (; last < bucket; last++) most[last + 1] = count;
    count += by;
    most[bucket] = Math.max(most[bucket]!, count);
  }
  return most;
}

/** Marks at round times, at most ten. */
function axis(y: number, beginMs: number, endMs: number, x: (ms: number) => number): string[] {
  const lengthMs = endMs - beginMs;
  const stepMs = STEPS_MS.find((step) => lengthMs / step <= 10) ?? lengthMs;
  const marks = Array.from({ length: Math.floor(lengthMs / stepMs) + 1 }, (_, index) => index * stepMs);
  return marks.map((ms) => text(x(beginMs + ms), y, clock(ms).replace(/\.\d$/, ''), 'text-anchor="middle"'));
}

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${more}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
