import { metrics, trace } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
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
 * Starts the Node SDK with our exporters, and nothing else of it: no instrumentation, no detectors. It registers
 * itself globally, so one service of a process can be traced at a time.
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
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(target(options.endpoint, 'metrics')),
    exportIntervalMillis: options.intervalMs,
    exportTimeoutMillis: Math.min(EXPORT_TIMEOUT_MS, options.intervalMs),
    metricProducers: [new RegistryProducer(options.registry, resource, SCOPE)],
  });
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    instrumentations: [],
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }),
    spanProcessors: [spans],
    metricReaders: [reader],
    logRecordProcessors: [],
  });
  sdk.start();
  return {
    tracer: new OpenTelemetryTracer(trace.getTracer(SCOPE)),
    stop: async (timeoutMs) => {
      const ended = sdk.shutdown().catch(() => undefined);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      await Promise.race([ended, late]);
      clearTimeout(timer);
      trace.disable();
      metrics.disable();
    },
  };
}
