import { decodeLedgerRecord } from '@breakwater/bus';
import { type InstallationOptions, openInstallation } from '../check-logs/installation.ts';
import { LedgerSource } from './ledger-source.ts';

/** The total of each user who has a ledger, XP, as its last record says. @throws Error when one cannot be read */
export async function readTotals(options: InstallationOptions): Promise<ReadonlyMap<string, number>> {
  const installation = await openInstallation({ ...options, name: 'breakwater-ledger' });
  const totals = new Map<string, number>();
  try {
    for await (const { user, seq, data } of new LedgerSource(installation).records()) {
      const decoded = decodeLedgerRecord(data);
      if (!decoded.ok) throw new Error(`ledger of ${user}, record ${seq}: ${decoded.error.sentence}`);
      totals.set(user, decoded.value.total);
    }
  } finally {
    await installation.nc.close();
  }
  return totals;
}
