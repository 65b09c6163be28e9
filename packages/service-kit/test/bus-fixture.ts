import { type NatsOptions, type NatsServer, startNats } from '@breakwater/testkit';
import { createLogOutput } from '../src/log/logger.ts';
import { type BusOptions, connectBus, type NatsBus } from '../src/nats/bus.ts';
import { kitMetrics } from '../src/telemetry/kit-metrics.ts';
import { MetricRegistry } from '../src/telemetry/metrics.ts';
import { renderPrometheus } from '../src/telemetry/prometheus.ts';

/** A connected bus with its own metrics. */
export interface TestBus {
  readonly bus: NatsBus;
  /** Value of a metric line, such as `breakwater_handler_errors_total`. */
  metric(line: string): number;
}

const { log } = createLogOutput({ service: 'test', instance: 'test', level: 'silent' });

export function busOptions(
  url: string,
  options: Partial<BusOptions> = {},
): { options: BusOptions; registry: MetricRegistry } {
  const registry = new MetricRegistry();
  const metrics = registry.register(kitMetrics);
  return {
    options: { servers: url.split(','), name: 'test', log, metrics, maxReconnectWaitMs: 250, ...options },
    registry,
  };
}

export async function openBus(url: string, options: Partial<BusOptions> = {}): Promise<TestBus> {
  const prepared = busOptions(url, options);
  const bus = await connectBus(prepared.options);
  const metric = (line: string) => {
    const found = renderPrometheus(prepared.registry)
      .split('\n')
      .find((text) => text.startsWith(`${line} `));
    return found === undefined ? 0 : Number(found.slice(line.length + 1));
  };
  return { bus, metric };
}

/** A server and a bus on it, ended together. */
export async function serverAndBus(
  options: NatsOptions = {},
  settings: Partial<BusOptions> = {},
): Promise<TestBus & { server: NatsServer } & AsyncDisposable> {
  const server = await startNats(options);
  const opened = await openBus(server.url, settings);
  return {
    ...opened,
    server,
    [Symbol.asyncDispose]: async () => {
      await opened.bus.drain(500);
      await server.stop();
    },
  };
}

/** Any JSON value as it is. */
export const asIs = (value: unknown): unknown => value;
