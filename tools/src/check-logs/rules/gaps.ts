import type { Findings } from '../report.ts';
import type { ClientTrace, Shown } from '../trace.ts';

/** Why a player saw nothing new for a while. The first that fits counts. */
export const GAP_CAUSES = ['connection', 'owner', 'log', 'delivery'] as const;
export type GapCause = (typeof GAP_CAUSES)[number];

export interface GapOptions {
  /** Longest gap that a change of owner, or what lies between log and screen, may cause, ms. */
  readonly maxGapMs: number;
  /** What was stored so shortly before a client left need not have been shown, ms. */
  readonly tailMs: number;
}

/** Owners append at least once a second while somebody plays: what is shorter than this is none, ms. */
const MIN_GAP_MS = 1_500;

/** Times of a game's records, to tell a log that stood still from records that nobody was shown. */
export class RecordTimes {
  readonly #seqs: number[] = [];
  readonly #timesMs: (number | undefined)[] = [];

  /** Records come in rising order. */
  add(seq: number, timeMs: number | undefined): void {
    this.#seqs.push(seq);
    this.#timesMs.push(timeMs);
  }

  /** The longest time without a record between those at two sequences, ms; undefined when it is not known. */
  longestStillMs(fromSeq: number, toSeq: number): number | undefined {
    let longest: number | undefined;
    for (
      let index = this.#indexOf(fromSeq);
      (this.#seqs[index + 1] ?? Number.POSITIVE_INFINITY) <= toSeq;
      index++
    ) {
      const [before, after] = [this.#timesMs[index], this.#timesMs[index + 1]];
      if (before === undefined || after === undefined) return undefined;
      longest = Math.max(longest ?? 0, after - before);
    }
    return longest;
  }

  /** When the first record after a sequence was stored, Unix ms. */
  nextTimeMs(seq: number): number | undefined {
    return this.#timesMs[this.#indexOf(seq) + 1];
  }

  /** Of the last record that is not above. */
  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#seqs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#seqs[middle]! <= seq) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Measures how long players saw nothing new, and why. */
export function checkGaps(
  game: string,
  clients: readonly ClientTrace[],
  times: RecordTimes,
  options: GapOptions,
  findings: Findings,
): void {
  const where = `game ${game}`;
  for (const client of clients) {
    const trace = client.games.get(game);
    if (trace === undefined) continue;
    let last: Shown | undefined;
    for (const shown of trace.shown) {
      if (last?.exits === shown.exits) judge(where, last, shown, times, options, findings);
      last = shown;
    }
    for (const leave of trace.leaves) {
      const before = trace.shown.findLast(({ at, exits }) => exits === leave.exits && at <= leave.at);
      if (before === undefined || before.drops !== leave.drops) continue;
      const missedMs = leave.at - options.tailMs - (times.nextTimeMs(before.seq) ?? Number.POSITIVE_INFINITY);
      if (missedMs > options.maxGapMs)
        findings.violated(
          'gap',
          where,
          `nothing was shown for the last ${missedMs} ms, and the log went on`,
          leave,
        );
    }
  }
}

function judge(
  where: string,
  from: Shown,
  to: Shown,
  times: RecordTimes,
  { maxGapMs }: GapOptions,
  findings: Findings,
): void {
  const gapMs = to.at - from.at;
  if (gapMs < MIN_GAP_MS && to.epoch === from.epoch) return;
  const cause = causeOf(from, to, gapMs, times);
  findings.gap(cause, gapMs);
  const isLimited = cause === 'owner' || cause === 'delivery';
  if (isLimited && gapMs > maxGapMs)
    findings.violated('gap', where, `nothing was shown for ${gapMs} ms (${cause})`, to);
}

function causeOf(from: Shown, to: Shown, gapMs: number, times: RecordTimes): GapCause {
  if (to.drops > from.drops) return 'connection';
  if (to.epoch > from.epoch) return 'owner';
  const stillMs = times.longestStillMs(from.seq, to.seq);
  return stillMs === undefined || stillMs >= gapMs / 2 ? 'log' : 'delivery';
}
