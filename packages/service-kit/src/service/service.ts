import { type Environment, loadConfig, type Schema } from '../config/load.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import { createLogOutput, type Logger, type LogOutput } from '../log/logger.ts';
import type {
  BareContext,
  BareServiceConfig,
  BareServiceDefinition,
  RunningService,
  ServiceConfig,
  ServiceContext,
  ServiceDefinition,
} from './definition.ts';
import { type Foundation, lay, type ProcessConfig } from './foundation.ts';
import { addNats, type CommonConfig } from './nats-part.ts';

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
