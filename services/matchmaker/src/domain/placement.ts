import type { SimProcess } from './liveness.ts';

export const PLACEMENT_POLICIES = ['packed', 'spread'] as const;
export type PlacementPolicy = (typeof PLACEMENT_POLICIES)[number];

export interface PlacementRule {
  readonly policy: PlacementPolicy;
  /** A process busier than this (share of its event loop, 0 to 1) comes after all that are not. */
  readonly maxLoad: number;
}

/** What is to be placed. Without a version (a game that is new) the newest that is hosted is taken. */
export interface Wanted {
  readonly type: string;
  readonly schemaVersion?: number | undefined;
}

export interface Place {
  readonly pod: string;
  readonly schemaVersion: number;
  readonly maxPlayers: number;
}

interface Ranked extends Place {
  readonly isOwnVersion: boolean;
  readonly isBusy: boolean;
  readonly games: number;
  readonly freeShare: number;
}

type HostedType = SimProcess['status']['types'][number];

/** The newest hosted version of the type that fits: the wanted one, else one that takes games of the wanted one over. */
function hostedVersion({ status }: SimProcess, { type, schemaVersion }: Wanted): HostedType | undefined {
  const versions = status.types
    .filter((hosted) => hosted.type === type)
    .sort((a, b) => b.schemaVersion - a.schemaVersion);
  if (schemaVersion === undefined) return versions[0];
  return (
    versions.find((hosted) => hosted.schemaVersion === schemaVersion) ??
    versions.find(({ migratesFrom }) => migratesFrom?.includes(schemaVersion))
  );
}

function rank(process: SimProcess, wanted: Wanted, maxLoad: number): Ranked | undefined {
  const { status, handedOut, isCordoned } = process;
  const hosted = hostedVersion(process, wanted);
  const games = status.games + handedOut;
  const isClosed = status.isDraining || status.isLeaving || isCordoned;
  if (hosted === undefined || games >= status.maxGames || isClosed) return undefined;
  const { schemaVersion, maxPlayers } = hosted;
  return {
    pod: status.pod,
    schemaVersion,
    maxPlayers,
    isOwnVersion: schemaVersion === wanted.schemaVersion,
    isBusy: status.load > maxLoad,
    games,
    freeShare: 1 - games / status.maxGames,
  };
}

function byPod(a: Ranked, b: Ranked): number {
  return a.pod < b.pod ? -1 : 1;
}

const ORDER: Record<PlacementPolicy, (a: Ranked, b: Ranked) => number> = {
  packed: (a, b) => b.games - a.games || byPod(a, b),
  spread: (a, b) => b.freeShare - a.freeShare || byPod(a, b),
};

/**
 * Processes that may take the game, the best first: those with its own version before those that migrate it, and it
 * gets the version that the place says. The process itself has the last word.
 */
export function placesFor(wanted: Wanted, processes: readonly SimProcess[], rule: PlacementRule): Place[] {
  const ranked = processes
    .map((process) => rank(process, wanted, rule.maxLoad))
    .filter((place) => place !== undefined);
  return ranked
    .sort(
      (a, b) =>
        Number(b.isOwnVersion) - Number(a.isOwnVersion) ||
        b.schemaVersion - a.schemaVersion ||
        Number(a.isBusy) - Number(b.isBusy) ||
        ORDER[rule.policy](a, b),
    )
    .map(({ pod, schemaVersion, maxPlayers }) => ({ pod, schemaVersion, maxPlayers }));
}

/** Some process of these hosts the type at all, whether it has room or not. */
export function isHostable(wanted: Wanted, processes: readonly SimProcess[]): boolean {
  return processes.some((process) => hostedVersion(process, wanted) !== undefined);
}

/** Processes host the type, but none of them this version of it, nor one that takes its games over. */
export function isStranded(wanted: Wanted, processes: readonly SimProcess[]): boolean {
  return !isHostable(wanted, processes) && isHostable({ type: wanted.type }, processes);
}
