import type { Findings, Place } from '../report.ts';
import type { ClientTrace, Leave, Shown } from '../trace.ts';

/** Why a player saw nothing new for a while. The first that fits counts. */
export const GAP_CAUSES = ['connection', 'client', 'owner', 'log', 'delivery'] as const;
export type GapCause = (typeof GAP_CAUSES)[number];

export interface GapOptions {
  /** Longest gap that a change of owner, or what lies between log and screen, may cause, ms. */
  readonly maxGapMs: number;
  /** What was stored so shortly before a client left need not have been shown, ms. */
  readonly tailMs: number;
  /** A longer gap that breaks no rule is told as a warning, ms. */
  readonly warnGapMs: number;
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
    const judge = new GapJudge(where, client, times, options, findings);
    let last: Shown | undefined;
    for (const shown of trace.shown) {
      if (last?.exits === shown.exits) judge.between(last, shown);
      last = shown;
    }
    for (const leave of trace.leaves) {
      const before = trace.shown.findLast(({ at, exits }) => exits === leave.exits && at <= leave.at);
      if (before !== undefined && before.drops === leave.drops) judge.atEnd(before, leave);
    }
  }
}

/** Judges what one client was shown of one game. */
class GapJudge {
  readonly #where: string;
  readonly #client: ClientTrace;
  readonly #times: RecordTimes;
  readonly #options: GapOptions;
  readonly #findings: Findings;

  constructor(
    where: string,
    client: ClientTrace,
    times: RecordTimes,
    options: GapOptions,
    findings: Findings,
  ) {
    this.#where = where;
    this.#client = client;
    this.#times = times;
    this.#options = options;
    this.#findings = findings;
  }

  between(from: Shown, to: Shown): void {
    const ms = to.at - from.at;
    if (ms < MIN_GAP_MS && to.epoch === from.epoch) return;
    const cause = this.#causeOf(from, to, ms);
    this.#findings.gap(cause, ms);
    const isLimited = cause === 'owner' || cause === 'delivery';
    if (isLimited && ms > this.#options.maxGapMs)
      this.#findings.violated('gap', this.#where, `nothing was shown for ${ms} ms (${cause})`, to);
    else this.#warn(cause, ms, to);
  }

  /** Nothing was shown any more before the game was left. */
  atEnd(before: Shown, leave: Leave): void {
    const { maxGapMs, tailMs } = this.#options;
    const fromMs = this.#times.nextTimeMs(before.seq) ?? Number.POSITIVE_INFINITY;
    const ms = leave.at - tailMs - fromMs;
    const cause = ms > 0 && this.#stoodStill(fromMs, leave.at, ms) ? 'client' : 'delivery';
    if (cause === 'delivery' && ms > maxGapMs)
      this.#findings.violated(
        'gap',
        this.#where,
        `nothing was shown for the last ${ms} ms, and the log went on`,
        leave,
      );
    else this.#warn(cause, ms, leave);
  }

  #warn(cause: GapCause, ms: number, { file, line }: Place): void {
    if (ms <= this.#options.warnGapMs) return;
    this.#findings.warned({ where: this.#where, client: this.#client.user, cause, ms, file, line });
  }

  #causeOf(from: Shown, to: Shown, gapMs: number): GapCause {
    if (to.drops > from.drops) return 'connection';
    if (this.#stoodStill(from.at, to.at, gapMs)) return 'client';
    if (to.epoch > from.epoch) return 'owner';
    const stillMs = this.#times.longestStillMs(from.seq, to.seq);
    return stillMs === undefined || stillMs >= gapMs / 2 ? 'log' : 'delivery';
  }

  /** One standstill of the client's own process takes up half of the gap at least. */
  #stoodStill(fromMs: number, toMs: number, gapMs: number): boolean {
    return this.#client.standstills.some(
      (still) => Math.min(toMs, still.toMs) - Math.max(fromMs, still.fromMs) >= gapMs / 2,
    );
  }
}
