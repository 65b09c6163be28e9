import { LIMITS } from '@breakwater/protocol';
import { commonSettings, Secret, setting } from '@breakwater/service-kit';

/** Known to everybody who has the sources: it signs nothing outside development mode. */
const DEVELOPMENT_SECRET = 'breakwater-development-only-secret-0000';

/** Where the demo page is served by default, for development mode. */
export const DEVELOPMENT_ORIGINS = ['http://localhost:8080', 'http://127.0.0.1:8080'] as const;

const ORIGIN = /^https?:\/\/[^/\s?#*]+$/;

const network = {
  host: setting.string({
    env: 'BREAKWATER_EDGE_HOST',
    doc: 'Address that clients connect to.',
    default: '0.0.0.0',
  }),
  port: setting.port({
    env: 'BREAKWATER_EDGE_PORT',
    doc: 'Port that clients connect to. 0 takes any free port.',
    default: 8081,
  }),
  origins: setting.list({
    env: 'BREAKWATER_EDGE_ORIGINS',
    doc: 'Web origins whose pages may connect, compared exactly; callers without an Origin header are no browsers and pass. Development mode adds port 8080 of this machine.',
    pattern: ORIGIN,
    maxItems: 100,
    default: [],
  }),
  trustedProxies: setting.list({
    env: 'BREAKWATER_EDGE_TRUSTED_PROXIES',
    doc: 'Addresses or CIDR ranges of proxies whose X-Forwarded-For is believed.',
    pattern: /^[0-9a-fA-F.:/]+$/,
    maxItems: 100,
    default: [],
  }),
  connectionTimeoutMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_CONNECTION_TIMEOUT_MS',
    doc: 'A connection that is silent this long before its upgrade is closed.',
    default: 5_000,
    min: 100,
    max: 60_000,
  }),
  requestTimeoutMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_REQUEST_TIMEOUT_MS',
    doc: 'All of an HTTP request, the upgrade included, must have arrived in this time.',
    default: 8_000,
    min: 100,
    max: 60_000,
  }),
  closeTimeoutMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_CLOSE_TIMEOUT_MS',
    doc: 'How long a client may take to answer a close frame.',
    default: 5_000,
    min: 100,
    max: 30_000,
  }),
} as const;

const tokens = {
  jwtSecret: setting.secret({
    env: 'BREAKWATER_EDGE_JWT_SECRET',
    doc: 'Shared by all edges. Signs single-use tickets, and checks user tokens (HS256) unless a JWKS URL is set.',
    minLength: 32,
    devDefault: new Secret(DEVELOPMENT_SECRET),
  }),
  jwksUrl: setting.url({
    env: 'BREAKWATER_EDGE_JWKS_URL',
    doc: 'Key set of the issuer of user tokens (RS256, ES256 or EdDSA); the secret checks none of them then.',
    protocols: ['https', 'http'],
    optional: true,
  }),
  jwtAudience: setting.string({
    env: 'BREAKWATER_EDGE_JWT_AUDIENCE',
    doc: 'Audience that user tokens must name.',
    default: 'breakwater',
  }),
  jwtIssuer: setting.string({
    env: 'BREAKWATER_EDGE_JWT_ISSUER',
    doc: 'Issuer that user tokens must name. Unset: any.',
    optional: true,
  }),
  ticketMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_TICKET_MS',
    doc: 'How long a single-use ticket is good for.',
    default: 30_000,
    min: 1_000,
    max: 60_000,
  }),
  guestTokens: setting.bool({
    env: 'BREAKWATER_EDGE_GUEST_TOKENS',
    doc: 'Hands out guest tokens to whoever asks, outside development mode too. For demos only: anybody who can connect can then take part.',
    default: false,
  }),
  guestTokenMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_GUEST_TOKEN_MS',
    doc: 'How long a guest token is good for, where they are handed out.',
    default: 3_600_000,
    min: 1_000,
    max: 86_400_000,
  }),
} as const;

const admission = {
  maxConnections: setting.int({
    env: 'BREAKWATER_EDGE_MAX_CONNECTIONS',
    doc: 'Connections of this process.',
    default: 20_000,
    min: 1,
    max: 1_000_000,
  }),
  maxConnectionsPerUser: setting.int({
    env: 'BREAKWATER_EDGE_MAX_CONNECTIONS_PER_USER',
    doc: 'Connections of one user to this process.',
    default: 16,
    min: 1,
    max: 1_000_000,
  }),
  maxConnectionsPerAddress: setting.int({
    env: 'BREAKWATER_EDGE_MAX_CONNECTIONS_PER_ADDRESS',
    doc: 'Connections of one address to this process.',
    default: 2_000,
    min: 1,
    max: 1_000_000,
  }),
  admissionsPerSecond: setting.int({
    env: 'BREAKWATER_EDGE_ADMISSIONS_PER_SECOND',
    doc: 'New connections a second that this process takes; more are told when to come back.',
    default: 500,
    min: 1,
    max: 100_000,
  }),
  admissionBurst: setting.int({
    env: 'BREAKWATER_EDGE_ADMISSION_BURST',
    doc: 'New connections that are taken at once before the rate counts.',
    default: 1_000,
    min: 1,
    max: 100_000,
  }),
} as const;

