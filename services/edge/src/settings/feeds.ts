import { LIMITS } from '@breakwater/protocol';
import { setting } from '@breakwater/service-kit';

/** How rooms and games are followed. */
export const feedSettings = {
  lingerMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_LINGER_MS',
    doc: 'How long a room or game is still followed after its last member here left.',
    default: 5_000,
    max: 600_000,
  }),
  tailCheckMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_TAIL_CHECK_MS',
    doc: 'How often the position in each followed log is compared with its tail.',
    default: 30_000,
    min: 100,
    max: 600_000,
  }),
  tailCheckConcurrency: setting.int({
    env: 'BREAKWATER_EDGE_TAIL_CHECK_CONCURRENCY',
    doc: 'Tails that are read at once.',
    default: 16,
    min: 1,
    max: 1_000,
  }),
  maxFeedQueue: setting.int({
    env: 'BREAKWATER_EDGE_MAX_FEED_QUEUE',
    doc: 'Records of one feed that are kept while a hole is read or full state is awaited.',
    default: 1_024,
    min: 1,
    max: 100_000,
  }),
  maxRepairRecords: setting.int({
    env: 'BREAKWATER_EDGE_MAX_REPAIR_RECORDS',
    doc: 'Records that are read to fill one hole; a larger hole is answered with full state.',
    default: 1_000,
    min: 1,
    max: 100_000,
  }),
  maxJoinBuffer: setting.int({
    env: 'BREAKWATER_EDGE_MAX_JOIN_BUFFER',
    doc: 'Records of one feed that are kept for those who are joining.',
    default: 1_024,
    min: 1,
    max: 100_000,
  }),
  joinPageMessages: setting.int({
    env: 'BREAKWATER_EDGE_JOIN_PAGE_MESSAGES',
    doc: 'Messages of the latest page when a client does not say how many it wants.',
    default: 50,
    min: 1,
    max: LIMITS.maxPageMessages,
  }),
  gameJoinMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_GAME_JOIN_MS',
    doc: 'How long joining a game may take in all, waking it or finding a new process for it included.',
    default: 10_000,
    min: 100,
    max: 120_000,
  }),
  matchAgainMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_MATCH_AGAIN_MS',
    doc: 'Silence of the matchmaker after which it is asked the same again: another replica of it may answer.',
    default: 1_000,
    min: 100,
    max: 60_000,
  }),
  gameSilenceMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_GAME_SILENCE_MS',
    doc: 'Silence of a game with connected players after which it is looked for. Keep it at three times the keep-alive of the simulations.',
    default: 3_000,
    min: 100,
    max: 600_000,
  }),
} as const;

/** What is told to those who watch the lobby, and to the other services. */
export const lobbySettings = {
  lobbyPollMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_LOBBY_POLL_MS',
    doc: 'How often the lists of rooms and game types are asked for while somebody watches the lobby.',
    default: 2_000,
    min: 100,
    max: 60_000,
  }),
  lobbyFlushMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_LOBBY_FLUSH_MS',
    doc: 'Changes of the lobby are gathered this long.',
    default: 250,
    min: 10,
    max: 60_000,
  }),
  maxLobbyGames: setting.int({
    env: 'BREAKWATER_EDGE_MAX_LOBBY_GAMES',
    doc: 'Games shown in the lobby; those beyond are left out.',
    default: 2_000,
    min: 1,
    max: 10_000,
  }),
  presenceFlushMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_PRESENCE_FLUSH_MS',
    doc: 'Changes of who is in which room are gathered this long.',
    default: 200,
    min: 10,
    max: 5_000,
  }),
  presenceHeartbeatMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_PRESENCE_HEARTBEAT_MS',
    doc: 'Between two heartbeats of this edge to chat and simulation.',
    default: 3_000,
    min: 100,
    max: 60_000,
  }),
} as const;
