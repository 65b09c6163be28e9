import type { Clock, Logger, MetricHandles, Part, ServiceConfig } from '@breakwater/service-kit';
import type { schema } from '../../config.ts';
import { BufferScaler, type ScaleDecision } from '../../domain/autoscaler.ts';
import type { Cordons } from '../../domain/cordons.ts';
import type { Fleet } from '../../domain/liveness.ts';
import { PodHints } from '../../domain/pod-hints.ts';
import { PodBook } from '../../domain/pods.ts';
import type { SimPort } from '../../domain/ports.ts';
import type { metrics as metricTable } from '../../metrics.ts';
import { Repeater } from '../repeater.ts';
import { Cluster } from './cluster.ts';
import { connectKubernetes, type KubeConnection } from './connect.ts';
import { PodInformer } from './pod-informer.ts';
import { PodKeeper } from './pod-keeper.ts';

/** Lists that may be missed before nothing is taken away by what the book says. */
const STALE_LISTS = 2;

export interface KubernetesParts {
  readonly config: ServiceConfig<typeof schema>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricHandles<typeof metricTable>;
  readonly fleet: Fleet;
  readonly cordons: Cordons;
  readonly sims: Pick<SimPort, 'list'>;
  readonly isLeader: () => boolean;
  /** Nobody answers for this process any more. */
  readonly onGone: (pod: string) => void;
}

/** What runs where the Kubernetes API is used; `undefined` elsewhere. Its start waits for nothing. */
export async function kubernetesPart(parts: KubernetesParts): Promise<Part | undefined> {
  const connection = await connectKubernetes(parts.config);
  if (connection === undefined) return undefined;
  const book = new PodBook(parts.config.maxPods);
  const informer = informerOf(parts, connection, book);
  const keeper = keeperOf(parts, connection, book, informer);
  const { metrics } = parts;
  metrics.pods.observe(() => book.size);
  metrics.podWatchAge.observe(() => informer.ageMs / 1_000);
  return {
    start: () => {
      informer.start();
      keeper.start();
    },
    stop: async () => {
      // An API that says nothing must not hold up the end.
      connection.api.close();
      await keeper.stop();
      await informer.stop();
    },
  };
}

function informerOf(parts: KubernetesParts, { api, namespace }: KubeConnection, book: PodBook): PodInformer {
  const { config, clock, log, metrics, fleet, cordons, sims, onGone } = parts;
  const hints = new PodHints({
    fleet,
    sims,
    time: clock,
    heartbeatMs: config.heartbeatMs,
    onGone,
    onOutcome: (outcome) => metrics.podHints.add(1, { outcome }),
    onError: (error) => log.warn({ err: error }, 'a simulation process could not be asked'),
  });
  return new PodInformer({
    api,
    namespace,
    book,
    clock,
    random: Math.random,
    log,
    limits: config,
    onChange: (pods) => {
      cordons.replace(closed(book), config.bufferMovesGames ? leaving(book) : []);
      hints.check(pods);
    },
    onFailure: (reason) => metrics.podWatchFailures.add(1, { reason }),
  });
}

/** Pods that are to get no more games: cordoned ones, and those that were told to stop. */
function* closed(book: PodBook): Generator<string> {
  for (const { name, cordonedBy, isTerminating } of book.pods())
    if (cordonedBy !== undefined || isTerminating) yield name;
}

/** Pods that the buffer is about to take away. */
function* leaving(book: PodBook): Generator<string> {
  for (const { name, cordonedBy } of book.pods()) if (cordonedBy === 'buffer') yield name;
}

function keeperOf(
  parts: KubernetesParts,
  { api, namespace }: KubeConnection,
  book: PodBook,
  informer: PodInformer,
): Repeater {
  const { config, clock, log, metrics, fleet, isLeader } = parts;
  const keeper = new PodKeeper({
    cluster: new Cluster({
      api,
      namespace,
      deployment: config.deployment,
      clock,
      log,
      retryMs: config.kubeForbiddenRetryMs,
    }),
    book,
    fleet,
    scaler: scalerOf(config),
    isLeader,
    isFresh: () => book.isListed && informer.ageMs < config.relistMs * STALE_LISTS,
    clock,
    log,
    marksMs: config.marksMs,
    onPatch: (outcome) => metrics.podPatches.add(1, { outcome }),
    onDecision: (decision, replicas) => noteDecision(metrics, decision, replicas),
  });
  return new Repeater({
    clock,
    periodMs: config.bufferCheckMs,
    run: () => keeper.run(),
    onError: (error) =>
      log.debug({ err: error }, 'the pods could not be marked or scaled; the next pass will'),
  });
}

function scalerOf(config: KubernetesParts['config']): BufferScaler | undefined {
  if (config.bufferSlots === 0) return undefined;
  return new BufferScaler({
    freeSlots: config.bufferSlots,
    minReplicas: config.bufferMinReplicas,
    maxReplicas: Math.max(config.bufferMinReplicas, config.bufferMaxReplicas),
    hysteresisSlots: config.bufferHysteresisSlots,
    stableMs: config.bufferStableMs,
    settleMs: config.bufferSettleMs,
    movesGames: config.bufferMovesGames,
  });
}

function noteDecision(metrics: KubernetesParts['metrics'], decision: ScaleDecision, replicas: number): void {
  metrics.bufferFreeSlots.set(decision.freeSlots);
  metrics.bufferReplicas.set(decision.replicas ?? replicas);
  if (decision.replicas === undefined) return;
  metrics.bufferScalings.add(1, { direction: decision.replicas > replicas ? 'up' : 'down' });
}
