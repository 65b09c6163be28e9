import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { KitMetrics } from './kit-metrics.ts';

type Done = Parameters<SpanExporter['export']>[1];

const SUCCESS = 0;
const MAX_QUEUED_SPANS = 2_048;

/** Batches spans towards a collector that may be slow or away: what waits is bounded, what is lost is counted. */
export function countedSpanProcessor(exporter: SpanExporter, metrics: KitMetrics): SpanProcessor {
  let waiting = 0;
  const counted: SpanExporter = {
    export(spans: ReadableSpan[], done: Done) {
      exporter.export(spans, (result) => {
        waiting -= spans.length;
        metrics.spans.add(spans.length, { outcome: result.code === SUCCESS ? 'exported' : 'failed' });
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
  const batch = new BatchSpanProcessor({
    exporter: counted,
    maxQueueSize: MAX_QUEUED_SPANS,
    maxExportBatchSize: 512,
    scheduledDelayMillis: 1_000,
    exportTimeoutMillis: 10_000,
  });
  return {
    onStart: (span, context) => batch.onStart(span, context),
    onEnd(span) {
      if ((span.spanContext().traceFlags & 1) === 0) return;
      if (waiting >= MAX_QUEUED_SPANS) {
        metrics.spans.add(1, { outcome: 'dropped' });
        return;
      }
      waiting += 1;
      batch.onEnd(span);
    },
    forceFlush: () => batch.forceFlush(),
    shutdown: () => batch.shutdown(),
  };
}
