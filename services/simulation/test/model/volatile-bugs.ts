/** Bugs put around the owners of a volatile game: the runs have to find each of them. */

import type { OwnerOptions } from '../../src/domain/owner-types.ts';
import type { ChainPort } from '../../src/domain/ports.ts';
import { recordOf } from './evidence.ts';
import type { Seam } from './seeded-bugs.ts';
import { LOSS_MS } from './volatile-twitch.ts';

export interface LiveHead {
  readonly epoch: number;
  readonly n: number;
}

export interface VolatileSeam extends Seam {
  /** Options that owners take for those of the process. */
  readonly owner?: Partial<OwnerOptions>;
  /** Where a delta stands as the edge reads it, which is at `place`. */
  readonly headOf?: (head: LiveHead, place: LiveHead) => LiveHead;
}

const withAppend = (change: (append: ChainPort['append']) => ChainPort['append']) => (port: ChainPort) => ({
  ...port,
  append: change(port.append),
});

export const VOLATILE_BUGS: Readonly<Record<string, VolatileSeam>> = {
  'an owner goes on showing beyond what it may be ahead': { owner: { volatileLossMs: 4 * LOSS_MS } },
  'a game is given up without its last snapshot': { isReleaseAbrupt: true },
  'a snapshot is taken for stored whatever the answer': {
    snapshots: withAppend((append) => async (bytes, expectedSeq) => {
      const outcome = await append(bytes, expectedSeq);
      return outcome.kind === 'stored' ? outcome : { kind: 'stored', seq: expectedSeq };
    }),
  },
  'a snapshot expects whatever is there': {
    snapshots: (port, { snapshots }) => ({
      ...port,
      append: (bytes) => port.append(bytes, snapshots.records.at(-1)?.seq ?? 0),
    }),
  },
  'the marker is left out': {
    log: withAppend((append) => async (bytes, expectedSeq) => {
      const isMarker = recordOf({ seq: 0, bytes }).kind === 'delta';
      return isMarker ? { kind: 'stored', seq: expectedSeq } : append(bytes, expectedSeq);
    }),
  },
  'the edge takes the deltas of an owner that was overtaken': {
    headOf: ({ n }, place) => ({ epoch: place.epoch, n: Math.max(n, place.n + 1) }),
  },
  'the edge overlooks a hole': {
    headOf: ({ epoch, n }, place) =>
      epoch === place.epoch && n > place.n ? { epoch, n: place.n + 1 } : { epoch, n },
  },
};
