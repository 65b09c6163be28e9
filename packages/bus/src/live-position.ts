/** Where a delta of a volatile game stands: it rises along hostings, as a sequence of a log would. */

export const LIVE_LIMITS = { epochs: 2 ** 21, deltasPerEpoch: 2 ** 32 } as const;

/** Whether `livePosition(epoch, n)` exists. An owner ends its hosting before it publishes a delta that has none. */
export function hasLivePosition(epoch: number, n: number): boolean {
  return isBelow(epoch, LIVE_LIMITS.epochs) && isBelow(n, LIVE_LIMITS.deltasPerEpoch);
}

/**
 * Position of the `.live` delta `n` of a hosting, a safe integer; `n` 0 stands before its first delta.
 * Throws a RangeError for an epoch or an `n` that has none.
 */
export function livePosition(epoch: number, n: number): number {
  if (!hasLivePosition(epoch, n)) throw new RangeError(`no live position of epoch ${epoch}, delta ${n}`);
  return epoch * LIVE_LIMITS.deltasPerEpoch + n;
}

const isBelow = (value: number, limit: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < limit;
