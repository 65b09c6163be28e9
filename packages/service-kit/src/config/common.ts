import { setting } from './setting.ts';

/** Settings of every process, with or without NATS. */
export const processSettings = {
  instance: setting.string({
    env: 'BREAKWATER_INSTANCE',
    doc: 'Name of this process, unique in the installation: the pod name on Kubernetes. Unset: the service name and a random suffix.',
    pattern: /^[A-Za-z0-9_-]{1,64}$/,
    optional: true,
  }),
  httpHost: setting.string({
    env: 'BREAKWATER_HTTP_HOST',
    doc: 'Address of the admin port (health and metrics).',
    default: '0.0.0.0',
  }),
  httpPort: setting.port({
    env: 'BREAKWATER_HTTP_PORT',
    doc: 'Admin port (health and metrics). 0 takes any free port.',
    default: 9090,
  }),
  logLevel: setting.oneOf({
    env: 'BREAKWATER_LOG_LEVEL',
    doc: 'Lowest level that is logged.',
    values: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    default: 'info',
  }),
  logBufferBytes: setting.bytes({
    env: 'BREAKWATER_LOG_BUFFER_BYTES',
    doc: 'Log lines waiting for a blocked reader; above it lines are dropped and counted.',
    default: 1_048_576,
    min: 16_384,
    max: 268_435_456,
  }),
  drainDelayMs: setting.durationMs({
    env: 'BREAKWATER_DRAIN_DELAY_MS',
    doc: 'Pause between turning not-ready and draining, so that load balancers notice first.',
    default: 0,
    max: 120_000,
  }),
  drainDeadlineMs: setting.durationMs({
    env: 'BREAKWATER_DRAIN_DEADLINE_MS',
    doc: 'All of drain and stop after SIGTERM; missed, the process exits non-zero. Keep it under the grace period.',
    default: 25_000,
    min: 100,
    max: 3_600_000,
  }),
  stopDeadlineMs: setting.durationMs({
    env: 'BREAKWATER_STOP_DEADLINE_MS',
    doc: 'All of a stop without drain (SIGINT), and the part of the drain deadline that is kept for stopping.',
    default: 4_000,
    min: 100,
    max: 600_000,
  }),
  dev: setting.bool({
    env: 'BREAKWATER_DEV',
    doc: 'Development mode: defaults for secrets and development helpers.',
    default: false,
  }),
  livenessLagMs: setting.durationMs({
    env: 'BREAKWATER_LIVENESS_LAG_MS',
    doc: 'Event-loop lag above which /livez fails.',
    default: 10_000,
    min: 1_000,
    max: 600_000,
  }),
  otlpEndpoint: setting.url({
    env: 'BREAKWATER_OTLP_ENDPOINT',
    doc: 'OpenTelemetry collector (OTLP over HTTP). Unset: no OpenTelemetry code is loaded.',
    protocols: ['http', 'https'],
    optional: true,
  }),
  otlpIntervalMs: setting.durationMs({
    env: 'BREAKWATER_OTLP_INTERVAL_MS',
    doc: 'How often metrics are sent to the collector.',
    default: 15_000,
    min: 1_000,
    max: 600_000,
  }),
  traceSampleRatio: setting.number({
    env: 'BREAKWATER_TRACE_SAMPLE_RATIO',
    doc: 'Share of new traces that are recorded; a trace that arrives from outside keeps its own decision.',
    default: 0.01,
    min: 0,
    max: 1,
  }),
} as const;

/** Settings of every process that speaks NATS. */
export const natsSettings = {
  natsUrl: setting.list({
    env: 'BREAKWATER_NATS_URL',
    doc: 'NATS servers, version 2.9 or newer. nats:// or tls://, the user and password of the first one count.',
    protocols: ['nats', 'tls'],
    minItems: 1,
    maxItems: 16,
    default: ['nats://127.0.0.1:4222'],
  }),
  natsUser: setting.string({ env: 'BREAKWATER_NATS_USER', doc: 'NATS user.', optional: true }),
  natsPassword: setting.secret({ env: 'BREAKWATER_NATS_PASSWORD', doc: 'NATS password.', optional: true }),
  natsCaFile: setting.string({
    env: 'BREAKWATER_NATS_CA_FILE',
    doc: 'PEM file of the authority that signed the NATS servers.',
    optional: true,
  }),
  partitions: setting.int({
    env: 'BREAKWATER_PARTITIONS',
    doc: 'Streams that rooms and games are spread over. Fixed at installation.',
    default: 4,
    min: 1,
    max: 64,
  }),
  replicas: setting.int({
    env: 'BREAKWATER_REPLICAS',
    doc: 'Copies of every stream: 1 for development, 3 in production (more than 1 needs NATS 2.12 or newer).',
    default: 1,
    min: 1,
    max: 5,
  }),
} as const;

/** The settings that every NATS service has; a service's schema is `{ ...commonSettings, … }`. */
export const commonSettings = { ...processSettings, ...natsSettings } as const;

export type ProcessSchema = typeof processSettings;
export type CommonSchema = typeof commonSettings;
