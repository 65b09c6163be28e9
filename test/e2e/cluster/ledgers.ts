import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import type { LedgerReport } from '@breakwater/tools';
import { expect } from 'vitest';
import { runNode } from '../../write-a-game/run.ts';
import { NEWEST_GAMES } from './images.ts';

/**
 * What `npx breakwater ledger check` says of all ledgers; anything but that every award was counted once fails.
 *
 * @param folder has copies of the logs, which are purged while games go on
 */
export async function checkLedgers(nats: string, folder: string): Promise<LedgerReport> {
  const command = [join(projectRoot, 'tools/breakwater.mjs'), 'ledger', 'check', folder, '--json'];
  const { code, output } = await runNode([...command, '--nats', nats, '--games', NEWEST_GAMES], projectRoot);
  expect(code, output).toBe(0);
  const report = JSON.parse(output) as LedgerReport;
  expect(report.violations).toEqual([]);
  return report;
}
