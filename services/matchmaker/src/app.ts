import { createHash, randomInt, randomUUID } from 'node:crypto';
import { subjectsFor } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import {
  type BucketWatch,
  KeyedLock,
  type ServiceConfig,
  type ServiceContext,
  untilReachable,
} from '@breakwater/service-kit';
import { GamesBucket } from './adapters/games-bucket.ts';
import { Heartbeat } from './adapters/heartbeat.ts';
import { kubernetesPart } from './adapters/kube/kubernetes.ts';
import { LeaderBucket } from './adapters/leader-bucket.ts';
import { HeartbeatPodSource, type PodListener, type PodSource } from './adapters/pod-source.ts';
import { Repeater } from './adapters/repeater.ts';
import { Requests } from './adapters/requests.ts';
import { SimRequests } from './adapters/sim-requests.ts';
import type { schema } from './config.ts';
import { Caretaker } from './domain/caretaker.ts';
import { Cordons } from './domain/cordons.ts';
import { Creation } from './domain/creation.ts';
import { Follower } from './domain/follower.ts';
import { HeardTime } from './domain/heard-time.ts';
import { Hostings } from './domain/hostings.ts';
import { Leadership } from './domain/leadership.ts';
import { Fleet } from './domain/liveness.ts';
import { Matchmaking } from './domain/matchmaking.ts';
import { Mirror } from './domain/mirror.ts';
import { Pinning } from './domain/pinning.ts';
import { QuickMatch } from './domain/quick-match.ts';
import { Peers } from './domain/rank.ts';
import { Registrar } from './domain/registrar.ts';
import { sweep } from './domain/sweeper.ts';
import { metrics as metricTable } from './metrics.ts';

/** Entries that one sweep removes or gives up. */
const MAX_PER_SWEEP = 500;

/** Heartbeats that are listened to before the first answer. */
const LISTEN_HEARTBEATS = 1.5;

