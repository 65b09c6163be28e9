import { LIMITS } from '@breakwater/protocol';
import { setting } from '@breakwater/service-kit';

/** What one client may send. */
export const inboundSettings = {
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
    doc: 'Frames over the rate, after the time to slow down (each good one in between makes up for one), above which the connection is closed.',
    default: 50,
    min: 1,
    max: 10_000,
  }),
  throttleGraceMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_THROTTLE_GRACE_MS',
    doc: 'Time that a client has to slow down after the first frame over the rate; a time as long without another one forgets all.',
    default: 2_000,
    min: 10,
    max: 60_000,
  }),
  maxFlood: setting.int({
    env: 'BREAKWATER_EDGE_MAX_FLOOD',
    doc: 'Frames over the rate in all, above which the connection is closed even before the time to slow down is over.',
    default: 2_400,
    min: 1,
    max: 1_000_000,
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

/** What one client is sent, and what happens when it does not read. */
export const outboundSettings = {
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
