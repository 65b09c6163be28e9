import { LIMITS } from '@breakwater/protocol';
import { commonSettings, setting } from '@breakwater/service-kit';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** What is kept of a room, and how often the streams are looked after. */
const storeSettings = {
  defaultRooms: setting.list({
    env: 'BREAKWATER_CHAT_DEFAULT_ROOMS',
    doc: 'Public rooms that are there from the start.',
    pattern: /^[A-Za-z0-9_-]{1,64}$/,
    maxItems: 100,
    default: ['general'],
  }),
  maxRooms: setting.int({
    env: 'BREAKWATER_CHAT_MAX_ROOMS',
    doc: 'Rooms of the installation; creating more is answered busy.',
    default: 1_000,
    min: 1,
    max: 2_000,
  }),
  maxMessagesPerRoom: setting.int({
    env: 'BREAKWATER_CHAT_MAX_MESSAGES_PER_ROOM',
    doc: 'Messages kept in one room; its own oldest go first.',
    default: 10_000,
    min: 1,
    max: 1_000_000,
  }),
  maxAgeMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_MAX_AGE_MS',
    doc: 'How long a message is kept.',
    default: 30 * DAY_MS,
    min: MINUTE_MS,
    max: 3_650 * DAY_MS,
  }),
  streamMaxBytes: setting.bytes({
    env: 'BREAKWATER_CHAT_STREAM_MAX_BYTES',
    doc: 'Size of the messages of one partition. A full one refuses new messages (busy), it drops none.',
    default: 256 * 1_048_576,
    min: 65_536,
  }),
  bucketMaxBytes: setting.bytes({
    env: 'BREAKWATER_CHAT_BUCKET_MAX_BYTES',
    doc: 'Size of each of the buckets rooms and people.',
    default: 64 * 1_048_576,
    min: 65_536,
  }),
  streamCheckMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_STREAM_CHECK_MS',
    doc: 'How often it is checked that every stream is still there.',
    default: 5_000,
    min: 100,
    max: 600_000,
  }),
} as const;

/** Sending: sizes, rates, and how a message is stored exactly once. */
const sendSettings = {
  maxTextBytes: setting.bytes({
    env: 'BREAKWATER_CHAT_MAX_TEXT_BYTES',
    doc: 'UTF-8 bytes of a message.',
    default: LIMITS.maxTextBytes,
    min: 1,
    max: LIMITS.maxTextBytes,
  }),
  dedupWindowMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_DEDUP_WINDOW_MS',
    doc: 'How long the streams themselves know a message id. Ids older than this less the clock skew are looked up in the log. Memory of NATS grows with it.',
    default: 2 * MINUTE_MS,
    min: 100,
    max: DAY_MS,
  }),
  retryHorizonMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_RETRY_HORIZON_MS',
    doc: 'A message id older than this is answered expired.',
    default: LIMITS.retryHorizonMs,
    min: 1_000,
    max: DAY_MS,
  }),
  clockSkewMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_CLOCK_SKEW_MS',
    doc: 'How far the clocks of clients, services and NATS may differ.',
    default: LIMITS.clockSkewMs,
    max: 600_000,
  }),
  maxLookups: setting.int({
    env: 'BREAKWATER_CHAT_MAX_LOOKUPS',
    doc: 'Sends that may wait for a look into the log at once; more are answered busy.',
    default: 512,
    min: 1,
    max: 100_000,
  }),
  maxLookupRecords: setting.int({
    env: 'BREAKWATER_CHAT_MAX_LOOKUP_RECORDS',
    doc: 'Messages of a room that one look into the log may read before it is answered busy.',
    default: 20_000,
    min: 100,
    max: 2_000_000,
  }),
  maxRememberedIds: setting.int({
    env: 'BREAKWATER_CHAT_MAX_REMEMBERED_IDS',
    doc: 'Message ids kept in memory after looks into the log, about 150 bytes each.',
    default: 100_000,
    min: 1_000,
    max: 10_000_000,
  }),
  appendTimeoutMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_APPEND_TIMEOUT_MS',
    doc: 'How long one append may take before it is in doubt and asked again.',
    default: 1_500,
    min: 10,
    max: 60_000,
  }),
  sendDeadlineMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_SEND_DEADLINE_MS',
    doc: 'How long one send is tried before it is answered unavailable.',
    default: 4_000,
    min: 10,
    max: 60_000,
  }),
  sendsPerSecond: setting.number({
    env: 'BREAKWATER_CHAT_SENDS_PER_SECOND',
    doc: 'Messages of one user per second in the long run, for each replica of chat.',
    default: 20,
    min: 0.01,
    max: 100_000,
  }),
  sendBurst: setting.int({
    env: 'BREAKWATER_CHAT_SEND_BURST',
    doc: 'Messages of one user at once, for each replica of chat.',
    default: 60,
    min: 1,
    max: 1_000_000,
  }),
} as const;

