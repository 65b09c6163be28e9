/** What a run of the tests came to. */
export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Counts the tests in vitest's JSON report. A file that could not even be loaded is one failure.
 *
 * @throws Error when the report has not the shape that vitest writes
 */
export function countTests(report: unknown): TestCounts {
  const counts: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of arrayOf(field(report, 'testResults'))) {
    const tests = arrayOf(field(file, 'assertionResults'));
    const failedBefore = counts.failed;
    for (const test of tests) counts[outcomeOf(field(test, 'status'))] += 1;
    if (field(file, 'status') === 'failed' && counts.failed === failedBefore) counts.failed += 1;
  }
  return counts;
}

/** One test of a report. */
export interface TestOutcome {
  readonly name: string;
  readonly outcome: keyof TestCounts;
  readonly durationMs: number;
}

/**
 * The tests of vitest's JSON report, in its order.
 *
 * @throws Error when the report has not the shape that vitest writes
 */
export function listTests(report: unknown): TestOutcome[] {
  return arrayOf(field(report, 'testResults')).flatMap((file) =>
    arrayOf(field(file, 'assertionResults')).map((test) => ({
      name: String(field(test, 'fullName')),
      outcome: outcomeOf(field(test, 'status')),
      durationMs: Number(field(test, 'duration') ?? 0),
    })),
  );
}

/** True when something ran and nothing failed. */
export function isGreen(counts: TestCounts): boolean {
  return counts.failed === 0 && counts.passed > 0;
}

function outcomeOf(status: unknown): keyof TestCounts {
  if (status === 'passed' || status === 'failed') return status;
  if (status === 'skipped' || status === 'pending' || status === 'todo' || status === 'disabled')
    return 'skipped';
  throw new Error(`the report has a test with the status ${String(status)}`);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function arrayOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error("this is not vitest's JSON report");
}
