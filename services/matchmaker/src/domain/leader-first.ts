import type { GameEntry } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Mirror } from './mirror.ts';
import type { Pinning } from './pinning.ts';

export interface LeaderFirst {
  readonly mirror: Mirror;
  readonly pinning: Pinning;
  /** Another replica leads. */
  readonly isFollowing: () => boolean;
  readonly limits: {
    /** How long a lost game is left to the leader, by those who do not lead, ms. */
    readonly leaderFirstMs: number;
  };
}

/**
 * The entry of the game, hosted, for a replica that was asked for it. The leader is at a lost game already, or moves it:
 * it is handed out a second time only when that takes too long, and the process that is registered by then denies it.
 * @throws ProtocolError as `Pinning.ensureHosted`
 */
export async function hostedLeaderFirst(parts: LeaderFirst, entry: GameEntry): Promise<GameEntry> {
  const { pinning, mirror, isFollowing, limits } = parts;
  const { game, epoch } = entry;
  const isLost = () => pinning.hostingOf(game) === undefined && !pinning.isPinning(game);
  const newest = () => mirror.get(game)?.entry ?? entry;
  if (isLost() && isFollowing()) await pinning.untilHosted(game, epoch, limits.leaderFirstMs);
  if (isLost() && (await pinning.confirm(newest())) === 'away')
    throw new ProtocolError('unavailable', 'Its process is on its way back to NATS.');
  return pinning.ensureHosted(newest());
}
