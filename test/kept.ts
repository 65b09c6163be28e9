/** Whether what clients wrote down, and what they earned, holds before the streams. */

import {
  type CheckLedgerOptions,
  type CheckLogsOptions,
  checkLedger,
  checkLogs,
  describeLedgerReport,
  describeReport,
  type Report,
} from '@breakwater/tools';
import { expect } from 'vitest';

export async function expectLogsHold(options: CheckLogsOptions): Promise<Report> {
  const report = await checkLogs(options);
  expect(report.ok, describeReport(report)).toBe(true);
  return report;
}

/** Every award of the logs is counted once, and there are some. */
export async function expectAwardsHold(options: CheckLedgerOptions): Promise<void> {
  const ledger = await checkLedger(options);
  expect(ledger.ok, describeLedgerReport(ledger)).toBe(true);
  expect(ledger.checked['awards found in the logs']).toBeGreaterThan(0);
}
