import { type Clock, systemClock } from './clock.ts';
import type { CommonSchema, ProcessSchema } from './config/common.ts';
import { type Config, type Environment, loadConfig, type Schema } from './config/load.ts';
import { Health } from './health/checks.ts';
import { EventLoopLag } from './health/event-loop.ts';
import { AdminServer } from './health/server.ts';
import { Lifecycle, type ShutdownResult } from './lifecycle/lifecycle.ts';
import { createLogOutput, type Logger, type LogOutput } from './log/logger.ts';
import { connectBus, type NatsBus } from './nats/bus.ts';
import { type KitMetrics, kitMetrics } from './telemetry/kit-metrics.ts';
import { MetricRegistry } from './telemetry/metrics.ts';
import { observeProcess } from './telemetry/process-metrics.ts';
import { startTelemetry, type Telemetry } from './telemetry/telemetry.ts';
import { noopTracer, type Tracer } from './telemetry/tracer.ts';

/** Fields that a service adds to its `ready` line. */
export type Announcement = Readonly<Record<string, string | number>>;

/** What the `app` of a service without NATS gets. */
export interface BareContext<C> {
  readonly config: C;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly health: Health;
  /** `metrics.register(table)` gives the handles of the service's own table. */
  readonly metrics: MetricRegistry;
  readonly tracer: Tracer;
  readonly clock: Clock;
  /** Adds fields to the one `ready` log line, such as a public port. Call it before the start is over. */
  announce(fields: Announcement): void;
}

/** What the `app` of a service gets. */
export interface ServiceContext<C> extends BareContext<C> {
  readonly nats: NatsBus;
}

/** Parsed settings of a service whose own settings are `S`. */
export type ServiceConfig<S extends Schema> = Config<S & CommonSchema>;
export type BareServiceConfig<S extends Schema> = Config<S & ProcessSchema>;

export interface BareServiceDefinition<S extends Schema> {
  /** `edge`, `chat`, …: the service's name in logs, metrics and variables. */
  readonly name: string;
  /** `{ ...processSettings, … }` */
  readonly schema: S & ProcessSchema;
  /** Adds the parts of the service to `context.lifecycle`; they start in that order once this returns. */
  readonly app: (context: BareContext<BareServiceConfig<S>>) => void | Promise<void>;
}

export interface ServiceDefinition<S extends Schema> {
  readonly name: string;
  /** `{ ...commonSettings, … }` */
  readonly schema: S & CommonSchema;
  /** At the start nobody is ready before NATS. Later: does the service stay ready while NATS is away? */
  readonly readyWithoutNats: boolean;
  /** Called once NATS is connected. Adds parts to `context.lifecycle`; they start in that order once this returns. */
  readonly app: (context: ServiceContext<ServiceConfig<S>>) => void | Promise<void>;
}

/** A running service inside this process. */
export interface RunningService extends AsyncDisposable {
  readonly instance: string;
  /** Admin port. */
  readonly httpPort: number;
  /** What the service announced, such as `port`. */
  readonly announced: Announcement;
  readonly health: Health;
  readonly log: Logger;
  shutdown(options: { drain: boolean }): Promise<ShutdownResult>;
}

/** The parts of a service before its `app`: made once, used by both kinds. */
export interface Foundation<C> {
  readonly context: BareContext<C>;
  readonly output: LogOutput;
  readonly kit: KitMetrics;
  readonly admin: AdminServer;
  readonly announced: Announcement;
}

type ProcessConfig = Config<ProcessSchema>;

/** A tracer that stands in until telemetry has started. */
class LateTracer implements Tracer {
  #tracer: Tracer = noopTracer;

  use(tracer: Tracer): void {
    this.#tracer = tracer;
  }

  get enabled(): boolean {
    return this.#tracer.enabled;
  }

