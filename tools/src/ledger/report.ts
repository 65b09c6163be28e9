/** What `ledger check` looks for. The key names the rule in its output; the sentence is what must hold. */
export const LEDGER_RULES = {
  chain: 'Each record of a ledger goes on from the one before it: its total is the old one and its awards.',
  once: 'No award is counted twice, neither in one ledger nor in two.',
  listed: 'A ledger leaves out a game only after its end.',
  earned: 'Each award was given by the log of its game, to this user, with this amount.',
  kept: 'Each award that left the outbox of its game is part of the total.',
} as const;
export type LedgerRule = keyof typeof LEDGER_RULES;

export interface LedgerViolation {
  readonly rule: LedgerRule;
  /** User or award. */
  readonly where: string;
  readonly text: string;
}

export interface LedgerReport {
  readonly ok: boolean;
  /** At most `maxViolations` of each rule; `counts` has all. */
  readonly violations: readonly LedgerViolation[];
  readonly counts: Readonly<Partial<Record<LedgerRule, number>>>;
  /** What was compared: users, records, awards, games. */
  readonly checked: Readonly<Record<string, number>>;
  /** What could not be compared, and why. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** Gathers what the rules find. */
export class LedgerFindings {
  readonly #maxViolations: number;
  readonly #violations: LedgerViolation[] = [];
  readonly #counts: Partial<Record<LedgerRule, number>> = {};
  readonly #checked: Record<string, number> = {};
  readonly #skipped: Record<string, number> = {};

  constructor(maxViolations: number) {
    this.#maxViolations = maxViolations;
  }

  violated(rule: LedgerRule, where: string, text: string): void {
    const count = (this.#counts[rule] ?? 0) + 1;
    this.#counts[rule] = count;
    if (count <= this.#maxViolations) this.#violations.push({ rule, where, text });
  }

  checked(what: string, count = 1): void {
    this.#checked[what] = (this.#checked[what] ?? 0) + count;
  }

  skipped(what: string): void {
    this.#skipped[what] = (this.#skipped[what] ?? 0) + 1;
  }

  report(): LedgerReport {
    return {
      ok: this.#violations.length === 0,
      violations: this.#violations,
      counts: this.#counts,
      checked: this.#checked,
      skipped: this.#skipped,
    };
  }
}

const listOf = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ') || 'nothing';

/** The report for people. */
export function describeLedgerReport(report: LedgerReport): string {
  const lines = report.violations.map(({ rule, where, text }) => `✗ ${rule}  ${where}: ${text}`);
  for (const [rule, count] of Object.entries(report.counts)) {
    const told = report.violations.filter((violation) => violation.rule === rule).length;
    if (count > told) lines.push(`  … and ${count - told} more of ${rule}`);
  }
  lines.push(`checked: ${listOf(report.checked)}`);
  if (Object.keys(report.skipped).length > 0) lines.push(`not compared: ${listOf(report.skipped)}`);
  lines.push(report.ok ? '✓ every rule holds' : `✗ broken: ${Object.keys(report.counts).join(', ')}`);
  return lines.join('\n');
}
