/** What the checker looks for. The key names the rule in its output; the sentence is what must hold. */
export const RULES = {
  acked_kept:
    'A message that was acknowledged is in its room exactly once, where the acknowledgement said, with the text that was sent.',
  shown_stored: 'A message that was shown is in its room, as it was shown.',
  delivered: 'A member that stayed was shown every message of the room.',
  chat_order: 'Messages were shown in the order of the room, none twice.',
  shown_committed: 'A state that was shown is what the log of the game gives at that place.',
  shown_alike:
    'At one place of a volatile game everybody was shown the same, without a hole before it, by an owner that the log knows.',
  fall_back: 'A change of owner undid no more of what a volatile game had shown than it may.',
  game_order: 'After a newer record of a game nothing older was shown.',
  epoch_order: 'After a state of a newer owner none of an older one was shown.',
  command_kept: 'A command that was acknowledged is in the log.',
  one_owner: 'After a claim nobody but the claimant appended, each record once and in order.',
  replay: 'The log can be replayed, and gives the states whose hashes it holds.',
  one_breaker: 'An object of the World was broken by one player at a time.',
  gap: 'Nobody who was connected waited longer for a state than a change of owner may take.',
  xp: 'XP in the World are what was earned by breaking, no more and no less.',
} as const;
export type Rule = keyof typeof RULES;

/** One thing that is not as it must be. */
export interface Violation {
  readonly rule: Rule;
  /** Room or game. */
  readonly where: string;
  readonly text: string;
  /** The line of the client log that shows it. */
  readonly file?: string;
  readonly line?: number;
}

/** A gap that breaks no rule and is long enough to be looked at. */
export interface GapWarning extends Place {
  /** The game. */
  readonly where: string;
  /** The user who waited. */
  readonly client: string;
  readonly cause: string;
  readonly ms: number;
}

export interface Report {
  readonly ok: boolean;
  /** At most `maxViolations` of each rule; `counts` has all. */
  readonly violations: readonly Violation[];
  readonly counts: Readonly<Partial<Record<Rule, number>>>;
  /** What was compared: clients, messages, acks, states, records, … */
  readonly checked: Readonly<Record<string, number>>;
  /** What could not be compared, and why: an old part of a log that is gone, a game type that is not here. */
  readonly skipped: Readonly<Record<string, number>>;
  /** How long players saw nothing new of a game, by cause: see `rules/gaps.ts`. */
  readonly gaps: Readonly<Record<string, GapFigures>>;
  /** The longest gaps above `warnGapMs` that break no rule, longest first, at most `maxViolations`; how many there are. */
  readonly warnings: readonly GapWarning[];
  readonly warningCount: number;
}

/** How shown states are counted: by what was done about them. */
export const SHOWN_STATES = {
  /** `checked`: the rows were held against the log (of a volatile game, against what another client was shown). */
  compared: 'shown states',
  /** `checked`: only the place was, as the rows are not known there. */
  placed: 'places of shown states',
  /** `skipped`: the rows of those whose place was checked. */
  unplayed: 'contents of shown states whose log cannot be replayed',
  /** `skipped`: nothing was. */
  below: 'states below the first record of their log',
  /** `skipped`: nothing was, as the records were purged before they could be copied. */
  inHole: 'states in a hole of the copied log',
} as const;

/** Which part of what clients were shown of games was compared with all its rows, 0 to 1; 0 when nothing was. */
export function comparedShare({ checked, skipped }: Pick<Report, 'checked' | 'skipped'>): number {
  const compared = checked[SHOWN_STATES.compared] ?? 0;
  const { placed, below, inHole } = SHOWN_STATES;
  const others = (checked[placed] ?? 0) + (skipped[below] ?? 0) + (skipped[inHole] ?? 0);
  return compared === 0 ? 0 : compared / (compared + others);
}

export interface GapFigures {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Place {
  readonly file: string;
  readonly line: number;
}

/** Gathers what the rules find. */
export class Findings {
  readonly #maxViolations: number;
  readonly #violations: Violation[] = [];
  readonly #counts = new Map<Rule, number>();
  readonly #checked = new Map<string, number>();
  readonly #skipped = new Map<string, number>();
  readonly #gapsMs = new Map<string, number[]>();
  #warnings: GapWarning[] = [];
  #warningCount = 0;

