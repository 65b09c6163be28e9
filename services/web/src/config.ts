import { processSettings, setting } from '@breakwater/service-kit';

/** Settings of the page's server. */
export const schema = {
  ...processSettings,
  host: setting.string({
    env: 'BREAKWATER_WEB_HOST',
    doc: 'Address that the page is served on.',
    default: '0.0.0.0',
  }),
  port: setting.port({
    env: 'BREAKWATER_WEB_PORT',
    doc: 'Port that the page is served on; 0 takes a free one.',
    default: 8080,
  }),
  edges: setting.list({
    env: 'BREAKWATER_WEB_EDGES',
    doc: 'Base URLs of the edges, as a browser reaches them; the page picks one and fails over to the others.',
    default: ['http://127.0.0.1:8081'],
  }),
  forwardTo: setting.url({
    env: 'BREAKWATER_WEB_FORWARD_TO',
    doc: 'Base URL of the edges inside the network, to which requests and sockets under /v1 are passed on; the page then talks to its own address only. For demos: one door, at the price of one more hop. Unset: nothing is passed on.',
    protocols: ['http'],
    optional: true,
  }),
  maxForwardedSockets: setting.int({
    env: 'BREAKWATER_WEB_MAX_FORWARDED_SOCKETS',
    doc: 'Sockets that are passed on at once; more are answered 503.',
    default: 10_000,
    min: 1,
    max: 100_000,
  }),
  forwardTimeoutMs: setting.durationMs({
    env: 'BREAKWATER_WEB_FORWARD_TIMEOUT_MS',
    doc: 'How long an edge may take to begin its answer to what is passed on.',
    default: 10_000,
    min: 100,
    max: 120_000,
  }),
  page: setting.string({
    env: 'BREAKWATER_WEB_PAGE',
    doc: 'Folder with the built page.',
    default: 'services/web/dist',
  }),
} as const;
