export { type Cancel, type Clock, systemClock } from './clock.ts';
export {
  type CommonSchema,
  commonSettings,
  natsSettings,
  type ProcessSchema,
  processSettings,
} from './config/common.ts';
export {
  type Config,
  ConfigError,
  type ConfigFault,
  type Environment,
  loadConfig,
  type Schema,
} from './config/load.ts';
export { SETTINGS_MARKDOWN_HEAD, settingsMarkdownRows } from './config/markdown.ts';
export { Secret } from './config/secret.ts';
export { type Parsed, type Setting, setting } from './config/setting.ts';
export { type Check, Health, type HealthReport } from './health/checks.ts';
export { KeyedLock } from './keyed-lock.ts';
export {
  type DrainContext,
  Lifecycle,
  type LifecycleOptions,
  type LifecycleState,
  type Part,
  type ShutdownResult,
} from './lifecycle/lifecycle.ts';
export { runBareService, runService } from './lifecycle/process.ts';
export { createLogOutput, type Logger, type LoggerOptions, type LogOutput } from './log/logger.ts';
export {
  Bucket,
  type BucketChange,
  type BucketEntry,
  type BucketOptions,
  type BucketWatch,
  type BucketWatchOptions,
  type WriteOptions,
} from './nats/bucket.ts';
export {
  type BusOptions,
  connectBus,
  NatsBus,
  type PublishOptions,
  type RequestOptions,
  type Unlisten,
} from './nats/bus.ts';
export type { CommitOptions, CommitResult } from './nats/commit.ts';
export type { BucketDefinition, StreamDefinition } from './nats/definitions.ts';
export {
  BUS_ERROR_CODES,
  BusError,
  type BusErrorCode,
  type RemoteError,
  ReplyError,
  ServerVersionError,
  StreamMismatchError,
} from './nats/errors.ts';
export type {
  BusSubscription,
  HandleOptions,
  Handler,
  HandlerResult,
  SubscribeOptions,
} from './nats/handlers.ts';
export { BusMessage, type HeaderRecord, type Payload } from './nats/message.ts';
export type { WatchedMessage, WatchListener } from './nats/ordered-watch.ts';
export type { Good, ReplyDecoding } from './nats/reply.ts';
export type { StoredMessage } from './nats/stored-message.ts';
export type { ReadOptions, StreamState, SubjectPage } from './nats/stream-reads.ts';
export { isPassing, untilReachable } from './nats/until-reachable.ts';
export { assertServerVersion, type ServerNeeds, serverFault } from './nats/version.ts';
export type {
  Announcement,
  BareContext,
  BareServiceConfig,
  BareServiceDefinition,
  RunningService,
  ServiceConfig,
  ServiceContext,
  ServiceDefinition,
} from './service/definition.ts';
export { startBareService, startService } from './service/service.ts';
export { type KitMetrics, kitMetrics } from './telemetry/kit-metrics.ts';
export { METRICS_MARKDOWN_HEAD, metricsMarkdownRows } from './telemetry/markdown.ts';
export {
  type Counter,
  defineMetrics,
  type Gauge,
  type Histogram,
  type MetricDefinition,
  type MetricHandles,
  MetricRegistry,
  type MetricTable,
  SECONDS_BUCKETS,
} from './telemetry/metrics.ts';
export { renderPrometheus } from './telemetry/prometheus.ts';
export {
  type Attributes,
  noopTracer,
  parseTraceParent,
  type Span,
  TRACEPARENT_HEADER,
  type TraceParent,
  type Tracer,
} from './telemetry/tracer.ts';
