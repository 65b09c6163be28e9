import { join } from 'node:path';
import { baseEnv, projectRoot, serviceRuntime } from '../paths.ts';
import type { LogLine } from './log-line.ts';
import { launchProcess, type ManagedProcess } from './managed-process.ts';

/** The folders in `services/`. */
export const SERVICE_NAMES = ['chat', 'matchmaker', 'simulation', 'edge', 'web'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

export interface ServiceOptions {
  /** `BREAKWATER_*` and `OTEL_*` variables; PATH, HOME and the like are added. */
  env?: Readonly<Record<string, string>>;
  /** Shown in errors, default the service's name. */
  label?: string;
  /** Default 20 000 ms. */
  readyTimeoutMs?: number;
  /** The program to run instead of `services/<name>/src/main.ts`. */
  entry?: string;
  /** Sees every line from the first one on. */
  onLine?: (line: LogLine) => void;
  keepLines?: number;
}

/** What a service says when it is ready: the fields of its `ready` log line. */
export interface ReadyInfo {
  service: string;
  instance: string;
  /** Port of the health and metrics endpoints. */
  httpPort: number;
  /** Port for clients; only `edge` and `web` have one. */
  port: number | undefined;
}

/** A service process that was ready once. */
export interface ServiceProcess extends ManagedProcess {
  readonly ready: ReadyInfo;
}

/**
 * Starts `services/<name>` under Node 24 and waits for its `ready` line.
 *
 * @throws Error with the last log lines when it ends, or is not ready in time; the process is gone then
 */
export async function spawnService(name: string, options: ServiceOptions = {}): Promise<ServiceProcess> {
  const child = launchService(name, options);
  return Object.assign(child, { ready: await waitUntilReady(child, options.readyTimeoutMs ?? 20_000) });
}

/** Starts the process and does not wait. */
export function launchService(name: string, options: ServiceOptions): ManagedProcess {
  const child = launchProcess({
    name: options.label ?? name,
    command: serviceRuntime(),
    args: [options.entry ?? join(projectRoot, 'services', name, 'src/main.ts')],
    env: { ...baseEnv(), ...options.env },
    cwd: projectRoot,
    ...(options.keepLines === undefined ? {} : { keepLines: options.keepLines }),
  });
  if (options.onLine !== undefined) child.onLine(options.onLine);
  return child;
}

/** @throws Error when it ends or the time is over; it is killed then */
export async function waitUntilReady(child: ManagedProcess, timeoutMs: number): Promise<ReadyInfo> {
  try {
    return readyInfo(await child.waitForLine(isReadyLine, timeoutMs));
  } catch (error) {
    await child.kill();
    throw error;
  }
}

function isReadyLine(line: LogLine): boolean {
  return line.fields?.msg === 'ready' && typeof line.fields.service === 'string';
}

function readyInfo(line: LogLine): ReadyInfo {
  const { service, instance, httpPort, port } = line.fields ?? {};
  return {
    service: String(service),
    instance: String(instance),
    httpPort: Number(httpPort),
    port: typeof port === 'number' ? port : undefined,
  };
}