const readSettings = {
  maxPageMessages: setting.int({
    env: 'BREAKWATER_CHAT_MAX_PAGE_MESSAGES',
    doc: 'Messages in one page of history.',
    default: LIMITS.maxPageMessages,
    min: 1,
    max: 1_000,
  }),
  maxPageBytes: setting.bytes({
    env: 'BREAKWATER_CHAT_MAX_PAGE_BYTES',
    doc: 'Stored bytes in one page of history, and in what a resume brings.',
    default: 524_288,
    min: 16_384,
    max: 786_432,
  }),
  maxResumeMessages: setting.int({
    env: 'BREAKWATER_CHAT_MAX_RESUME_MESSAGES',
    doc: 'Messages that a resume brings at most; a client that missed more gets the latest page and is told so.',
    default: 500,
    min: 1,
    max: 5_000,
  }),
  maxCachedMessages: setting.int({
    env: 'BREAKWATER_CHAT_MAX_CACHED_MESSAGES',
    doc: 'Newest messages of one room that are kept in memory for joins.',
    default: 256,
    min: 1,
    max: 10_000,
  }),
  maxCachedBytes: setting.bytes({
    env: 'BREAKWATER_CHAT_MAX_CACHED_BYTES',
    doc: 'Stored bytes of all messages that are kept in memory for joins.',
    default: 16 * 1_048_576,
    max: 4_294_967_296,
  }),
  maxRequests: setting.int({
    env: 'BREAKWATER_CHAT_MAX_REQUESTS',
    doc: 'Requests of one kind that are worked on at once; more are answered busy.',
    default: 1_024,
    min: 1,
    max: 100_000,
  }),
} as const;

const presenceSettings = {
  edgeHeartbeatMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_EDGE_HEARTBEAT_MS',
    doc: 'Between two heartbeats of an edge, as chat expects them; three missed begin the grace of its members.',
    default: 3_000,
    min: 50,
    max: 60_000,
  }),
  graceMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_GRACE_MS',
    doc: 'How long a member whose socket fell stays present, so that a reload does not flicker.',
    default: 5_000,
    max: 600_000,
  }),
  heartbeatMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_HEARTBEAT_MS',
    doc: 'Between two heartbeats of a chat replica; three missed and others publish presence for its rooms.',
    default: 1_000,
    min: 20,
    max: 60_000,
  }),
  presenceFlushMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_PRESENCE_FLUSH_MS',
    doc: 'Changes of a roster are gathered this long before they are published.',
    default: 100,
    min: 10,
    max: 10_000,
  }),
  presenceRepeatMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_PRESENCE_REPEAT_MS',
    doc: 'A room with people has its count published at least this often, so that a lost change is noticed.',
    default: 15_000,
    min: 100,
    max: 600_000,
  }),
  maxRoster: setting.int({
    env: 'BREAKWATER_CHAT_MAX_ROSTER',
    doc: 'People in a room above which a count and a sample are published in place of changes.',
    default: 200,
    min: 1,
    max: 5_000,
  }),
  sampleSize: setting.int({
    env: 'BREAKWATER_CHAT_SAMPLE_SIZE',
    doc: 'People in the sample of a big room.',
    default: 50,
    min: 1,
    max: 1_000,
  }),
  syncTimeoutMs: setting.durationMs({
    env: 'BREAKWATER_CHAT_SYNC_TIMEOUT_MS',
    doc: 'How long an edge may take to name all its members, and a replica to name a roster.',
    default: 1_000,
    min: 10,
    max: 60_000,
  }),
  maxLastSeenWaiting: setting.int({
    env: 'BREAKWATER_CHAT_MAX_LAST_SEEN_WAITING',
    doc: 'People whose last-seen time waits to be written; more are counted and not written.',
    default: 10_000,
    min: 1,
    max: 1_000_000,
  }),
} as const;

/** Settings of chat. */
export const schema = {
  ...commonSettings,
  ...storeSettings,
  ...sendSettings,
  ...readSettings,
  ...presenceSettings,
} as const;

interface Spans {
  readonly maxAgeMs: number;
  readonly retryHorizonMs: number;
  readonly clockSkewMs: number;
}

/** Settings that contradict each other. @throws Error with one sentence */
export function assertConsistent({ maxAgeMs, retryHorizonMs, clockSkewMs }: Spans): void {
  if (maxAgeMs >= retryHorizonMs + 2 * clockSkewMs) return;
  throw new Error(
    'BREAKWATER_CHAT_MAX_AGE_MS must be at least BREAKWATER_CHAT_RETRY_HORIZON_MS and twice BREAKWATER_CHAT_CLOCK_SKEW_MS together: messages that went earlier could not be told from those never sent.',
  );
}
