import { connect } from '@breakwater/client';
import { eventually } from '@breakwater/testkit';
import { readTotals } from '../ledger/totals.ts';

export interface TotalsOptions {
  readonly urls: readonly string[];
  readonly nats: string;
  /** Of anybody: totals are public. */
  readonly token: () => Promise<string>;
  readonly users: readonly string[];
}

/** Of more users than this only the first are asked for: one connection may not send more at once. */
const MAX_ASKED = 200;
/** What was won last may still be on its way to the ledgers, ms. */
const SETTLE_TIMEOUT_MS = 60_000;
const RETRY_MS = 2_000;

/**
 * Asks an edge for the total of each user, as any client can, and holds it against the ledgers.
 *
 * @returns how many totals were alike
 * @throws Error that names who is told another total than the ledger has
 */
export async function compareTotals({ urls, nats, token, users }: TotalsOptions): Promise<number> {
  const asked = users.slice(0, MAX_ASKED);
  let left: readonly string[] = asked;
  const client = await connect({ urls, token });
  try {
    await eventually(
      async () => {
        const totals = await readTotals({ nats });
        const wrong = new Map<string, string>();
        for (const user of left) {
          const told = await client.people.xp(user);
          const total = totals.get(user) ?? 0;
          if (told !== total) wrong.set(user, `${user} is told ${told} XP and the ledger has ${total}`);
        }
        left = [...wrong.keys()];
        if (wrong.size > 0) throw new Error([...wrong.values()].join('; '));
      },
      { timeoutMs: SETTLE_TIMEOUT_MS, intervalMs: RETRY_MS, message: 'totals that are those of the ledgers' },
    );
  } finally {
    await client.close();
  }
  return asked.length;
}
