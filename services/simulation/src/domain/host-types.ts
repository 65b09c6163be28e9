/** What a host needs from outside, and what it tells. */

import type { SimHosted, SimWarmed } from '@breakwater/bus';
import type { OnHookError } from './game-factory.ts';
import type { Owner } from './owner.ts';
import type { OwnerEvents, OwnerOptions, StopReason } from './owner-types.ts';
import type { TailCheckOptions } from './tail-checks.ts';
import type { LivePort } from './volatile-game.ts';
import type { WarmEvents, WarmOptions, WarmPorts } from './warm-games.ts';

/** The inputs and the feed of one game, delivered to its owner until it is closed. */
export interface GameWire {
  close(): void;
}

export interface HostPorts extends WarmPorts {
  wire(game: string, owner: Owner): GameWire;
  /** The way of a volatile game's deltas. */
  live(game: string): LivePort;
  /** Different at every call. */
  nonce(): string;
}

/** What goes into metrics and logs. */
export interface HostObserver extends WarmEvents {
  ownerEvents(game: string): Omit<OwnerEvents, 'onJoined' | 'onState' | 'onStopped'>;
  onHookError(game: string): OnHookError;
  onTick(ms: number): void;
  onSkippedTicks(ticks: number): void;
  onHosting(result: 'hosted' | NonNullable<SimHosted['refusal']>): void;
  onWarming(result: 'warm' | NonNullable<SimWarmed['refusal']>): void;
  onStopped(game: string, epoch: number, reason: StopReason, detail: string | undefined): void;
}

export interface HostOptions {
  readonly pod: string;
  readonly maxGames: number;
  /** Loading and claiming one game, in ms. */
  readonly hostTimeoutMs: number;
  /** Largest full state of any game. */
  readonly maxStateBytes: number;
  /** Players of a volatile game that do not join a new owner within this time lost their connection. */
  readonly rejoinMs: number;
  readonly owner: OwnerOptions;
  readonly tailChecks: TailCheckOptions;
  readonly warm: Omit<WarmOptions, 'loadTimeoutMs'>;
}
