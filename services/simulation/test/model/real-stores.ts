/** What the real thing keeps of a game beside its log. */

import { decodeLedgerRecord, gameId, ledgerStreamName, userId } from '@breakwater/bus';
import type { StoredRecord } from '../../src/domain/ports.ts';
import { PARTITIONS, type Sims, subjects } from '../sims.ts';
import { USERS } from './command.ts';

/** By player: the total of their ledger. */
export async function totalsOf({ bus }: Sims): Promise<Map<string, number>> {
  const totals = new Map<string, number>();
  for (const user of USERS) {
    const id = userId(user);
    const tail = await bus.lastMessage(ledgerStreamName(id, PARTITIONS), subjects.ledger(id));
    const decoded = tail && decodeLedgerRecord(tail.data);
    if (decoded?.ok === false) throw decoded.error;
    totals.set(user, decoded?.value.total ?? 0);
  }
  return totals;
}

/** Those that are kept, oldest first. */
export async function snapshotsOf(sims: Sims, game: string): Promise<StoredRecord[]> {
  const options = { fromSeq: 1, limit: 1_000, maxBytes: 10_000_000 };
  const subject = subjects.gameSnapshots(gameId(game));
  const { messages } = await sims.bus.readSubject(sims.snapshotStream(game), subject, options);
  return messages.map(({ seq, data }) => ({ seq, bytes: data }));
}
