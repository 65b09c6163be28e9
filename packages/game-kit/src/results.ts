import type { GameHooks } from './define.ts';

export type JoinResult =
  /** `ack` is the number of the player's last command applied. A late copy of the newest join gets the same answer. */
  | { readonly kind: 'joined'; readonly pid: number; readonly ack: number }
  /** Older than a join of this user that already counted: to be ignored. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'full' }
  | { readonly kind: 'rejected'; readonly reason: string }
  /** The game's `join` threw and was undone. */
  | { readonly kind: 'failed' };

export type CommandResult =
  | 'applied'
  /** Numbered as applied, without effect. */
  | { readonly rejected: string }
  /** It threw: undone, numbered as applied. */
  | 'failed'
  /** Applied before. */
  | 'duplicate'
  /** One before it is missing; the caller keeps it for later. */
  | 'gap'
  | 'unknown_player';

/** Where the author's code threw: a hook, or `command` with its name. */
export type HookFailure = { readonly hook: keyof GameHooks<unknown> | 'command'; readonly name: string };

export interface InstanceOptions {
  /** As in the create request; decoded by the definition. */
  readonly options?: unknown;
  /** 0 to 2^53 - 1. */
  readonly seed: number;
  /** Fewer seats than the type's `maxPlayers`. */
  readonly seats?: number;
  /** Told of every throw that was undone, for logs and counters. */
  readonly onError?: (error: unknown, where: HookFailure) => void;
}
