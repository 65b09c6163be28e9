import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { countedSpanProcessor } from './counted-export.ts';
import { RegistryProducer } from './otel-metrics.ts';
import { OpenTelemetryTracer } from './otel-tracer.ts';
import type { Telemetry, TelemetryOptions } from './telemetry.ts';

const EXPORT_TIMEOUT_MS = 5_000;
const SCOPE = 'breakwater';

function target(endpoint: string, path: string): { url: string; timeoutMillis: number } {
  return { url: `${endpoint.replace(/\/+$/, '')}/v1/${path}`, timeoutMillis: EXPORT_TIMEOUT_MS };
}

/**
 * Starts the exporters. Built from the parts of the SDK instead of its Node bundle, which loads five more
 * exporters and registers itself globally; here nothing is global, so that two services fit in one process.
 */
export function startOpenTelemetry(options: TelemetryOptions & { endpoint: string }): Telemetry {
  const resource = resourceFromAttributes({
    'service.name': `breakwater-${options.service}`,
    'service.instance.id': options.instance,
    'service.namespace': 'breakwater',
  });
  const spans = countedSpanProcessor(
    new OTLPTraceExporter(target(options.endpoint, 'traces')),
    options.metrics,
  );
  const traces = new TracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }),
    spanProcessors: [spans],
  });
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(target(options.endpoint, 'metrics')),
    exportIntervalMillis: options.intervalMs,
    exportTimeoutMillis: Math.min(EXPORT_TIMEOUT_MS, options.intervalMs),
    metricProducers: [new RegistryProducer(options.registry, resource, SCOPE)],
  });
  const meters = new MeterProvider({ resource, readers: [reader] });
  return {
    tracer: new OpenTelemetryTracer(traces.getTracer(SCOPE)),
    stop: async (timeoutMs) => {
      const ended = Promise.allSettled([traces.shutdown(), meters.shutdown()]);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      await Promise.race([ended, late]);
      clearTimeout(timer);
    },
  };
}
