import type { KitMetrics } from './kit-metrics.ts';
import type { MetricRegistry } from './metrics.ts';
import { noopTracer, type Tracer } from './tracer.ts';

export interface TelemetryOptions {
  service: string;
  instance: string;
  /** Collector, OTLP over HTTP; unset: nothing of OpenTelemetry is loaded. */
  endpoint: string | undefined;
  intervalMs: number;
  sampleRatio: number;
  registry: MetricRegistry;
  metrics: KitMetrics;
}

export interface Telemetry {
  readonly tracer: Tracer;
  /** Sends what is left and stops, at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

const OFF: Telemetry = { tracer: noopTracer, stop: async () => undefined };

/** Starts OpenTelemetry if there is somewhere to send to. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  if (options.endpoint === undefined) return OFF;
  const { startOpenTelemetry } = await import('./open-telemetry.ts');
  return startOpenTelemetry({ ...options, endpoint: options.endpoint });
}