/** Composes the matchmaker. The order of the parts is the order in which they start. */
export async function app(context: ServiceContext<ServiceConfig<typeof schema>>): Promise<void> {
  const { config, nats, clock, lifecycle, log } = context;
  const metrics = context.metrics.register(metricTable);
  const subjects = subjectsFor(config.partitions);
  const onError = (error: unknown) => {
    metrics.failures.add(1);
    log.warn({ err: error }, 'the registry could not be written');
  };

  const openBuckets = async () => ({
    games: await GamesBucket.open(nats, {
      replicas: config.replicas,
      maxBytes: config.registryBytes,
      maxEntryBytes: config.entryBytes,
      timeoutMs: config.storeTimeoutMs,
    }),
    leader: await LeaderBucket.open(nats, { replicas: config.replicas, timeoutMs: config.storeTimeoutMs }),
  });
  const buckets = await untilReachable(openBuckets, { log, signal: lifecycle.ending });
  const store = buckets.games;
  const mirror = new Mirror();
  const heard = new HeardTime(config.heartbeatMs);
  const cordons = new Cordons();
  const fleet = new Fleet(config, heard, cordons);
  const hostings = new Hostings();
  const registrar = new Registrar(store, mirror);
  const peers = new Peers(config.instance, config.heartbeatMs * (config.missedHeartbeats + 1));
  const leadership = new Leadership({
    self: config.instance,
    store: buckets.leader,
    time: clock,
    heard,
    limits: config,
    nonce: randomUUID,
    onError: (error) => log.warn({ err: error }, "the leader's key could not be read or written"),
  });
  const shared = {
    mirror,
    fleet,
    hostings,
    registrar,
    sims: new SimRequests(nats, subjects, config),
    time: clock,
    limits: {
      ...config,
      placement: { policy: config.placement, maxLoad: config.maxLoad },
    },
    seed: () => randomInt(2 ** 32),
    gameIdOf,
    rankOf: (game: string) => peers.rankOf(game),
    onError,
  };
  const pinning = new Pinning(shared);
  const caretaker = new Caretaker({
    ...shared,
    pinning,
    heard,
    isLeader: () => leadership.isLeader,
    onRepin: (game, cause, outcome) => {
      metrics.repins.add(1, { cause, outcome });
      log.info({ game, cause, outcome }, 'a game without an owner was looked after');
    },
    onMove: (game, cause, outcome) => {
      metrics.moves.add(1, { cause, outcome });
      log.info({ game, cause, outcome }, 'a game was to be moved');
    },
  });
  const follower = new Follower({ ...shared, onNews: () => caretaker.news() });
  const creation = new Creation({ ...shared, pinning });
  const isFollowing = () => leadership.isFollowing;
  const turns = new KeyedLock(config.maxQuickWaiting, () => new ProtocolError('busy'));
  const quickMatch = new QuickMatch({ ...shared, pinning, creation, turns, isFollowing });
  const matchmaking = new Matchmaking({
    ...shared,
    pinning,
    creation,
    quickMatch,
    mover: caretaker.mover,
    isFollowing,
  });
  metrics.games.observe(() => mirror.size);
  metrics.leading.observe(() => (leadership.isLeader ? 1 : 0));
  metrics.waiting.observe(() => caretaker.waiting);
  metrics.processes.observe(() => fleet.live().length);

  let watch: BucketWatch | undefined;
  lifecycle.add('registry', {
    start: () => {
      watch = store.watch(mirror, () => clock.monotonicMs());
      return watch.ready;
    },
    stop: () => watch?.stop(),
  });

  const listener: PodListener = {
    status: (status) => {
      follower.status(status);
      caretaker.status(status);
    },
  };
  const pods: PodSource = new HeartbeatPodSource(nats, subjects, () => metrics.malformedStatus.add(1));
  lifecycle.add('processes', {
    start: () => pods.start(listener),
    stop: async () => {
      await pods.stop();
      follower.stop();
    },
  });

  const heartbeat = new Heartbeat(nats, subjects, clock, config.instance, config.heartbeatMs);
  const onEcho = () => {
    for (const pod of fleet.echo(clock.monotonicMs())) {
      metrics.lostProcesses.add(1);
      log.warn({ pod }, 'a simulation process fell silent');
    }
    void leadership.beat().then(() => caretaker.beat());
  };
  nats.onReconnect(() => fleet.reconnected());
  lifecycle.add('heartbeat', {
    start: () => heartbeat.start({ echo: onEcho, peer: (peer) => peers.heard(peer, clock.monotonicMs()) }),
    stop: () => heartbeat.stop(),
  });

  // Whoever answers before it has heard what runs would move games that are well.
  lifecycle.add('listening', {
    start: () =>
      new Promise<void>((resolve) => {
        clock.after(config.heartbeatMs * LISTEN_HEARTBEATS, resolve);
      }),
  });

  const kubernetes = await kubernetesPart({
    ...{ config, clock, log, metrics, fleet, cordons, sims: shared.sims },
    isLeader: () => leadership.isLeader,
    onGone: (pod) => {
      metrics.lostProcesses.add(1);
      log.warn({ pod }, 'a simulation process is gone, as Kubernetes hinted');
    },
  });
  if (kubernetes !== undefined) lifecycle.add('kubernetes', kubernetes);

  const sweepLimits = { ...config, maxPerSweep: MAX_PER_SWEEP };
  const isMySweep = () => peers.rankOf('sweep') === 0;
  const sweepAll = async () => {
    await sweep(mirror, registrar, clock, sweepLimits);
    await store.forgetRemoved(clock.monotonicMs());
  };
  lifecycle.add(
    'sweep',
    new Repeater({
      clock,
      periodMs: config.sweepMs,
      run: () => (isMySweep() ? sweepAll() : undefined),
      onError,
    }),
  );

  const countAnswer = (verb: string, outcome: string) => metrics.requests.add(1, { verb, outcome });
  lifecycle.add('requests', new Requests(nats, subjects, matchmaking, config.maxRequests, countAnswer));
  // The last to start is the first to stop: another leads, and nothing is left half done.
  lifecycle.add('leadership', {
    drain: async () => {
      await leadership.resign();
      await caretaker.idle();
    },
    stop: () => leadership.resign(),
  });
}

/** The same user and key give the same games, through whichever replica they come. `made`: so many before this one. */
function gameIdOf(user: string, key: string, made = 0): string {
  const name = made === 0 ? `${user}\n${key}` : `${user}\n${key}\n${made}`;
  return `g${createHash('sha256').update(name).digest('base64url').slice(0, 21)}`;
}
