import { Secret, setting } from '@breakwater/service-kit';

/** Known to everybody who has the sources: it signs nothing outside development mode. */
const DEVELOPMENT_SECRET = 'breakwater-development-only-secret-0000';

/** Where the demo page is served by default, for development mode. */
export const DEVELOPMENT_ORIGINS = ['http://localhost:8080', 'http://127.0.0.1:8080'] as const;

const ORIGIN = /^https?:\/\/[^/\s?#*]+$/;

/** Where clients connect, and from where. */
export const networkSettings = {
  host: setting.string({
    env: 'BREAKWATER_EDGE_HOST',
    doc: 'Address that clients connect to.',
    default: '0.0.0.0',
  }),
  port: setting.port({
    env: 'BREAKWATER_EDGE_PORT',
    doc: 'Port that clients connect to. 0 takes any free port.',
    default: 8081,
  }),
  tlsCertFile: setting.string({
    env: 'BREAKWATER_EDGE_TLS_CERT_FILE',
    doc: 'PEM file with the certificate, for TLS at the edge itself; read again when it is replaced. Unset: no TLS here.',
    optional: true,
  }),
  tlsKeyFile: setting.string({
    env: 'BREAKWATER_EDGE_TLS_KEY_FILE',
    doc: 'PEM file with the key of the certificate.',
    optional: true,
  }),
  origins: setting.list({
    env: 'BREAKWATER_EDGE_ORIGINS',
    doc: 'Web origins whose pages may connect, compared exactly; callers without an Origin header are no browsers and pass. Development mode adds port 8080 of this machine.',
    pattern: ORIGIN,
    maxItems: 100,
    default: [],
  }),
  trustedProxies: setting.list({
    env: 'BREAKWATER_EDGE_TRUSTED_PROXIES',
    doc: 'Addresses or CIDR ranges of proxies whose X-Forwarded-For is believed.',
    pattern: /^[0-9a-fA-F.:/]+$/,
    maxItems: 100,
    default: [],
  }),
  connectionTimeoutMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_CONNECTION_TIMEOUT_MS',
    doc: 'A connection that is silent this long before its upgrade is closed.',
    default: 5_000,
    min: 100,
    max: 60_000,
  }),
  requestTimeoutMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_REQUEST_TIMEOUT_MS',
    doc: 'All of an HTTP request, the upgrade included, must have arrived in this time.',
    default: 8_000,
    min: 100,
    max: 60_000,
  }),
  closeTimeoutMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_CLOSE_TIMEOUT_MS',
    doc: 'How long a client may take to answer a close frame.',
    default: 5_000,
    min: 100,
    max: 30_000,
  }),
} as const;

/** Who clients are. */
export const tokenSettings = {
  jwtSecret: setting.secret({
    env: 'BREAKWATER_EDGE_JWT_SECRET',
    doc: 'Shared by all edges. Signs single-use tickets, and checks user tokens (HS256) unless a JWKS URL is set.',
    minLength: 32,
    devDefault: new Secret(DEVELOPMENT_SECRET),
  }),
  jwksUrl: setting.url({
    env: 'BREAKWATER_EDGE_JWKS_URL',
    doc: 'Key set of the issuer of user tokens (RS256, ES256 or EdDSA); the secret checks none of them then.',
    protocols: ['https', 'http'],
    optional: true,
  }),
  jwtAudience: setting.string({
    env: 'BREAKWATER_EDGE_JWT_AUDIENCE',
    doc: 'Audience that user tokens must name.',
    default: 'breakwater',
  }),
  jwtIssuer: setting.string({
    env: 'BREAKWATER_EDGE_JWT_ISSUER',
    doc: 'Issuer that user tokens must name. Unset: any.',
    optional: true,
  }),
  ticketMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_TICKET_MS',
    doc: 'How long a single-use ticket is good for.',
    default: 30_000,
    min: 1_000,
    max: 60_000,
  }),
  guestTokens: setting.bool({
    env: 'BREAKWATER_EDGE_GUEST_TOKENS',
    doc: 'Hands out guest tokens to whoever asks, outside development mode too. For demos only: anybody who can connect can then take part.',
    default: false,
  }),
  guestTokenMs: setting.durationMs({
    env: 'BREAKWATER_EDGE_GUEST_TOKEN_MS',
    doc: 'How long a guest token is good for, where they are handed out.',
    default: 3_600_000,
    min: 1_000,
    max: 86_400_000,
  }),
} as const;

/** How many there may be. */
export const admissionSettings = {
  maxConnections: setting.int({
    env: 'BREAKWATER_EDGE_MAX_CONNECTIONS',
    doc: 'Connections of this process.',
    default: 20_000,
    min: 1,
    max: 1_000_000,
  }),
  maxConnectionsPerUser: setting.int({
    env: 'BREAKWATER_EDGE_MAX_CONNECTIONS_PER_USER',
    doc: 'Connections of one user to this process.',
    default: 16,
    min: 1,
    max: 1_000_000,
  }),
  maxConnectionsPerAddress: setting.int({
    env: 'BREAKWATER_EDGE_MAX_CONNECTIONS_PER_ADDRESS',
    doc: 'Connections of one address to this process.',
    default: 2_000,
    min: 1,
    max: 1_000_000,
  }),
  admissionsPerSecond: setting.int({
    env: 'BREAKWATER_EDGE_ADMISSIONS_PER_SECOND',
    doc: 'New connections a second that this process takes; more are told when to come back.',
    default: 500,
    min: 1,
    max: 100_000,
  }),
  admissionBurst: setting.int({
    env: 'BREAKWATER_EDGE_ADMISSION_BURST',
    doc: 'New connections that are taken at once before the rate counts.',
    default: 1_000,
    min: 1,
    max: 100_000,
  }),
} as const;
