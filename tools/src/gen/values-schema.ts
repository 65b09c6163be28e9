import type { Schema } from '@breakwater/service-kit';
import type { ServiceDeclaration } from '../schemas.ts';

type JsonSchema = Record<string, unknown>;

/** Settings that the chart makes from its own values, or that Kubernetes gives: no `settings` may name them. */
export const CHART_SETTINGS: ReadonlySet<string> = new Set([
  'BREAKWATER_INSTANCE',
  'BREAKWATER_LOG_LEVEL',
  'BREAKWATER_DRAIN_DELAY_MS',
  'BREAKWATER_DRAIN_DEADLINE_MS',
  'BREAKWATER_OTLP_ENDPOINT',
  'BREAKWATER_TRACE_SAMPLE_RATIO',
  'BREAKWATER_NATS_URL',
  'BREAKWATER_NATS_USER',
  'BREAKWATER_NATS_PASSWORD',
  'BREAKWATER_NATS_CA_FILE',
  'BREAKWATER_PARTITIONS',
  'BREAKWATER_REPLICAS',
  'BREAKWATER_EDGE_DRAIN_SPREAD_MS',
  'BREAKWATER_EDGE_DRAIN_GRACE_MS',
  'BREAKWATER_EDGE_JWT_AUDIENCE',
  'BREAKWATER_EDGE_JWT_ISSUER',
  'BREAKWATER_EDGE_JWKS_URL',
  'BREAKWATER_EDGE_JWT_SECRET',
  'BREAKWATER_EDGE_ORIGINS',
  'BREAKWATER_EDGE_TRUSTED_PROXIES',
  'BREAKWATER_EDGE_TLS_CERT_FILE',
  'BREAKWATER_EDGE_TLS_KEY_FILE',
  'BREAKWATER_EDGE_GUEST_TOKENS',
  'BREAKWATER_WEB_FORWARD_TO',
  'BREAKWATER_SIMULATION_NODE',
  'BREAKWATER_MATCHMAKER_KUBERNETES',
  'BREAKWATER_MATCHMAKER_POD_SELECTOR',
  'BREAKWATER_MATCHMAKER_DEPLOYMENT',
  'BREAKWATER_MATCHMAKER_BUFFER_SLOTS',
  'BREAKWATER_MATCHMAKER_BUFFER_MIN_REPLICAS',
  'BREAKWATER_MATCHMAKER_BUFFER_MAX_REPLICAS',
  'BREAKWATER_MATCHMAKER_BUFFER_HYSTERESIS_SLOTS',
  'BREAKWATER_MATCHMAKER_BUFFER_STABLE_MS',
  'BREAKWATER_MATCHMAKER_BUFFER_MOVES_GAMES',
]);

/** Settings that no values reach: what the image and the chart's ports fix, and what has no place in a cluster. */
export const FIXED_SETTINGS: ReadonlySet<string> = new Set([
  'BREAKWATER_HTTP_HOST',
  'BREAKWATER_HTTP_PORT',
  'BREAKWATER_EDGE_HOST',
  'BREAKWATER_EDGE_PORT',
  'BREAKWATER_WEB_HOST',
  'BREAKWATER_WEB_PORT',
  'BREAKWATER_WEB_PAGE',
  'BREAKWATER_WEB_EDGES',
  'BREAKWATER_MATCHMAKER_KUBECONFIG',
  'BREAKWATER_MATCHMAKER_NAMESPACE',
  'BREAKWATER_DEV',
]);

/** The chart's schema with a definition of each service's `settings`, made from what the service declares. */
export function withSettingSchemas(
  before: string | undefined,
  services: readonly ServiceDeclaration[],
): string {
  const schema = (before === undefined ? {} : JSON.parse(before)) as JsonSchema;
  const kept = Object.entries((schema.definitions ?? {}) as JsonSchema);
  const handMade = Object.fromEntries(kept.filter(([name]) => !name.endsWith('Settings')));
  const made = Object.fromEntries(
    services.map(({ name, schema: own }) => [`${name}Settings`, settings(own)]),
  );
  return `${JSON.stringify({ ...schema, definitions: { ...handMade, ...made } }, null, 2)}\n`;
}

function settings(schema: Schema): JsonSchema {
  const free = Object.values(schema).filter(
    ({ env }) => !CHART_SETTINGS.has(env) && !FIXED_SETTINGS.has(env),
  );
  return {
    type: 'object',
    description: 'Settings by environment variable.',
    additionalProperties: false,
    properties: Object.fromEntries(free.map((item) => [item.env, property(item)])),
  };
}

function property(item: Schema[string]): JsonSchema {
  const { kind, doc, constraint } = item;
  return { ...typeOf(kind, constraint), description: doc };
}

const WHOLE = new Set(['int', 'durationMs', 'bytes', 'port']);

function typeOf(kind: string, limits: string | undefined): JsonSchema {
  if (kind === 'bool') return { type: 'boolean' };
  if (kind === 'list') return { type: 'array', items: { type: 'string' } };
  if (kind === 'oneOf') return { type: 'string', enum: (limits ?? '').split(', ') };
  if (WHOLE.has(kind)) return { type: 'integer', ...rangeOf(limits) };
  if (kind === 'number') return { type: 'number', ...rangeOf(limits) };
  return { type: 'string' };
}

/** `2 to 5`, `at least 2`, `at most 5`: as the docs say it. */
function rangeOf(limits: string | undefined): JsonSchema {
  const both = /^(-?[\d.]+) to (-?[\d.]+)$/.exec(limits ?? '');
  if (both !== null) return { minimum: Number(both[1]), maximum: Number(both[2]) };
  const one = /^at (least|most) (-?[\d.]+)$/.exec(limits ?? '');
  if (one === null) return {};
  return one[1] === 'least' ? { minimum: Number(one[2]) } : { maximum: Number(one[2]) };
}
