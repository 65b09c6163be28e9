import type { PlacementPolicy, PlacementRule } from '../../src/domain/placement.ts';

/** What the service is set to by default where time matters, with shorter waits for those that do not answer. */
export const LIMITS = {
  heartbeatMs: 300,
  missedHeartbeats: 3,
  reconnectGraceMs: 1_000,
  maxProcesses: 20,
  leaderLimitMs: 1_000,
  leaderTakeoverMs: 1_500,
  leaderFirstMs: 400,
  repinRetryMs: 500,
  maxMoves: 2,
  moveRetryMs: 500,
  warmTimeoutMs: 2_000,
  releaseTimeoutMs: 600,
  rebalanceTickBudgetMs: 20,
  rebalanceHeartbeats: 5,
  rebalanceMovesPerMinute: 30,
  hostTimeoutMs: 2_000,
  listTimeoutMs: 600,
  maxHostAttempts: 5,
  claimReportMs: 900,
  epochFloor: 1,
  startingWaitMs: 1_000,
  seatHoldMs: 5_000,
  maxSeatAttempts: 8,
  maxListed: 100,
  maxGames: 100,
  countsWriteMs: 600,
  listIntervalMs: 600,
  storeTimeoutMs: 1_500,
} as const;

/** What differs from run to run. */
export interface Tuning {
  readonly policy: PlacementPolicy;
  readonly rebalance: boolean;
  readonly repinsPerSecond: number;
  readonly maxRepins: number;
}

type Widened = { readonly [K in keyof typeof LIMITS]: number };

export type ModelLimits = Widened & Omit<Tuning, 'policy'> & { readonly placement: PlacementRule };

export function limitsFor({ policy, ...tuning }: Tuning): ModelLimits {
  return { ...LIMITS, ...tuning, placement: { policy, maxLoad: 0.9 } };
}
