/** Bugs put between the real code and the model's world: the runs have to find each of them. */

import type { EntryStore } from '../../src/domain/ports.ts';
import type { ModelLimits } from './limits.ts';
import { ANY_REVISION } from './model-bucket.ts';

/** What stands between the parts under test and their surroundings. */
export interface Seam {
  readonly store?: (store: EntryStore) => EntryStore;
  /** Each heartbeat counts as heard when it is sent. */
  readonly isEchoAssumed?: boolean;
  /** Who leads is found out once for each heartbeat. */
  readonly isLeaderAtBeat?: boolean;
  /** A connection that comes back is no news. */
  readonly isReconnectIgnored?: boolean;
  readonly limits?: Partial<Pick<ModelLimits, 'repinsPerSecond' | 'maxRepins' | 'leaderTakeoverMs'>>;
}

export const SEEDED_BUGS: Readonly<Record<string, Seam>> = {
  'silence counts while our own heartbeat does not come back': { isEchoAssumed: true },
  'an entry is written without a look at what is there': {
    store: (store) => ({ ...store, update: (entry) => store.update(entry, ANY_REVISION) }),
  },
  'who leads is not asked anew after a wait': { isLeaderAtBeat: true },
  'processes are taken for gone that come back to NATS a moment later': { isReconnectIgnored: true },
  'all lost games are pinned again at once': { limits: { repinsPerSecond: 1_000, maxRepins: 1_000 } },
  'a dead leader is waited for too long': { limits: { leaderTakeoverMs: 8_000 } },
};
