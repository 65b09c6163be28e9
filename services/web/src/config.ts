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
  page: setting.string({
    env: 'BREAKWATER_WEB_PAGE',
    doc: 'Folder with the built page.',
    default: 'services/web/dist',
  }),
} as const;
