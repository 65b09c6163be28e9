import { BUCKETS, edgeId, INSTALL_PARTITIONS_KEY, installPartitions, subjectsFor } from '@breakwater/bus';
import { CLOSE } from '@breakwater/protocol';
import {
  BusError,
  type ServiceContext,
  type ServiceDefinition,
  untilReachable,
} from '@breakwater/service-kit';
import type { Connection } from './adapters/connection.ts';
import { ControlLoop } from './adapters/control.ts';
import { Delivery } from './adapters/delivery.ts';
import type { EdgeConfig, EdgeDeps } from './adapters/deps.ts';
import { Drainer } from './adapters/drain.ts';
import { Games } from './adapters/games.ts';
import { GuestIssuer } from './adapters/guest.ts';
import { Handshake } from './adapters/handshake.ts';
import { HttpServer } from './adapters/http-server.ts';
import { Lobby } from './adapters/lobby.ts';
import { People } from './adapters/people.ts';
import { Presence } from './adapters/presence.ts';
import { ConnectionRegistry } from './adapters/registry.ts';
import { Rooms } from './adapters/rooms.ts';
import { Sessions } from './adapters/session.ts';
import { SilentGames } from './adapters/silent-games.ts';
import { TailChecks } from './adapters/tail-checks.ts';
import { Tickets } from './adapters/tickets.ts';
import { Tokens } from './adapters/tokens.ts';
import { schema } from './config.ts';
import { Outbox, type Recipient } from './fanout/outbox.ts';
import { metrics } from './metrics.ts';

/** Composes the edge. Parts start in the order in which they are added here, and stop in reverse. */
export function app(context: ServiceContext<EdgeConfig>): void {
  const { config, lifecycle } = context;
  const deps = makeDeps(context, () => registry);
  const tokens = new Tokens(config);
  const tickets = new Tickets(deps, tokens);
  const presence = new Presence(deps);
  const rooms = new Rooms(deps, presence);
  const games = new Games(deps);
  const lobby = new Lobby(deps);
  const people = new People(deps);
  const sessions = new Sessions(deps, tokens);
  const handlers = {
    ...sessions.handlers,
    ...lobby.handlers,
    ...people.handlers,
    ...rooms.handlers,
    ...games.handlers,
  };
  const control = new ControlLoop(deps, handlers, () => registry);
  const registry = new ConnectionRegistry(deps, {
    onOpen: (connection) => sessions.welcome(connection),
    onMessage: (connection, data, isBinary) => control.onMessage(connection, data, isBinary),
    onGone: (connection) => {
      rooms.onGone(connection);
      games.onGone(connection);
      lobby.onGone(connection);
      people.onGone(connection);
    },
  });
  deps.metrics.connections.observe(() => registry.size);
  const handshake = new Handshake(deps, tokens, tickets, (user) => control.forgetUser(user));
  const tails = new TailChecks(deps, function* () {
    yield* rooms.feeds;
    yield* games.feeds;
  });
  const silences = new SilentGames(deps, () => games.feeds);
  const drainer = new Drainer(deps, registry);
  const http = new HttpServer(deps, {
    handshake,
    tickets,
    guests: new GuestIssuer(deps, tokens),
    onSocket: (ws, tcp, identity) => registry.open(ws, tcp, identity),
  });

  const reach = { log: context.log, signal: lifecycle.ending };
  lifecycle.add('partitions', { start: () => untilReachable(() => checkPartitions(deps), reach) });
  lifecycle.add('tickets', { start: () => untilReachable(() => tickets.start(), reach) });
  lifecycle.add('presence', { start: () => presence.start(), stop: () => presence.stop() });
  lifecycle.add('games', { start: () => games.start(), stop: () => games.stop() });
  lifecycle.add('rooms', { stop: () => rooms.stop() });
  lifecycle.add('lobby', { stop: () => lobby.stop() });
  lifecycle.add('people', { start: () => people.start(), stop: () => people.stop() });
  lifecycle.add('tail-checks', { start: () => tails.start(), stop: () => tails.stop() });
  lifecycle.add('silent-games', { start: () => silences.start(), stop: () => silences.stop() });
  lifecycle.add('connections', {
    start: () => registry.start(),
    drain: (drain) => drainer.drain(drain),
    stop: async () => {
      await drainer.closeAll(CLOSE.restart);
      registry.stop();
    },
  });
  lifecycle.add('http', {
    start: async () => context.announce({ port: await http.start() }),
    drain: () => {
      handshake.isDraining = true;
    },
    stop: async () => {
      handshake.isDraining = true;
      await drainer.closeAll(CLOSE.restart);
      await http.stop();
    },
  });
}

/** The edge as a service, for `main.ts` and for tests. */
export const service = {
  name: 'edge',
  schema,
  readyWithoutNats: true,
  app,
} as const satisfies ServiceDefinition<typeof schema>;

function makeDeps(context: ServiceContext<EdgeConfig>, registry: () => ConnectionRegistry): EdgeDeps {
  const { config, log, clock, tracer, nats } = context;
  const handles = context.metrics.register(metrics);
  const outbox = new Outbox({
    hardLimitBytes: config.hardLimitBytes,
    listener: {
      // The outbox is only ever given connections.
      onBacklog: (recipient: Recipient) => registry().watchBacklog(recipient as Connection),
      onOverflow: (recipient: Recipient) => registry().cutOff(recipient as Connection),
      onWrite: (frames, bytes) => {
        handles.framesOut.add(frames);
        handles.bytesOut.add(bytes);
        handles.batchFrames.record(frames);
      },
    },
  });
  return {
    config,
    log,
    clock,
    tracer,
    metrics: handles,
    nats,
    subjects: subjectsFor(config.partitions),
    edge: edgeId(config.instance),
    delivery: new Delivery(outbox, handles),
  };
}

/** Another count of partitions would look for every room and game in the wrong place. */
async function checkPartitions({ nats, config }: EdgeDeps): Promise<void> {
  const { name, maxAgeMs } = BUCKETS.install;
  try {
    const bucket = await nats.openBucket(
      { name, maxAgeMs, replicas: config.replicas },
      { decode: installPartitions },
    );
    const stored = (await bucket.get(INSTALL_PARTITIONS_KEY))?.value.partitions;
    if (stored === undefined || stored === config.partitions) return;
    throw new Error(
      `BREAKWATER_PARTITIONS is ${config.partitions}, but this installation was made with ${stored}.`,
    );
  } catch (cause) {
    // Not there yet: chat writes it at its first start, from the same setting.
    if (!(cause instanceof BusError && cause.code === 'not_found')) throw cause;
  }
}
