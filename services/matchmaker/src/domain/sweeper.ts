import type { GameEntry } from '@breakwater/bus';
import type { Mirror } from './mirror.ts';
import type { Time } from './ports.ts';
import type { Registrar } from './registrar.ts';
import { isOpen, withEnd } from './registry.ts';

export interface SweepLimits {
  /** Entries of ended and failed games stay this long, ms: a late retry is told what became of its game. */
  readonly retentionMs: number;
  /** A game that nobody began to host in this time has failed, ms. */
  readonly startingLimitMs: number;
  /** Entries that one sweep touches. */
  readonly maxPerSweep: number;
}

/** Removes entries of games that are over for long, and gives up creations that nobody finished. */
export async function sweep(
  mirror: Mirror,
  registrar: Registrar,
  time: Time,
  limits: SweepLimits,
): Promise<number> {
  const unixMs = time.unixMs();
  const isOld = (entry: GameEntry) => !isOpen(entry) && unixMs - entry.changedAt > limits.retentionMs;
  const isStuck = (entry: GameEntry) =>
    entry.state === 'starting' && unixMs - entry.createdAt > limits.startingLimitMs;
  const due = [...mirror.entries()]
    .filter((entry) => isOld(entry) || isStuck(entry))
    .slice(0, limits.maxPerSweep);
  for (const entry of due) {
    if (isOld(entry)) await registrar.remove(entry.game, isOld);
    else
      await registrar.change(entry.game, (now) =>
        isStuck(now) ? withEnd(now, 'failed', 'never_started', unixMs) : undefined,
      );
  }
  return due.length;
}