  startSpan: Tracer['startSpan'] = (name, parent, attributes) =>
    this.#tracer.startSpan(name, parent, attributes);
  withSpan: Tracer['withSpan'] = (name, parent, fn, attributes) =>
    this.#tracer.withSpan(name, parent, fn, attributes);
  inject: Tracer['inject'] = (parent, headers) => this.#tracer.inject(parent, headers);
  extract: Tracer['extract'] = (headers) => this.#tracer.extract(headers);
}

function addTelemetry(
  lifecycle: Lifecycle,
  name: string,
  config: ProcessConfig,
  registry: MetricRegistry,
  kit: KitMetrics,
  tracer: LateTracer,
): void {
  let telemetry: Telemetry | undefined;
  lifecycle.add('telemetry', {
    start: async () => {
      telemetry = await startTelemetry({
        service: name,
        instance: config.instance,
        endpoint: config.otlpEndpoint,
        intervalMs: config.otlpIntervalMs,
        sampleRatio: config.traceSampleRatio,
        registry,
        metrics: kit,
      });
      tracer.use(telemetry.tracer);
    },
    stop: () => telemetry?.stop(1_500),
  });
}

function addHealth(
  lifecycle: Lifecycle,
  health: Health,
  kit: KitMetrics,
  config: ProcessConfig,
  output: LogOutput,
): void {
  let lag: EventLoopLag | undefined;
  health.addLiveness('event_loop', () => {
    const lagMs = lag?.lagMs() ?? 0;
    return lagMs < config.livenessLagMs
      ? undefined
      : `the event loop was blocked for ${Math.round(lagMs)} ms`;
  });
  lifecycle.add('event-loop-watch', {
    start: () => {
      lag = new EventLoopLag();
      observeProcess(kit, { lagMs: () => lag?.lagMs() ?? 0, droppedLogLines: () => output.droppedLines() });
    },
    stop: () => lag?.[Symbol.dispose](),
  });
}

/** Config to admin server: what every service has. Nothing is started yet. */
export function lay<C extends ProcessConfig>(name: string, config: C, output: LogOutput): Foundation<C> {
  const { log } = output;
  const lifecycle = new Lifecycle({
    log,
    drainDelayMs: config.drainDelayMs,
    drainDeadlineMs: config.drainDeadlineMs,
    stopDeadlineMs: config.stopDeadlineMs,
  });
  const metrics = new MetricRegistry();
  const kit = metrics.register(kitMetrics);
  const health = new Health();
  const tracer = new LateTracer();
  const admin = new AdminServer({ host: config.httpHost, port: config.httpPort, health, registry: metrics });
  const announced: Record<string, string | number> = {};
  lifecycle.ending.addEventListener('abort', () => health.markEnding(), { once: true });
  addTelemetry(lifecycle, name, config, metrics, kit, tracer);
  addHealth(lifecycle, health, kit, config, output);
  lifecycle.add('admin-server', { start: () => admin.start(), stop: () => admin.stop() });
  const announce = (fields: Announcement) => void Object.assign(announced, fields);
  const context = { config, log, lifecycle, health, metrics, tracer, clock: systemClock, announce };
  return { context, output, kit, admin, announced };
}

type CommonConfig = Config<CommonSchema>;

/** Adds NATS and then the app, which needs it. */
function addNats<C extends CommonConfig>(
  foundation: Foundation<C>,
  name: string,
  readyWithoutNats: boolean,
  app: (context: ServiceContext<C>) => void | Promise<void>,
): void {
  const { context, kit } = foundation;
  const { config, log, lifecycle, health } = context;
  let nats: NatsBus | undefined;
  let wasConnected = false;
  health.addLiveness('nats_closed', () =>
    nats?.isClosed && lifecycle.state === 'running' ? 'the NATS connection is closed for good' : undefined,
  );
  health.addReadiness('nats', () => {
    wasConnected ||= nats?.isConnected ?? false;
    if (nats?.serverFault !== undefined) return nats.serverFault;
    const mayBeAway = wasConnected && readyWithoutNats;
    return mayBeAway || nats?.isConnected ? undefined : 'not connected to NATS';
  });
  lifecycle.add('nats', {
    start: async () => {
      const options = {
        servers: config.natsUrl,
        name: config.instance,
        log,
        metrics: kit,
        user: config.natsUser,
        password: config.natsPassword?.reveal(),
        caFile: config.natsCaFile,
      };
      nats = await connectBus(options, lifecycle.ending);
      wasConnected = true;
      nats.assertServer({ replicas: config.replicas });
    },
    stop: () => nats?.drain(),
  });
  lifecycle.add(name, {
    start: async () => {
      if (nats !== undefined) await app({ ...context, nats });
    },
  });
}

