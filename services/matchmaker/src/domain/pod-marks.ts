/** Annotations that tell Kubernetes and the cluster autoscaler which simulation pod may be taken away. */

import type { Pod } from './pods.ts';

/** Below that of every pod that is in use: these go first when the Deployment is scaled down. */
export const RETIRED_COST = -1_000;

export interface PodMarks {
  readonly deletionCost: number;
  readonly isSafeToEvict: boolean;
}

/** What a process that hosts so many games should be marked with. */
export function marksFor(games: number, isRetired: boolean): PodMarks {
  return { deletionCost: isRetired ? RETIRED_COST : games, isSafeToEvict: games === 0 };
}

/** The annotations say something else, by more than a tenth where the order of busy pods is all that matters. */
export function isOff(pod: Pod, wanted: PodMarks): boolean {
  const { deletionCost, isSafeToEvict } = pod;
  if (deletionCost === undefined || isSafeToEvict !== wanted.isSafeToEvict) return true;
  const isRetirement = wanted.deletionCost === RETIRED_COST || deletionCost === RETIRED_COST;
  const tolerance = isRetirement ? 0 : Math.max(deletionCost, wanted.deletionCost) / 10;
  return Math.abs(deletionCost - wanted.deletionCost) > tolerance;
}
