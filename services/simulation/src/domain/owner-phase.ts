import type { GameState } from '@breakwater/bus';
import type { GameInstance } from '@breakwater/game-kit';
import type { Chain } from './chain.ts';
import type { GameDetails, GameFactory } from './game-factory.ts';
import type { OwnerEvents, OwnerOptions, StopReason } from './owner-types.ts';
import type { OwnerPorts } from './ports.ts';
import type { Reloaded } from './reload.ts';
import type { Restarts } from './restarts.ts';
import type { Settled } from './settle.ts';
import type { VolatileGame } from './volatile-game.ts';

/** A game whose claim is in the log and whose state was loaded up to it. */
export interface OwnedGame {
  readonly instance: GameInstance;
  readonly details: GameDetails;
  readonly chain: Chain;
  readonly restarts: Restarts;
  /** Records since the newest snapshot that the game was loaded from: owners that live shortly add up. */
  readonly replayedRecords: number;
  /** Only of a volatile game. */
  readonly volatile?: VolatileGame;
}

export interface OwnerSetup {
  readonly pod: string;
  readonly ports: OwnerPorts;
  readonly factory: GameFactory;
  readonly game: OwnedGame;
  readonly options: OwnerOptions;
  readonly events: OwnerEvents;
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

/** What an owner does when things did not go on as they should. `end`: the game has failed and its log says so. */
export type Fate =
  | { readonly kind: 'stop'; readonly reason: StopReason; readonly detail?: string }
  | { readonly kind: 'end'; readonly detail: string }
  | { readonly kind: 'restart'; readonly error: Error }
  | { readonly kind: 'none' };

export function fateAfterAppend(settled: Exclude<Settled, { kind: 'stored' }>): Fate {
  switch (settled.kind) {
    case 'overtaken':
      return { kind: 'stop', reason: 'overtaken' };
    case 'cut_back':
      return { kind: 'stop', reason: 'failed', detail: 'records of the log are gone' };
    case 'invalid':
      return { kind: 'restart', error: new Error(`the log refuses a record: ${settled.cause}`) };
    case 'abandoned':
      return { kind: 'none' };
    default:
      return settled satisfies never;
  }
}

export function fateAfterReload(reloaded: Exclude<Reloaded, { kind: 'loaded' }>): Fate {
  switch (reloaded.kind) {
    case 'overtaken':
      return { kind: 'stop', reason: 'overtaken' };
    case 'lost':
    case 'exhausted':
      return { kind: 'end', detail: reloaded.detail };
    case 'unreadable':
      // Another version may be able to read it, so the log is left as it is.
      return { kind: 'stop', reason: 'failed', detail: reloaded.detail };
    case 'abandoned':
      return { kind: 'none' };
    default:
      return reloaded satisfies never;
  }
}