async function start<C extends ProcessConfig>(
  { context, admin, announced }: Foundation<C>,
  readyLog: Logger = context.log,
): Promise<RunningService> {
  const { config, log, lifecycle, health } = context;
  try {
    await lifecycle.start();
  } catch (cause) {
    await lifecycle.shutdown({ drain: false });
    throw cause;
  }
  health.markStarted();
  readyLog.info({ ...announced, httpPort: admin.port }, 'ready');
  const shutdown = async (options: { drain: boolean }) => {
    log.info({ drain: options.drain }, 'shutting down');
    const result = await lifecycle.shutdown(options);
    log.info({ clean: result.clean, faults: result.faults }, 'stopped');
    return result;
  };
  return {
    instance: config.instance,
    httpPort: admin.port,
    announced,
    health,
    log,
    shutdown,
    [Symbol.asyncDispose]: async () => void (await shutdown({ drain: false })),
  };
}

function outputFor(name: string, config: ProcessConfig): LogOutput {
  return createLogOutput({
    service: name,
    instance: config.instance,
    level: config.logLevel,
    bufferBytes: config.logBufferBytes,
  });
}

/** A laid-out service: its lifecycle is there before it starts, so that signals can end it at any time. */
export interface PreparedService {
  readonly lifecycle: Lifecycle;
  readonly output: LogOutput;
  /** @param readyLog writes the one `ready` line; default the service's log */
  start(readyLog?: Logger): Promise<RunningService>;
}

export function prepareService<S extends Schema>(
  definition: ServiceDefinition<S>,
  env: Environment,
  output?: LogOutput,
): PreparedService {
  const { name, schema, readyWithoutNats, app } = definition;
  const config = loadConfig(name, schema, env) as ServiceConfig<S> & CommonConfig;
  const foundation = lay(name, config, output ?? outputFor(name, config));
  addNats(
    foundation,
    name,
    readyWithoutNats,
    app as (context: ServiceContext<typeof config>) => void | Promise<void>,
  );
  return {
    lifecycle: foundation.context.lifecycle,
    output: foundation.output,
    start: (readyLog) => start(foundation, readyLog),
  };
}

export function prepareBareService<S extends Schema>(
  definition: BareServiceDefinition<S>,
  env: Environment,
  output?: LogOutput,
): PreparedService {
  const { name, schema, app } = definition;
  const config = loadConfig(name, schema, env) as BareServiceConfig<S> & ProcessConfig;
  const foundation = lay(name, config, output ?? outputFor(name, config));
  foundation.context.lifecycle.add(name, {
    start: () => app(foundation.context as BareContext<BareServiceConfig<S>>),
  });
  return {
    lifecycle: foundation.context.lifecycle,
    output: foundation.output,
    start: (readyLog) => start(foundation, readyLog),
  };
}

/** Starts a service inside this process, for tests: no signals, no `process.env`. @throws ConfigError and what the start throws */
export function startService<S extends Schema>(
  definition: ServiceDefinition<S> & { env: Environment; output?: LogOutput },
): Promise<RunningService> {
  return prepareService(definition, definition.env, definition.output).start();
}

/** The same for a service without NATS. */
export function startBareService<S extends Schema>(
  definition: BareServiceDefinition<S> & { env: Environment; output?: LogOutput },
): Promise<RunningService> {
  return prepareBareService(definition, definition.env, definition.output).start();
}
