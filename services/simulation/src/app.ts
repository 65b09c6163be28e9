import { randomBytes } from 'node:crypto';
import { gameId, snapshotStreamName, subjectsFor } from '@breakwater/bus';
import { type ServiceConfig, type ServiceContext, untilReachable } from '@breakwater/service-kit';
import { drainGames } from './adapters/drain.ts';
import { EdgePresence } from './adapters/edge-presence.ts';
import { ensureStreams } from './adapters/ensure-streams.ts';
import { followGame, wireGame } from './adapters/game-wires.ts';
import { livePort } from './adapters/live-port.ts';
import { loadGames } from './adapters/load-games.ts';
import { NatsChain } from './adapters/nats-chain.ts';
import { natsLedger } from './adapters/nats-ledger.ts';
import { observeHost } from './adapters/observer.ts';
import { Sweeper } from './adapters/retention.ts';
import { roomyLogs } from './adapters/roomy-logs.ts';
import { SimRequests } from './adapters/sim-requests.ts';
import { Status } from './adapters/status.ts';
import { StreamWatch } from './adapters/stream-watch.ts';
import type { schema } from './config.ts';
import { EdgeWatch } from './domain/edge-watch.ts';
import { Host } from './domain/host.ts';
import type { NonCommand } from './domain/inputs.ts';
import { DEFAULT_OWNER_OPTIONS } from './domain/owner-types.ts';
import { Report } from './domain/report.ts';
import { DEFAULT_SCHEDULE, TickSchedule } from './domain/schedule.ts';
import { TickTimes } from './domain/tick-times.ts';
import { metrics as metricTable } from './metrics.ts';

/** What a stop without drain gives the games for a last append and snapshot. */
const STOP_MS = 1_500;
/** Subject, headers and what a snapshot has around its state. */
const RECORD_HEADROOM_BYTES = 16_384;
const MAX_EDGES = 10_000;
/** A process that stood still for so many heartbeats may have lost its games to others. */
const STALL_HEARTBEATS = 3;
const MAX_TAIL_CHECKS = 32;
const MAX_EDGE_CHECK_MS = 1_000;

