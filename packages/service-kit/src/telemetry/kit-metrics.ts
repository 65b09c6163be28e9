import { defineMetrics, type MetricHandles, SECONDS_BUCKETS } from './metrics.ts';

/** Metrics that every service has. */
export const kitMetrics = defineMetrics({
  natsConnected: {
    kind: 'gauge',
    name: 'breakwater_nats_connected',
    unit: '1',
    doc: '1 while the NATS connection stands.',
  },
  reconnects: {
    kind: 'counter',
    name: 'breakwater_nats_reconnects_total',
    unit: '1',
    doc: 'NATS connections that were re-established.',
  },
  slowConsumer: {
    kind: 'counter',
    name: 'breakwater_nats_slow_consumer_total',
    unit: '1',
    doc: 'Times that NATS cut us off because we read too slowly.',
  },
  unsent: {
    kind: 'counter',
    name: 'breakwater_nats_unsent_total',
    unit: 'messages',
    doc: 'Messages that were not published because NATS was away.',
  },
  requests: {
    kind: 'counter',
    name: 'breakwater_nats_requests_total',
    unit: 'requests',
    doc: 'Requests sent, by how they ended.',
    labels: ['outcome'],
  },
  requestSeconds: {
    kind: 'histogram',
    name: 'breakwater_nats_request_duration_seconds',
    unit: 's',
    doc: 'Time until a request was answered or given up.',
    buckets: SECONDS_BUCKETS,
  },
  commits: {
    kind: 'counter',
    name: 'breakwater_nats_commits_total',
    unit: 'messages',
    doc: 'Appends to streams, by result.',
    labels: ['result'],
  },
  commitSeconds: {
    kind: 'histogram',
    name: 'breakwater_nats_commit_duration_seconds',
    unit: 's',
    doc: 'Time until an append was acknowledged, refused or in doubt.',
    buckets: SECONDS_BUCKETS,
  },
  handled: {
    kind: 'counter',
    name: 'breakwater_nats_handled_total',
    unit: 'requests',
    doc: 'Requests answered, by outcome.',
    labels: ['outcome'],
  },
  handlerErrors: {
    kind: 'counter',
    name: 'breakwater_handler_errors_total',
    unit: '1',
    doc: 'Handlers that threw; each is one bug or one fault seen.',
  },
  busy: {
    kind: 'counter',
    name: 'breakwater_nats_busy_total',
    unit: 'requests',
    doc: 'Requests refused because too many were in flight.',
  },
  eventLoopLag: {
    kind: 'gauge',
    name: 'breakwater_event_loop_lag_seconds',
    unit: 's',
    doc: 'Longest event-loop delay of the last seconds.',
  },
  residentMemory: {
    kind: 'gauge',
    name: 'breakwater_process_resident_memory_bytes',
    unit: 'bytes',
    doc: 'Resident memory of the process.',
  },
  heapUsed: {
    kind: 'gauge',
    name: 'breakwater_process_heap_used_bytes',
    unit: 'bytes',
    doc: 'JavaScript heap in use.',
  },
  cpuSeconds: {
    kind: 'counter',
    name: 'breakwater_process_cpu_seconds_total',
    unit: 's',
    doc: 'CPU time of the process, user and system.',
  },
  startTime: {
    kind: 'gauge',
    name: 'breakwater_process_start_time_seconds',
    unit: 's',
    doc: 'When the process started, seconds since 1970.',
  },
  spans: {
    kind: 'counter',
    name: 'breakwater_telemetry_spans_total',
    unit: 'spans',
    doc: 'Recorded spans, by what became of them: exported, failed (the collector did not take them) or dropped (too many waited).',
    labels: ['outcome'],
  },
  droppedLogLines: {
    kind: 'counter',
    name: 'breakwater_log_dropped_lines_total',
    unit: 'lines',
    doc: 'Log lines dropped because nobody read the log.',
  },
});

export type KitMetrics = MetricHandles<typeof kitMetrics>;