  constructor(maxViolations: number) {
    this.#maxViolations = maxViolations;
  }

  violated(rule: Rule, where: string, text: string, place?: Place): void {
    const count = (this.#counts.get(rule) ?? 0) + 1;
    this.#counts.set(rule, count);
    if (count > this.#maxViolations) return;
    const at = place === undefined ? {} : { file: place.file, line: place.line };
    this.#violations.push({ rule, where, text, ...at });
  }

  checked(what: string, count = 1): void {
    this.#checked.set(what, (this.#checked.get(what) ?? 0) + count);
  }

  skipped(what: string, count = 1): void {
    if (count > 0) this.#skipped.set(what, (this.#skipped.get(what) ?? 0) + count);
  }

  /** Findings of a part that may have to be looked at again: kept apart until they are taken in. */
  apart(): Findings {
    return new Findings(this.#maxViolations);
  }

  take(part: Findings): void {
    for (const violation of part.#violations)
      if (this.#violations.filter(({ rule }) => rule === violation.rule).length < this.#maxViolations)
        this.#violations.push(violation);
    for (const [rule, count] of part.#counts) this.#counts.set(rule, (this.#counts.get(rule) ?? 0) + count);
    for (const [what, count] of part.#checked) this.checked(what, count);
    for (const [what, count] of part.#skipped) this.skipped(what, count);
    this.#warningCount += part.#warningCount;
    this.#keepLongest(part.#warnings);
    for (const [cause, all] of part.#gapsMs) for (const ms of all) this.gap(cause, ms);
  }

  warned(...warnings: readonly GapWarning[]): void {
    this.#warningCount += warnings.length;
    this.#keepLongest(warnings);
  }

  #keepLongest(more: readonly GapWarning[]): void {
    const all = [...this.#warnings, ...more].sort((a, b) => b.ms - a.ms);
    this.#warnings = all.slice(0, this.#maxViolations);
  }

  gap(cause: string, ms: number): void {
    const known = this.#gapsMs.get(cause) ?? [];
    known.push(ms);
    this.#gapsMs.set(cause, known);
  }

  report(): Report {
    return {
      ok: this.#violations.length === 0,
      violations: this.#violations,
      counts: Object.fromEntries(this.#counts),
      checked: Object.fromEntries(this.#checked),
      skipped: Object.fromEntries(this.#skipped),
      gaps: Object.fromEntries([...this.#gapsMs].map(([cause, all]) => [cause, figuresOf(all)])),
      warnings: this.#warnings,
      warningCount: this.#warningCount,
    };
  }
}

function figuresOf(all: readonly number[]): GapFigures {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** The report for people. */
export function describeReport(report: Report): string {
  const lines = report.violations.map(({ rule, where, text, file, line }) => {
    const place = file === undefined ? '' : ` (${file}:${line})`;
    return `✗ ${rule}  ${where}: ${text}${place}`;
  });
  for (const [rule, count] of Object.entries(report.counts)) {
    const told = report.violations.filter((violation) => violation.rule === rule).length;
    if (count > told) lines.push(`  … and ${count - told} more of ${rule}`);
  }
  for (const { where, client, cause, ms, file, line } of report.warnings)
    lines.push(`! ${where}: ${client} was shown nothing for ${ms} ms (${cause}) (${file}:${line})`);
  if (report.warningCount > report.warnings.length)
    lines.push(`  … and ${report.warningCount - report.warnings.length} shorter ones`);
  lines.push(`checked: ${listOf(report.checked)}`);
  if (Object.keys(report.skipped).length > 0) lines.push(`not checked: ${listOf(report.skipped)}`);
  if ((report.checked.games ?? 0) > 0)
    lines.push(
      `rows compared: of ${(100 * comparedShare(report)).toFixed(1)} % of the states that were shown`,
    );
  for (const [cause, { count, p50Ms, p99Ms, maxMs }] of Object.entries(report.gaps))
    lines.push(`gaps (${cause}): ${count}, median ${p50Ms} ms, p99 ${p99Ms} ms, longest ${maxMs} ms`);
  lines.push(report.ok ? '✓ every rule holds' : `✗ broken: ${Object.keys(report.counts).join(', ')}`);
  return lines.join('\n');
}

function listOf(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ') || 'nothing'
  );
}
