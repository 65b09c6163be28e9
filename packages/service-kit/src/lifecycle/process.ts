import { isConfigCheck, processEnvironment } from '../config/environment.ts';
import { ConfigError, loadConfig, type Schema } from '../config/load.ts';
import type { LogOutput } from '../log/logger.ts';
import type { BareServiceDefinition, RunningService, ServiceDefinition } from '../service/definition.ts';
import { type PreparedService, prepareBareService, prepareService } from '../service/service.ts';

const LOG_FLUSH_MS = 500;
const LAST_WORDS_MS = 300;

async function exit(code: number, output?: LogOutput): Promise<never> {
  await output?.flush(LOG_FLUSH_MS);
  process.exit(code);
}

function checkConfig(name: string, schema: Schema): never {
  try {
    loadConfig(name, schema, processEnvironment());
    process.stdout.write(`${name}: settings OK\n`);
    return process.exit(0);
  } catch (cause) {
    process.stdout.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
    return process.exit(1);
  }
}

/** SIGTERM drains, SIGINT does not (a developer's Ctrl-C waits for nothing to move); a second signal exits at once. */
function installSignals(prepared: PreparedService): () => boolean {
  const { lifecycle, output } = prepared;
  let signalled = false;
  const onSignal = (signal: 'SIGTERM' | 'SIGINT') => {
    if (signalled) {
      output.log.warn({ signal }, 'second signal: leaving at once');
      void exit(1, undefined);
      return;
    }
    signalled = true;
    output.log.info({ signal }, 'shutting down');
    void lifecycle.shutdown({ drain: signal === 'SIGTERM' }).then(({ clean, faults }) => {
      output.log.info({ clean, faults }, 'stopped');
      return exit(clean ? 0 : 1, output);
    });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return () => signalled;
}

function installLastWords({ lifecycle, output }: PreparedService): void {
  const onFatal = (kind: string) => (cause: unknown) => {
    output.log.fatal({ err: cause }, kind);
    void lifecycle.sayLastWords(LAST_WORDS_MS).then(() => exit(1, output));
  };
  process.on('uncaughtException', onFatal('uncaught exception'));
  process.on('unhandledRejection', onFatal('unhandled rejection'));
}

function prepareOrExit(prepare: () => PreparedService): PreparedService {
  try {
    return prepare();
  } catch (cause) {
    process.stderr.write(`${cause instanceof ConfigError ? cause.message : String(cause)}\n`);
    return process.exit(1);
  }
}

async function run(name: string, schema: Schema, prepare: () => PreparedService): Promise<RunningService> {
  if (isConfigCheck()) checkConfig(name, schema);
  const prepared = prepareOrExit(prepare);
  const isSignalled = installSignals(prepared);
  installLastWords(prepared);
  try {
    // Launchers wait for this line, so it does not depend on the level.
    return await prepared.start(prepared.output.log.child({}, { level: 'info' }));
  } catch (cause) {
    if (isSignalled()) return new Promise(() => undefined);
    const why = cause instanceof Error ? cause.message : String(cause);
    prepared.output.log.fatal({ err: cause }, `the service could not start: ${why}`);
    return exit(1, prepared.output);
  }
}

/**
 * Runs a service as this process: settings, logs, telemetry, health, NATS, then `app`; ends it on signals.
 * With `--check-config` it prints whether the settings are good and exits 0 or 1.
 */
export function runService<S extends Schema>(definition: ServiceDefinition<S>): Promise<RunningService> {
  return run(definition.name, definition.schema, () => prepareService(definition, processEnvironment()));
}

/** The same for a service that does not use NATS. */
export function runBareService<S extends Schema>(
  definition: BareServiceDefinition<S>,
): Promise<RunningService> {
  return run(definition.name, definition.schema, () => prepareBareService(definition, processEnvironment()));
}