const inbound = {
  maxFrameBytes: setting.bytes({
    env: 'BREAKWATER_EDGE_MAX_FRAME_BYTES',
    doc: 'Size of one client frame.',
    default: LIMITS.maxFrameBytes,
    min: 8_192,
    max: LIMITS.maxFrameBytes,
  }),
  maxFragments: setting.int({
    env: 'BREAKWATER_EDGE_MAX_FRAGMENTS',
    doc: 'Fragments of one client message.',
    default: 64,
    min: 1,
    max: 10_000,
  }),
  maxBufferedChunks: setting.int({
    env: 'BREAKWATER_EDGE_MAX_BUFFERED_CHUNKS',
    doc: 'Pieces, as TCP delivers them, that one unfinished client frame may consist of.',
    default: 16_384,
    min: 64,
    max: 1_000_000,
  }),
  maxBadFrames: setting.int({
    env: 'BREAKWATER_EDGE_MAX_BAD_FRAMES',
    doc: 'Invalid frames in a row after which the connection is closed.',
    default: 5,
    min: 1,
    max: 1_000,
  }),
  framesPerSecond: setting.int({
    env: 'BREAKWATER_EDGE_FRAMES_PER_SECOND',
    doc: 'Frames a second that one connection may send.',
    default: 60,
    min: 1,
    max: 100_000,
  }),
  frameBurst: setting.int({
    env: 'BREAKWATER_EDGE_FRAME_BURST',
    doc: 'Frames that one connection may send at once.',
    default: 240,
    min: 1,
    max: 100_000,
  }),
  userFramesPerSecond: setting.int({
    env: 'BREAKWATER_EDGE_USER_FRAMES_PER_SECOND',
    doc: 'Frames a second that all connections of one user may send.',
    default: 120,
    min: 1,
    max: 100_000,
  }),
  userFrameBurst: setting.int({
    env: 'BREAKWATER_EDGE_USER_FRAME_BURST',
    doc: 'Frames that all connections of one user may send at once.',
    default: 480,
    min: 1,
    max: 100_000,
  }),
  maxThrottled: setting.int({
    env: 'BREAKWATER_EDGE_MAX_THROTTLED',
    doc: 'Frames over the rate (each good one in between makes up for one) after which the connection is closed.',
    default: 50,
    min: 1,
    max: 10_000,
  }),
  maxInFlight: setting.int({
    env: 'BREAKWATER_EDGE_MAX_IN_FLIGHT',
    doc: 'Requests of one connection that wait for an answer; above it reading pauses, at four times it they are refused.',
    default: 32,
    min: 1,
    max: 1_000,
  }),
  backendTimeoutMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_BACKEND_TIMEOUT_MS',
    doc: 'How long another service may take to answer.',
    default: 5_000,
    min: 100,
    max: 60_000,
  }),
} as const;

const outbound = {
  softLimitBytes: setting.bytes({
    env: 'BREAKWATER_EDGE_SOFT_LIMIT_BYTES',
    doc: 'Bytes waiting for one slow client above which signals are dropped, counts replaced and game deltas skipped.',
    default: 262_144,
    min: 16_384,
    max: 1_073_741_824,
  }),
  hardLimitBytes: setting.bytes({
    env: 'BREAKWATER_EDGE_HARD_LIMIT_BYTES',
    doc: 'Bytes waiting for one slow client above which it is cut off.',
    default: 1_048_576,
    min: 32_768,
    max: 1_073_741_824,
  }),
  pingIntervalMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_PING_INTERVAL_MS',
    doc: 'Between two WebSocket pings to one client.',
    default: 5_000,
    min: 100,
    max: 300_000,
  }),
  silenceMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_SILENCE_MS',
    doc: 'A client of which nothing at all was heard this long is cut off. Keep it at twice the ping interval.',
    default: 10_000,
    min: 200,
    max: 600_000,
  }),
  drainSpreadMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_DRAIN_SPREAD_MS',
    doc: 'Time over which a draining edge spreads the moves of its clients; it must fit into the drain deadline.',
    default: 15_000,
    max: 3_600_000,
  }),
  drainGraceMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_DRAIN_GRACE_MS',
    doc: 'Time that a client has after its moment to move before it is closed.',
    default: 4_000,
    max: 600_000,
  }),
} as const;

const feeds = {
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
} as const;

const lobby = {
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

/** Settings of the edge. */
export const schema = {
  ...commonSettings,
  ...network,
  ...tokens,
  ...admission,
  ...inbound,
  ...outbound,
  ...feeds,
  ...lobby,
} as const;
