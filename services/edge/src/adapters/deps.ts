import type { EdgeId, Subjects } from '@breakwater/bus';
import type { Clock, Logger, MetricHandles, NatsBus, ServiceConfig, Tracer } from '@breakwater/service-kit';
import type { schema } from '../config.ts';
import type { metrics } from '../metrics.ts';
import type { Delivery } from './delivery.ts';

export type EdgeConfig = ServiceConfig<typeof schema>;
export type EdgeMetrics = MetricHandles<typeof metrics>;

/** What the parts of the edge share. */
export interface EdgeDeps {
  readonly config: EdgeConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly metrics: EdgeMetrics;
  readonly nats: NatsBus;
  readonly subjects: Subjects;
  /** This process. */
  readonly edge: EdgeId;
  readonly delivery: Delivery;
}
