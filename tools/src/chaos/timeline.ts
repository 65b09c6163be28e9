import type { Noticed } from './noticed.ts';
import type { Fault } from './plan.ts';
import type { Crash, Inflicted } from './rig.ts';

export interface Timeline {
  /** When the first fault was counted from, Unix ms. */
  readonly beginMs: number;
  readonly durationMs: number;
  readonly inflicted: readonly Inflicted[];
  readonly crashes: readonly Crash[];
  readonly noticed: readonly Noticed[];
}

/** A wait that ends so shortly after a fault's end is still that fault's, ms. */
const AFTERMATH_MS = 15_000;

/** What was done, and what clients noticed of it, a line each. */
export function describeTimeline(timeline: Timeline): string {
  const { beginMs, inflicted, crashes, noticed } = timeline;
  const byFault = Map.groupBy(noticed, (each) => causeOf(each, inflicted));
  const lines = inflicted.map((each) => {
    const what = `${clock(each.fromMs - beginMs)}  ${wordsFor(each.fault)}`.padEnd(50);
    const note = each.note === '' ? '' : `; ${each.note}`;
    return `${what} ${describeNoticed(byFault.get(each) ?? [])}${note}`;
  });
  for (const { atMs, instance, how } of crashes)
    lines.push(`${clock(atMs - beginMs)}  ${instance} ended by itself: ${how}`);
  const other = byFault.get(undefined);
  if (other !== undefined) lines.push(`otherwise: ${describeNoticed(other)}`);
  return lines.join('\n');
}

/** What can be the cause of what was noticed, by the beginning of the target's name. */
const CAUSES = {
  owner: /^(simulation|nats)/,
  wait: /^(simulation|nats|edge|proxy)/,
  away: /^(edge|proxy)/,
  reset: /^(chat|nats|edge|proxy)/,
} as const;
/** Clocks, and what was under way to a client, may let a wait begin so much before its cause, ms. */
const LEEWAY_MS = 300;

/** The first fault of a fitting target that began in that time, else the latest one before that was not long over. */
function causeOf(noticed: Noticed, inflicted: readonly Inflicted[]): Inflicted | undefined {
  const { kind, fromMs, toMs, isNewOwner } = noticed;
  const fits = CAUSES[isNewOwner ? 'owner' : kind];
  const fitting = inflicted.filter((each) => fits.test(each.fault.target));
  const began = fitting.find((each) => each.fromMs >= fromMs - LEEWAY_MS && each.fromMs <= toMs);
  return began ?? fitting.findLast((each) => each.fromMs <= toMs && each.toMs + AFTERMATH_MS >= fromMs);
}

export function wordsFor({ kind, target, forMs }: Fault): string {
  const seconds = `${(forMs / 1_000).toFixed(1)} s`;
  switch (kind) {
    case 'kill':
      return `${target} killed, back after ${seconds}`;
    case 'pause':
      return `${target} paused for ${seconds}`;
    case 'drain':
      return `${target} drained, back after ${seconds}`;
    case 'cut':
      return `${target} cut for ${seconds}`;
    case 'silence':
      return `${target} silent for ${seconds}`;
    default:
      return kind satisfies never;
  }
}

function describeNoticed(noticed: readonly Noticed[]): string {
  const waits = noticed.filter(({ kind }) => kind === 'wait');
  const away = noticed.filter(({ kind }) => kind === 'away');
  const resets = noticed.filter(({ kind }) => kind === 'reset').length;
  const owners = waits.filter(({ isNewOwner }) => isNewOwner).length;
  const parts: string[] = [];
  if (waits.length > 0) parts.push(`${counted(waits.length, 'wait')} ${lengthsOf(waits)}`);
  if (owners > 0) parts.push(`${owners} for another owner`);
  if (away.length > 0) parts.push(`${counted(away.length, 'connection')} lost ${lengthsOf(away)}`);
  if (resets > 0) parts.push(counted(resets, 'reset'));
  return parts.length === 0 ? 'nobody noticed' : parts.join(', ');
}

/** `(median 1.30 s, longest 2.08 s)` */
function lengthsOf(noticed: readonly Noticed[]): string {
  const ms = noticed.map(({ fromMs, toMs }) => toMs - fromMs).sort((a, b) => a - b);
  const longest = seconds(ms.at(-1) ?? 0);
  if (ms.length === 1) return `(${longest})`;
  return `(median ${seconds(ms[Math.floor(ms.length / 2)] ?? 0)}, longest ${longest})`;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

/** `1:05.2` */
export function clock(ms: number): string {
  const tenths = Math.max(0, Math.round(ms / 100));
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, '0')}`;
}
