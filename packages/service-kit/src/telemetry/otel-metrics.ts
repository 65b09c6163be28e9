import { ValueType } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Metric, MetricRegistry, Series } from './metrics.ts';

type HrTime = [seconds: number, nanoseconds: number];

function hrTime(unixMs: number): HrTime {
  const seconds = Math.floor(unixMs / 1000);
  return [seconds, Math.round((unixMs - seconds * 1000) * 1e6)];
}

/**
 * Shows a registry to OpenTelemetry as it is at the moment of export. The numbers stay plain numbers:
 * nothing is paid for the SDK while they are counted, and histograms keep their own buckets.
 */
export class RegistryProducer implements MetricProducer {
  readonly #registry: MetricRegistry;
  readonly #resource: Resource;
  readonly #scope: { name: string };
  readonly #startTime = hrTime(Date.now());

  constructor(registry: MetricRegistry, resource: Resource, scope: string) {
    this.#registry = registry;
    this.#resource = resource;
    this.#scope = { name: scope };
  }

  collect(): Promise<CollectionResult> {
    const endTime = hrTime(Date.now());
    const metrics = [...this.#registry.metrics()].map((metric) => this.#toData(metric, endTime));
    return Promise.resolve({
      resourceMetrics: { resource: this.#resource, scopeMetrics: [{ scope: this.#scope, metrics }] },
      errors: [],
    });
  }

  #points<T>(metric: Metric, endTime: HrTime, read: (series: Series) => T): DataPoint<T>[] {
    const names = metric.definition.labels ?? [];
    return [...metric.series()].map((series) => ({
      startTime: this.#startTime,
      endTime,
      attributes: Object.fromEntries(names.map((name, i) => [name, series.labels[i] ?? ''])),
      value: read(series),
    }));
  }

  #toData(metric: Metric, endTime: HrTime): MetricData {
    const { name, doc, unit, kind, buckets } = metric.definition;
    const descriptor = { name, description: doc, unit, valueType: ValueType.DOUBLE };
    const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
    if (kind === 'histogram') {
      const dataPoints = this.#points(metric, endTime, (series) => ({
        buckets: { boundaries: [...(buckets ?? [])], counts: [...series.counts] },
        sum: series.sum,
        count: series.count,
      }));
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
    const dataPoints = this.#points(metric, endTime, (series) => series.current() ?? 0);
    if (kind === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
    return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
  }
}
