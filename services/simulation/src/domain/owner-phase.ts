import type { GameState } from '@breakwater/bus';
import type { GameInstance } from '@breakwater/game-kit';
import type { Chain } from './chain.ts';
import type { GameDetails } from './game-factory.ts';

/** A game whose claim is in the log and whose state was loaded up to it. */
export interface OwnedGame {
  readonly instance: GameInstance;
  readonly details: GameDetails;
  readonly chain: Chain;
}

/**
 * `dozing`: the last append before sleep is on its way. `leaving`: takes nothing more, commits what it has.
 * `ending`: the `end` record is on its way.
 */
export type Phase =
  | 'running'
  | 'restarting'
  | 'dozing'
  | 'sleeping'
  | 'waking'
  | 'leaving'
  | 'ending'
  | 'stopped';

/** How a phase is told to others. */
export function stateOf(phase: Phase, failure: string | undefined): GameState {
  if (phase === 'sleeping' || phase === 'dozing') return 'sleeping';
  if (phase !== 'stopped') return 'running';
  return failure === undefined ? 'ended' : 'failed';
}

/** What becomes of a game for want of connected players. Looked at once a second of its ticks. */
export function idleVerdict(instance: GameInstance): 'stay' | 'doze' | 'end' {
  const { tickHz, sleepAfterMs, endAfterMs } = instance.definition;
  if (instance.tick % tickHz !== 0 || instance.players.connected > 0) return 'stay';
  const idleMs = (instance.idleTicks * 1_000) / tickHz;
  if (endAfterMs > 0 && idleMs >= endAfterMs) return 'end';
  return idleMs >= sleepAfterMs ? 'doze' : 'stay';
}
