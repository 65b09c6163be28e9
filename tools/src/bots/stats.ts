/** What all bots of a run did, added up. */
export class BotStats {
  connected = 0;
  playing = 0;
  deltas = 0;
  commandsSent = 0;
  commandsAcked = 0;
  commandsRejected = 0;
  messagesSent = 0;
  messagesAcked = 0;
  messagesSeen = 0;
  messagesFailed = 0;
  reconnects = 0;
  ownerChanges = 0;
  failures = 0;
  /** XP earned while the bots looked. */
  xp = 0;
  longestPauseMs = 0;
}

export interface Snapshot {
  readonly atMs: number;
  readonly stats: Readonly<BotStats>;
}

export function snapshotOf(stats: BotStats, atMs: number): Snapshot {
  return { atMs, stats: { ...stats } };
}

/** One line about the time between two snapshots. */
export function summaryLine(
  before: Snapshot,
  now: Snapshot,
  players: number,
  roundTripMs: number | undefined,
): string {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1_000);
  const rate = (key: 'deltas' | 'commandsAcked' | 'messagesAcked' | 'messagesSeen') =>
    (now.stats[key] - before.stats[key]) / seconds;
  const { connected, playing, xp, reconnects, ownerChanges, failures } = now.stats;
  const perPlayer = playing === 0 ? 0 : rate('deltas') / playing;
  const parts = [
    `connected ${connected}/${players}`,
    `playing ${playing}`,
    `deltas ${perPlayer.toFixed(1)}/s each`,
    `acked ${rate('commandsAcked').toFixed(0)}/s`,
    `xp ${xp}`,
  ];
  if (now.stats.messagesSent > 0)
    parts.push(`chat ${rate('messagesAcked').toFixed(1)}/s sent ${rate('messagesSeen').toFixed(0)}/s seen`);
  if (roundTripMs !== undefined) parts.push(`round trip ${roundTripMs.toFixed(0)} ms`);
  if (reconnects > 0) parts.push(`reconnects ${reconnects}`);
  if (ownerChanges > 0) parts.push(`owner changes ${ownerChanges}`);
  if (failures > 0) parts.push(`failures ${failures}`);
  return parts.join('  ');
}
