import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { roomId, type Subjects, subjectsFor } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import {
  KeyedLock,
  type MetricHandles,
  type ServiceConfig,
  type ServiceContext,
  untilReachable,
} from '@breakwater/service-kit';
import { Install } from './adapters/install.ts';
import { LastSeen } from './adapters/last-seen.ts';
import { NatsLog } from './adapters/nats-log.ts';
import { PresenceLink } from './adapters/presence-link.ts';
import { Requests } from './adapters/requests.ts';
import { Rooms } from './adapters/rooms.ts';
import { assertConsistent, type schema } from './config.ts';
import { Chat } from './domain/chat.ts';
import { LatestRecords } from './domain/latest.ts';
import type { RoomLog } from './domain/log.ts';
import { type Departure, Presence } from './domain/presence.ts';
import { PresenceFeed } from './domain/presence-feed.ts';
import { RecentIds } from './domain/recent-ids.ts';
import { Replicas } from './domain/replicas.ts';
import { RoomReader } from './domain/room-reader.ts';
import { Sender } from './domain/sender.ts';
import { TokenBuckets } from './domain/token-bucket.ts';
import { metrics as metricTable } from './metrics.ts';

/** Heartbeats that an edge or a replica may miss. */
const MISSED_HEARTBEATS = 3;
/** A big room's count and sample are published at most this often. */
const BIG_ROOM_MS = 1_000;
/** Users whose send rate is remembered. */
const MAX_RATED_USERS = 50_000;

interface Context extends ServiceContext<ServiceConfig<typeof schema>> {
  readonly subjects: Subjects;
  readonly handles: MetricHandles<typeof metricTable>;
}

/** Composes chat. The order of the parts is the order in which they start. */
export async function app(service: ServiceContext<ServiceConfig<typeof schema>>): Promise<void> {
  const { config, nats, clock, lifecycle, log } = service;
  assertConsistent(config);
  const handles = service.metrics.register(metricTable);
  const context: Context = { ...service, handles, subjects: subjectsFor(config.partitions) };
  const reach = { log, signal: lifecycle.ending };

  const install = new Install(nats, log, clock, config);
  const buckets = await untilReachable(() => install.open(), reach);
  handles.lostStreams.observe(() => install.lostStreams);
  lifecycle.add('streams', { start: () => install.watch(buckets.install), stop: () => install.stop() });

  const rooms = new Rooms(buckets.rooms, config.maxRooms);
  handles.rooms.observe(() => rooms.directory.size);
  lifecycle.add('rooms', {
    start: async () => {
      await rooms.start();
      const defaults = config.defaultRooms.map(roomId);
      await untilReachable(() => rooms.createDefaults(defaults, Math.floor(clock.unixMs())), reach);
    },
    stop: () => rooms.stop(),
  });

  const lastSeen = new LastSeen(buckets.people, {
    maxWaiting: config.maxLastSeenWaiting,
    onDropped: () => handles.lastSeenDropped.add(1),
  });
  lifecycle.add('last-seen', { drain: () => lastSeen.drain() });

  const people = composePresence(context, ({ user, name, seenMs }) => {
    const lastSeenMs = clock.unixMs() - (clock.monotonicMs() - seenMs);
    lastSeen.note({ user, name, lastSeen: Math.max(0, Math.round(lastSeenMs)) });
  });
  lifecycle.add('presence', { start: () => people.start(), stop: () => people.stop() });

  const requests = composeRequests(context, rooms, people, install);
  lifecycle.add('requests', {
    start: async () => {
      requests.start();
      await untilReachable(() => nats.flush(), reach);
    },
    drain: () => requests.drain(),
    stop: () => requests.stop(),
  });
}

function composePresence(context: Context, onDeparture: (departure: Departure) => void): PresenceLink {
  const { config, clock, handles } = context;
  // A process that was restarted under its old name counts from the beginning again, so it gets a new one.
  const self = `${config.instance.slice(0, 55)}-${randomBytes(4).toString('hex')}`;
  const presence = new Presence({ ...config, missedHeartbeats: MISSED_HEARTBEATS });
  const warmUpMs = config.edgeHeartbeatMs + config.syncTimeoutMs;
  const timing = { heartbeatMs: config.heartbeatMs, missedHeartbeats: MISSED_HEARTBEATS, warmUpMs };
  const replicas = new Replicas({ self, ...timing }, clock.monotonicMs());
  const feed = new PresenceFeed(presence, {
    publisher: self,
    maxRoster: config.maxRoster,
    sampleSize: Math.min(config.sampleSize, config.maxRoster),
    repeatMs: config.presenceRepeatMs,
    bigRoomMs: BIG_ROOM_MS,
  });
  handles.edges.observe(() => presence.edges);
  handles.present.observe(() => presence.members);
  handles.replicas.observe(() => replicas.live.length);
  return new PresenceLink({
    ...context,
    metrics: handles,
    presence,
    feed,
    replicas,
    self,
    heartbeatMs: config.heartbeatMs,
    flushMs: config.presenceFlushMs,
    syncTimeoutMs: config.syncTimeoutMs,
    onDeparture,
  });
}

function composeRequests(context: Context, rooms: Rooms, people: PresenceLink, install: Install): Requests {
  const { config, nats, subjects, clock, handles } = context;
  const roomLog = new NatsLog(nats, subjects, {
    partitions: config.partitions,
    isLost: (stream) => install.isLost(stream),
    onUnreadable: () => handles.unreadable.add(1),
  });
  const chat = new Chat({
    rooms,
    people,
    reader: new RoomReader(roomLog, new LatestRecords(roomLog, clock, config), config),
    sender: composeSender(context, roomLog),
    rate: new TokenBuckets({
      perSecond: config.sendsPerSecond,
      burst: config.sendBurst,
      maxKeys: MAX_RATED_USERS,
    }),
    clock,
    maxPageMessages: config.maxPageMessages,
  });
  return new Requests({ ...context, metrics: handles, chat, maxRequests: config.maxRequests });
}

function composeSender({ config, clock, handles, log }: Context, roomLog: RoomLog): Sender {
  const ids = new RecentIds(roomLog, {
    ...config,
    maxIds: config.maxRememberedIds,
    maxSpanMs: 2 * config.retryHorizonMs,
  });
  return new Sender({
    log: roomLog,
    ids,
    clock,
    random: Math.random,
    sleep,
    limits: { ...config, deadlineMs: config.sendDeadlineMs },
    lookups: new KeyedLock(config.maxLookups, () => new ProtocolError('busy')),
    onLookup: () => handles.lookups.add(1),
    onDoubt: (cause) => {
      handles.doubts.add(1);
      log.debug({ cause }, 'an append got no certain answer; it is asked again');
    },
  });
}