/** Composes simulation. The order of the parts is the order in which they start. */
export async function app(context: ServiceContext<ServiceConfig<typeof schema>>): Promise<void> {
  const { config, nats, clock, lifecycle, log, tracer } = context;
  const { partitions, replicas, instance: pod } = config;
  const metrics = context.metrics.register(metricTable);
  const subjects = subjectsFor(partitions);
  const types = await loadGames(config.gameFolders);
  const maxRecordBytes = nats.maxPayloadBytes - RECORD_HEADROOM_BYTES;
  if (config.maxStateBytes > maxRecordBytes) {
    throw new Error(
      `the largest state (${config.maxStateBytes} bytes) does not fit into a message of this NATS server (${nats.maxPayloadBytes} bytes)`,
    );
  }

  const recordLimits = { maxBytes: config.gameStreamBytes, maxRecordsPerGame: config.maxRecordsPerGame };
  const sizes = {
    partitions,
    games: { replicas, ...recordLimits },
    snapshots: { replicas, maxBytes: config.snapshotStreamBytes },
    ledger: {
      replicas,
      maxBytes: config.ledgerStreamBytes,
      maxRecordsPerUser: config.maxLedgerRecordsPerUser,
    },
  };
  const remade = new Set<string>();
  const streams = await untilReachable(
    () => ensureStreams({ nats, log, clock }, sizes, (stream) => void remade.add(stream)),
    { log, signal: lifecycle.ending },
  );
  const watch = new StreamWatch({ nats, clock, log }, streams, remade, config.streamCheckMs);
  metrics.lostStreams.observe(() => watch.lostStreams);
  lifecycle.add('streams', watch);

  const { appendTimeoutMs } = config;
  const chain = (stream: string, subject: string, spanName: string, records: 'many' | 'few' = 'few') =>
    new NatsChain(nats, tracer, { stream, subject, spanName, records, appendTimeoutMs });
  const ledger = { nats, subjects, partitions, maxGames: config.maxLedgerGames, chain };
  const logOf = roomyLogs({ nats, subjects, clock, partitions, limits: sizes.games }, chain);
  const portsOf = (game: string) => ({
    log: logOf(game),
    snapshots: chain(
      snapshotStreamName(gameId(game), partitions),
      subjects.gameSnapshots(gameId(game)),
      'simulation.snapshot',
    ),
    ledger: natsLedger(ledger, game),
    clock,
    random: Math.random,
  });

  const nonce = () => randomBytes(12).toString('base64url');
  const ticks = new TickTimes();
  const report = new Report();
  const scheduleOptions = {
    ...DEFAULT_SCHEDULE,
    quantumMs: config.tickQuantumMs,
    maxCatchUpTicks: config.maxCatchUpTicks,
  };
  const schedule = new TickSchedule(clock, scheduleOptions, (error) =>
    log.error({ err: error }, 'a tick threw'),
  );
  const onBadInput = () => metrics.badInputs.add(1);
  const tellOwners = (input: NonCommand) => {
    for (const owner of host.owners()) owner.receive(input);
  };
  const edges = new EdgeWatch(
    clock,
    { silentAfterMs: config.edgeSilentMs, maxEdges: MAX_EDGES },
    {
      onLost: (lost) => tellOwners({ kind: 'edges_lost', edges: lost }),
      onBack: (edge) => tellOwners({ kind: 'edge_back', edge }),
    },
  );
  const wires = { nats, subjects, log, onBadInput, onEdge: (edge: string) => edges.expect([edge]) };
  const host = new Host(
    {
      portsOf,
      wire: (game, owner) => wireGame(wires, game, owner),
      follow: (game, hear) => followGame(wires, game, hear),
      live: (game) => livePort({ nats, subjects, tracer }, game),
      nonce,
      clock,
      random: Math.random,
    },
    types,
    schedule,
    report,
    observeHost(metrics, log, ticks),
    {
      pod,
      maxGames: config.maxGames,
      hostTimeoutMs: config.hostTimeoutMs,
      maxStateBytes: config.maxStateBytes,
      rejoinMs: config.volatileRejoinMs,
      owner: { ...DEFAULT_OWNER_OPTIONS, ...config, maxRecordBytes },
      tailChecks: {
        everyMs: config.tailCheckMs,
        stallMs: config.heartbeatMs * STALL_HEARTBEATS,
        maxAtOnce: MAX_TAIL_CHECKS,
      },
      warm: { maxWarm: config.maxWarmGames, keepMs: config.warmKeepMs },
    },
  );
  metrics.pendingAwards.observe(() =>
    Array.from(host.owners()).reduce((sum, owner) => sum + owner.pendingAwards, 0),
  );
  metrics.endingGames.observe(() => host.owners().filter((owner) => owner.awaitsLedger).length);
  metrics.players.observe(() => host.lines().reduce((sum, { players }) => sum + players, 0));
  metrics.warmGames.observe(() => host.warmGames);
  for (const state of ['running', 'sleeping'] as const) {
    metrics.games.observe(() => host.lines().filter((line) => line.state === state).length, { state });
  }

  const incarnation = randomBytes(8).toString('base64url');
  const statusOptions = { ...config, pod, incarnation };
  const status = new Status(nats, subjects, clock, { host, report, ticks, types }, statusOptions);

  const sweeper = new Sweeper(
    {
      nats,
      subjects,
      clock,
      log,
      nonce,
      chain: logOf,
      onAct: (act) => metrics.retention.add(1, { act }),
    },
    { ...config, pod, sweepMs: config.retentionSweepMs },
  );
  lifecycle.add('retention', sweeper);
  const unlisten = [nats.onReconnect(() => host.onGap()), nats.onSlowConsumer(() => host.onGap())];
  lifecycle.add('gaps', {
    stop: () => {
      for (const end of unlisten) end();
    },
  });

  // Said before anything waits: the matchmaker shall begin to move the games now.
  const announceDrain = () => {
    if (lifecycle.state !== 'draining') return;
    host.beginDrain();
    status.publish();
  };
  lifecycle.ending.addEventListener('abort', announceDrain, { once: true });
  lifecycle.addLastWord(() => {
    host.abandonAll();
    status.publishLeaving();
    return nats.flush();
  });
  lifecycle.add('games', {
    drain: (drain) =>
      drainGames({ nats, subjects, clock, log }, host, { ...config, pod }, drain, () => status.publish()),
    stop: async () => {
      await host.leaveAll(AbortSignal.timeout(STOP_MS));
      schedule.stop();
      status.publishLeaving();
    },
  });
  const checkMs = Math.min(MAX_EDGE_CHECK_MS, config.edgeSilentMs / 8);
  lifecycle.add('edges', new EdgePresence(nats, subjects, clock, edges, checkMs, onBadInput));
  lifecycle.add('requests', new SimRequests(nats, subjects, pod, host, log));
  lifecycle.add('status', status);
  log.info({ types: [...types.keys()], maxGames: config.maxGames }, 'games that can be hosted');
}
